//! In: `smi`, `gpu` and `app` records, which carry rows of nvidia-smi's CSV, and `link` records, which carry those of its
//! matrix. Out: the GPUs and who uses them.

use super::gpu_row::{nameless, row, told};
use super::records::{Records, odd};
use crate::observe::facts::Section;
use crate::observe::facts::{Gpu, GpuProcess, GpuSight, Host, ProbeFailure};
use std::collections::BTreeMap;

/// The GPUs, or why none can be seen. A GPU whose memory is the machine's has what `host` has.
pub(super) fn gpus(records: &Records, host: &Host) -> GpuSight {
    let exit = records.rows("smi").last().and_then(|row| row.first()).map(String::as_str);
    let code = exit.and_then(|exit| exit.parse().ok()).unwrap_or(-1);
    let lines: Vec<&str> =
        records.rows("gpu").iter().filter_map(|row| row.first()).map(String::as_str).collect();
    if let Some(why) = records.torn(Section::Gpus) {
        return broken(code, Some(message(records, &[])).filter(|told| !told.is_empty()).unwrap_or(why));
    }
    if exit == Some("none") {
        return GpuSight::None;
    }
    let mut driver = String::new();
    let mut gpus: Vec<Gpu> = Vec::new();
    for line in &lines {
        // nvidia-smi prints the message of a lost one in the place of its row
        let next = gpus.last().map_or(0, |gpu| gpu.index.saturating_add(1));
        if let Some(row) = row(line) {
            row.driver.clone_into(&mut driver);
            let held = held(records, row.uuid);
            gpus.push(row.gpu(next, host, held));
        } else if let Some(fault) = lost(line) {
            gpus.push(Gpu { fault: Some(fault), ..nameless(next) });
        }
    }
    if gpus.is_empty() {
        return broken(code, message(records, &lines));
    }
    let matrix = links(records);
    for gpu in &mut gpus {
        gpu.links = matrix.get(&gpu.index).cloned().unwrap_or_default();
    }
    GpuSight::Found { driver, gpus }
}

/// Who is whose neighbor by `NVLink`: `GPU0 X NV18 SYS`, below a row that names the columns. What else the matrix has
/// (network cards, CPUs) comes after the GPUs.
fn links(records: &Records) -> BTreeMap<u32, BTreeMap<u32, u32>> {
    let (mut columns, mut matrix) = (Vec::new(), BTreeMap::new());
    for row in records.rows("link").iter().filter_map(|row| row.first()) {
        let mut words = row.split_whitespace().peekable();
        // the head may be underlined
        let first = words.next().and_then(|word| index(&word[word.find("GPU")?..]));
        let Some(first) = first else { continue };
        if words.peek().is_none_or(|word| index(word).is_some()) {
            columns = std::iter::once(first).chain(words.map_while(index)).collect();
        } else {
            let cells = columns.iter().copied().zip(words);
            let linked = cells.filter_map(|(to, cell)| Some((to, cell.strip_prefix("NV")?.parse().ok()?)));
            matrix.insert(first, linked.collect());
        }
    }
    matrix
}

/// `GPU7`
fn index(word: &str) -> Option<u32> {
    word.strip_prefix("GPU")?.parse().ok()
}

fn broken(exit: i32, message: String) -> GpuSight {
    GpuSight::Broken { exit, message }
}

/// What it said, in one line.
fn message(records: &Records, lines: &[&str]) -> String {
    let told = records.rows("smi").last().and_then(|row| row.get(1)).map(String::as_str);
    let said = told.into_iter().chain(lines.iter().copied()).map(str::trim).filter(|line| !line.is_empty());
    said.collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

/// `Unable to determine the device handle for GPU0000:BB:00.0: Unknown Error`
fn lost(line: &str) -> Option<String> {
    let rest = line.strip_prefix("Unable to determine the device handle for ")?;
    let (gpu, why) = rest.split_once(": ")?;
    let bus = gpu.trim_start_matches("gpu").trim_start_matches("GPU").trim();
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(format!("{why} ({bus})"))
}

/// Who holds GPU memory: `parent`, `session` and a row of `gpu_uuid, pid, used_memory, process_name`.
pub(super) fn gpu_processes(records: &Records, gaps: &mut Vec<ProbeFailure>) -> Vec<GpuProcess> {
    let mut processes = Vec::new();
    for record in records.rows("app") {
        match record.as_slice() {
            // a lost GPU's message, which the query for GPUs gave as well
            [_, _, line, ..] if line.is_empty() || lost(line).is_some() => {}
            [parent, session, line, ..] => match app(parent, session, line) {
                Some(process) => processes.push(process),
                None => gaps.push(odd(Section::Gpus, record)),
            },
            _ => gaps.push(odd(Section::Gpus, record)),
        }
    }
    processes
}

/// MiB that processes hold of a GPU, as far as the driver tells: also those that `/proc` does not know.
fn held(records: &Records, uuid: &str) -> u64 {
    let apps = records.rows("app").iter().filter_map(|record| match record.as_slice() {
        [parent, session, line, ..] => app(parent, session, line),
        _ => None,
    });
    apps.filter(|process| process.gpu_uuid == uuid).filter_map(|process| process.used_mib).sum()
}

fn app(parent: &str, session: &str, line: &str) -> Option<GpuProcess> {
    let mut cells = line.splitn(4, ", ").map(str::trim);
    let (uuid, pid, used) = (cells.next()?, cells.next()?, cells.next()?);
    // Orin's GPU has no UUID, and other worlds' processes may have no PID
    let uuid = told(uuid).unwrap_or_default();
    let is_uuid = uuid.is_empty() || uuid.starts_with("GPU-") || uuid.starts_with("MIG-");
    Some(GpuProcess {
        gpu_uuid: is_uuid.then(|| uuid.to_owned())?,
        pid: told(pid).map_or(Some(0), |pid| pid.parse().ok())?,
        command: cells.next().unwrap_or_default().to_owned(),
        used_mib: used.parse().ok(),
        parent: parent.parse().unwrap_or(0),
        session: session.parse().unwrap_or(0),
    })
}

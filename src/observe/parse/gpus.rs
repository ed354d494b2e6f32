//! In: `smi`, `gpu` and `app` records, which carry rows of nvidia-smi's CSV, and `link` records, which carry those of its
//! matrix. Out: the GPUs and who uses them.

use super::records::{Records, odd};
use crate::observe::facts::{Gap, Gpu, GpuProcess, GpuSight};
use std::collections::BTreeMap;

/// The GPUs, or why none can be seen.
pub(super) fn gpus(records: &Records) -> GpuSight {
    let exit = match records.rows("smi").last().and_then(|row| row.first()).map(String::as_str) {
        Some("none") => return GpuSight::None,
        Some(exit) => exit.parse().unwrap_or(-1),
        None => return broken(-1, "the probe did not get to it".to_owned()),
    };
    let lines: Vec<&str> =
        records.rows("gpu").iter().filter_map(|row| row.first()).map(String::as_str).collect();
    let mut driver = String::new();
    let mut gpus: Vec<Gpu> = Vec::new();
    for line in &lines {
        if let Some((gpu, version)) = row(line) {
            version.clone_into(&mut driver);
            gpus.push(gpu);
        } else if let Some(fault) = lost(line) {
            // nvidia-smi prints the message in the place of the row
            let index = gpus.last().map_or(0, |gpu| gpu.index + 1);
            gpus.push(Gpu { index, fault: Some(fault), ..nameless() });
        }
    }
    if gpus.is_empty() {
        return broken(exit, message(records, &lines));
    }
    let matrix = links(records);
    for gpu in &mut gpus {
        gpu.links = matrix.get(&gpu.index).cloned().unwrap_or_default();
    }
    GpuSight::Found { driver, gpus }
}

/// Who is whose neighbour by `NVLink`: `GPU0 X NV18 SYS`, below a row that names the columns. What else the matrix has
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

/// `index, uuid, name, total, used, driver[, compute_cap, mig, ecc]`, the last three unknown to old drivers.
fn row(line: &str) -> Option<(Gpu, &str)> {
    let cells: Vec<&str> = line.split(", ").map(str::trim).collect();
    let [index, uuid, name, total, used, driver, rest @ ..] = cells.as_slice() else { return None };
    let gpu = Gpu {
        index: index.parse().ok()?,
        uuid: (*uuid).to_owned(),
        name: (*name).to_owned(),
        memory_mib: total.parse().unwrap_or(0),
        used_mib: used.parse().unwrap_or(0),
        compute: rest.first().and_then(|cell| told(cell)).unwrap_or_default().to_owned(),
        mig: rest.get(1) == Some(&"Enabled"),
        ecc_errors: rest.get(2).and_then(|cell| cell.parse().ok()),
        fault: cells.iter().find_map(|cell| fault(cell)),
        links: BTreeMap::new(),
    };
    Some((gpu, told(driver).unwrap_or_default()))
}

/// A cell that says something: `[N/A]` and `[Not Supported]` do not.
fn told<'a>(cell: &&'a str) -> Option<&'a str> {
    (!cell.starts_with('[') && *cell != "N/A").then_some(*cell)
}

/// The trouble a cell tells of: `[GPU is lost]`, `[Unknown Error]`, `[GPU requires reset]`, `ERR!`.
fn fault(cell: &str) -> Option<String> {
    let word = cell.trim_matches(['[', ']']);
    let known = ["gpu is lost", "unknown error", "gpu requires reset", "err!"];
    known.contains(&word.to_lowercase().as_str()).then(|| word.to_owned())
}

/// `Unable to determine the device handle for GPU0000:BB:00.0: Unknown Error`
fn lost(line: &str) -> Option<String> {
    let rest = line.strip_prefix("Unable to determine the device handle for ")?;
    let (gpu, why) = rest.split_once(": ")?;
    let bus = gpu.trim_start_matches("gpu").trim_start_matches("GPU").trim();
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(format!("{why} ({bus})"))
}

fn nameless() -> Gpu {
    Gpu {
        index: 0,
        uuid: String::new(),
        name: String::new(),
        memory_mib: 0,
        used_mib: 0,
        compute: String::new(),
        mig: false,
        ecc_errors: None,
        fault: None,
        links: BTreeMap::new(),
    }
}

/// Who holds GPU memory: `parent`, `session` and a row of `gpu_uuid, pid, used_memory, process_name`.
pub(super) fn gpu_processes(records: &Records, gaps: &mut Vec<Gap>) -> Vec<GpuProcess> {
    let mut processes = Vec::new();
    for record in records.rows("app") {
        match record.as_slice() {
            [parent, session, line, ..] if line.starts_with("GPU-") || line.starts_with("MIG-") => {
                match app(parent, session, line) {
                    Some(process) => processes.push(process),
                    None => gaps.push(odd("gpus", record)),
                }
            }
            // a lost GPU's message, which the query for GPUs gave as well
            [_, _, line, ..] if line.is_empty() || lost(line).is_some() => {}
            _ => gaps.push(odd("gpus", record)),
        }
    }
    processes
}

fn app(parent: &str, session: &str, line: &str) -> Option<GpuProcess> {
    let mut cells = line.splitn(4, ", ").map(str::trim);
    let (uuid, pid, used) = (cells.next()?, cells.next()?, cells.next()?);
    Some(GpuProcess {
        gpu_uuid: uuid.to_owned(),
        pid: pid.parse().ok()?,
        command: cells.next().unwrap_or_default().to_owned(),
        used_mib: used.parse().ok(),
        parent: parent.parse().unwrap_or(0),
        session: session.parse().unwrap_or(0),
    })
}

//! `pi list`, as people read it: a block for every pod, a row for every server, within 80 columns where that can be.

use crate::name::PodName;
use crate::observe::Unreachable;
use crate::plan::gpu_list;
use crate::status::{Address, Belongs, GpuStatus, PodSeen, PodStatus, ServerStatus, State};
use crate::ui::layout::{WIDTH, padded, width, wrapped};
use crate::ui::plan_text::pod_title;
use crate::ui::style::{ADD, CHANGE, FAINT, REMOVE, Styled};
use crate::units::Seconds;
use anstyle::Style;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Where rows begin.
const INDENT: usize = 4;
/// Between two columns.
const GAP: usize = 2;
/// Signs of a bar.
const BAR: usize = 16;
/// Columns for a GPU, so that two stand side by side.
const GPU: usize = 38;

/// Pods with their servers and GPUs.
#[must_use]
pub fn list_text(pods: &BTreeMap<PodName, PodStatus>) -> String {
    let mut text = String::new();
    for (name, PodStatus { view, seen }) in pods {
        if !text.is_empty() {
            text.push('\n');
        }
        pod_title(&mut text, name, view);
        match seen {
            Ok(seen) => pod_text(&mut text, seen, view.gpu_fault.as_deref()),
            Err(why) => away(&mut text, why),
        }
    }
    text
}

fn away(text: &mut String, Unreachable { code: _, why, help }: &Unreachable) {
    for (at, line) in wrapped(why, WIDTH - INDENT - 11).into_iter().enumerate() {
        let head = if at == 0 { "no answer" } else { "" };
        let _ = writeln!(text, "{:INDENT$}{}  {line}", "", Styled(REMOVE, padded(head, 9)));
    }
    for (at, line) in help.iter().flat_map(|help| wrapped(help, WIDTH - INDENT - 13)).enumerate() {
        let arrow = if at == 0 { "→" } else { " " };
        let _ = writeln!(text, "{:15}{arrow} {line}", "");
    }
}

fn pod_text(text: &mut String, PodSeen { servers, gpus, gaps }: &PodSeen, gpu_fault: Option<&str>) {
    let rows: Vec<Row<'_>> =
        servers.iter().map(|(status, address)| Row::new(status, address.as_ref())).collect();
    table(text, &rows);
    if rows.is_empty() {
        let _ = writeln!(text, "{:INDENT$}{}", "", Styled(FAINT, "no servers"));
    }
    gpus_text(text, gpus);
    let fault = gpu_fault.map(|fault| format!("nvidia-smi: {fault}"));
    let gaps = gaps.iter().map(|gap| format!("not seen: {gap}"));
    for line in fault.into_iter().chain(gaps).flat_map(|line| wrapped(&line, WIDTH - INDENT)) {
        let _ = writeln!(text, "{:INDENT$}{}", "", Styled(CHANGE, line));
    }
}

/// One server's cells, and the lines below them.
struct Row<'a> {
    status: &'a ServerStatus,
    /// Name, state, GPUs, PID, uptime, requests.
    cells: [String; 6],
    url: String,
    notes: Vec<String>,
}

const HEADS: [&str; 6] = ["NAME", "STATE", "GPU", "PID", "UP", "REQUESTS"];

impl<'a> Row<'a> {
    fn new(status: &'a ServerStatus, address: Option<&Address>) -> Self {
        let lives = status.pid.is_some();
        let gpus = status.spec.as_ref().filter(|_| lives).map(|spec| match spec.gpus.as_slice() {
            [] => "CPU".to_owned(),
            gpus => ranges(gpus),
        });
        let requests = status.requests.map(|requests| match requests.waiting {
            0 => requests.running.to_string(),
            waiting => format!("{} + {waiting} wait", requests.running),
        });
        let cells = [
            status.name.to_string(),
            word(status.state).to_owned(),
            gpus.unwrap_or_default(),
            status.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            status.seconds.map(uptime).unwrap_or_default(),
            requests.unwrap_or_default(),
        ];
        let url = address.filter(|_| lives).map(Address::base_url).unwrap_or_default();
        Self { status, cells, url, notes: notes(status) }
    }
}

/// Rows with the url behind them, or below them where it does not fit.
fn table(text: &mut String, rows: &[Row<'_>]) {
    if rows.is_empty() {
        return;
    }
    let widths: [usize; 6] = std::array::from_fn(|at| {
        let widest = rows.iter().map(|row| width(&row.cells[at])).max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(width(HEADS[at])) }
    });
    let urls = rows.iter().map(|row| width(&row.url)).max().unwrap_or(0);
    let table = widths.iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<usize>();
    let beside = urls > 0 && INDENT + table + urls <= WIDTH;
    let head = line(&HEADS.map(str::to_owned), &widths, if beside { "URL" } else { "" });
    let _ = writeln!(text, "{:INDENT$}{}", "", Styled(FAINT, head));
    let below = INDENT + widths[0] + GAP;
    for row in rows {
        let plain = line(&row.cells, &widths, if beside { &row.url } else { "" });
        // the state alone has a colour: it starts behind the name, and has only ASCII in it
        let (start, rest) = plain.split_at(widths[0] + GAP);
        let (word, rest) = rest.split_at(row.cells[1].len());
        let _ = writeln!(text, "{:INDENT$}{start}{}{rest}", "", Styled(style(row.status), word));
        if !beside && !row.url.is_empty() {
            let _ = writeln!(text, "{:below$}{}", "", row.url);
        }
        for line in row.notes.iter().flat_map(|note| wrapped(note, WIDTH - below)) {
            let _ = writeln!(text, "{:below$}{}", "", Styled(FAINT, line));
        }
    }
}

fn line(cells: &[String; 6], widths: &[usize; 6], last: &str) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
        line.push_str(&padded(cell, width + GAP));
    }
    line.push_str(last);
    line.trim_end().to_owned()
}

fn word(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Running => "running",
        State::Starting => "starting",
        State::Unhealthy => "unhealthy",
        State::Dead => "dead",
        State::Orphaned => "orphaned",
        State::Stopped => "stopped",
        State::NotThere => "not there",
    }
}

fn style(status: &ServerStatus) -> Style {
    match status.state {
        State::Ready if status.drift.is_none() => ADD,
        State::Ready | State::Running | State::Starting => CHANGE,
        State::Unhealthy | State::Dead | State::Orphaned => REMOVE,
        State::Stopped | State::NotThere => FAINT,
    }
}

/// What stands below a row.
fn notes(status: &ServerStatus) -> Vec<String> {
    let ServerStatus { phase, cause, drift, beside, belongs, health, left, state, .. } = status;
    let mut notes = Vec::new();
    notes.extend(phase.map(|phase| match phase.percent {
        Some(percent) => format!("{}, {percent}%", phase.name),
        None => phase.name.to_owned(),
    }));
    notes.extend((*state == State::Running).then(|| "it has not answered with a token yet".to_owned()));
    notes.extend((*state == State::Unhealthy).then(|| match health {
        Some(code) => format!("its /health says {code}"),
        None => "nothing answers on its port".to_owned(),
    }));
    notes.extend((!left.is_empty()).then(|| {
        let pids = left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("left over: PID {pids}")
    }));
    notes.extend(cause.clone());
    notes.extend(drift.as_ref().map(|why| format!("drifted: {why}")));
    notes.extend(beside.as_ref().map(|(spec, state)| {
        let place = format!("beside it on port {}, {}", spec.port, gpu_list(&spec.gpus));
        match state {
            State::Ready => format!("a changed one is ready {place}: pi apply puts it in place"),
            State::Dead => format!("a changed one died {place}: pi apply clears it away"),
            State::Starting
            | State::Running
            | State::Unhealthy
            | State::Orphaned
            | State::Stopped
            | State::NotThere => format!("a changed one starts {place}"),
        }
    }));
    notes.extend(match belongs {
        Belongs::Declared => None,
        Belongs::Gone => Some("gone from pi.toml".to_owned()),
        Belongs::Other(project) => Some(format!("of the project {project}")),
        Belongs::Unknown => Some("its record can't be read".to_owned()),
    });
    notes
}

/// `0-3,6`
fn ranges(numbers: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let part =
        |(first, last): (u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    parts.into_iter().map(part).collect::<Vec<_>>().join(",")
}

/// `45s`, `3m 5s`, `2h 10m`, `12d 3h`
fn uptime(seconds: u64) -> String {
    match (seconds / 86_400, seconds / 3600 % 24) {
        (0, _) => Seconds(seconds).to_string(),
        (days, hours) => format!("{days}d {hours}h"),
    }
}

/// Two GPUs a line, and below them who else holds their memory.
fn gpus_text(text: &mut String, gpus: &[GpuStatus]) {
    for pair in gpus.chunks(2) {
        let shown: Vec<String> = pair.iter().map(gpu_text).collect();
        let shown = match shown.as_slice() {
            [one, other] => {
                let plain = anstream::adapter::strip_str(one).to_string();
                format!("{one}{:1$}{other}", "", GPU.saturating_sub(width(&plain)))
            }
            one => one.concat(),
        };
        let _ = writeln!(text, "{:INDENT$}{}", "", shown.trim_end());
    }
    for gpu in gpus {
        for stranger in &gpu.strangers {
            let held = stranger.used_mib.map(|mib| format!("{} GiB of ", gib(mib))).unwrap_or_default();
            let line = format!(
                "{held}GPU {} held by {}, PID {}, which is no server of pi's",
                gpu.index, stranger.command, stranger.pid
            );
            for line in wrapped(&line, WIDTH - INDENT) {
                let _ = writeln!(text, "{:INDENT$}{}", "", Styled(CHANGE, line));
            }
        }
    }
}

/// `GPU 0 ████████████░░░░ 71.2/79.6 GiB`
fn gpu_text(GpuStatus { index, memory_mib, used_mib, fault, .. }: &GpuStatus) -> String {
    if let Some(fault) = fault {
        return format!("GPU {index} {}", Styled(REMOVE, fault));
    }
    let share =
        |of: u64| usize::try_from((used_mib * of + memory_mib / 2) / (*memory_mib).max(1)).unwrap_or(0);
    let full = share(BAR as u64).min(BAR);
    let style = if share(100) > 97 { CHANGE } else { ADD };
    let (bar, rest) = ("█".repeat(full), "░".repeat(BAR - full));
    format!(
        "GPU {index} {}{} {}/{} GiB",
        Styled(style, bar),
        Styled(FAINT, rest),
        gib(*used_mib),
        gib(*memory_mib)
    )
}

/// One decimal, below: `79.6`
fn gib(mib: u64) -> String {
    let tenths = mib * 10 / 1024;
    format!("{}.{}", tenths / 10, tenths % 10)
}

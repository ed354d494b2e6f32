//! `pi list`, as people read it: a block for every pod, a row for every server.

use crate::name::PodName;
use crate::observe::Unreachable;
use crate::observe::{FailedStart, Past, Restarts};
use crate::plan::gpu_list;
use crate::spec::ServerSpec;
use crate::status::{Address, Belongs, GpuStatus, PodSeen, PodStatus, ServerStatus, State};
use crate::ui::layout::{columns, padded, prose, width, wrapped};
use crate::ui::plan_text::pod_title;
use crate::ui::style::{ADD, CHANGE, FAINT, REMOVE, Styled};
use crate::ui::table::{Cell, Head, Table};
use crate::units::Seconds;
use crate::units::times;
use anstyle::Style;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Where rows begin.
const INDENT: usize = 4;
/// Signs of a bar.
const BAR: usize = 16;
/// Columns for a GPU, so that two stand side by side in 80.
const GPU: usize = 38;

/// Pods with their servers and GPUs.
#[must_use]
pub fn list_text(pods: &BTreeMap<PodName, PodStatus>) -> String {
    let (mut text, mut advised) = (String::new(), BTreeSet::new());
    for (name, PodStatus { view, seen }) in pods {
        if !text.is_empty() {
            text.push('\n');
        }
        pod_title(&mut text, name, view);
        match seen {
            Ok(seen) => pod_text(&mut text, seen, view.gpu_fault.as_deref()),
            Err(why) => away(&mut text, why, advised.insert(&why.help).then_some(&why.help)),
        }
    }
    text
}

/// Why a pod does not answer; `help` where no pod before it was told so.
fn away(text: &mut String, Unreachable { code: _, why, .. }: &Unreachable, help: Option<&Option<String>>) {
    for (at, line) in wrapped(why, prose() - INDENT - 11).into_iter().enumerate() {
        let head = if at == 0 { "no answer" } else { "" };
        let _ = writeln!(text, "{:INDENT$}{}  {line}", "", Styled(REMOVE, padded(head, 9)));
    }
    for (at, line) in
        help.into_iter().flatten().flat_map(|help| wrapped(help, prose() - INDENT - 13)).enumerate()
    {
        let arrow = if at == 0 { "→" } else { " " };
        let _ = writeln!(text, "{:15}{arrow} {line}", "");
    }
}

/// The same, with why the manifest of before is gone by.
#[must_use]
pub fn watch_text(pods: &BTreeMap<PodName, PodStatus>, complaint: Option<&str>) -> String {
    let lines = complaint.map(|why| wrapped(why, prose().saturating_sub(2))).unwrap_or_default();
    let mut text = String::new();
    for line in &lines {
        let _ = writeln!(text, "  {}", Styled(CHANGE, line));
    }
    text + &list_text(pods)
}

fn pod_text(text: &mut String, PodSeen { servers, gpus, gaps }: &PodSeen, gpu_fault: Option<&str>) {
    if servers.is_empty() {
        let _ = writeln!(text, "{:INDENT$}{}", "", Styled(FAINT, "no servers"));
    } else {
        servers_text(text, servers);
    }
    gpus_text(text, gpus);
    let fault = gpu_fault.map(|fault| format!("nvidia-smi: {fault}"));
    let gaps = gaps.iter().map(|gap| format!("not seen: {gap}"));
    for line in fault.into_iter().chain(gaps).flat_map(|line| wrapped(&line, prose() - INDENT)) {
        let _ = writeln!(text, "{:INDENT$}{}", "", Styled(CHANGE, line));
    }
}

const HEADS: [Head; 7] = [
    Head("NAME", ""),
    Head("STATE", ""),
    Head("GPU", "GPU"),
    Head("PID", "PID"),
    Head("UP", "up"),
    Head("REQUESTS", "requests"),
    Head("URL", ""),
];

/// A server's name, state, GPUs, PID, uptime, requests and url.
fn cells(status: &ServerStatus, address: Option<&Address>) -> [Cell; 7] {
    let lives = status.pid.is_some();
    let gpus = status.spec.as_ref().filter(|_| lives).map(|spec| match spec.gpus.as_slice() {
        [] => "CPU".to_owned(),
        gpus => ranges(gpus),
    });
    let requests = status.requests.map(|requests| match requests.waiting {
        0 => requests.running.to_string(),
        waiting => format!("{} + {waiting} wait", requests.running),
    });
    let plain = |cell: Option<String>| (Style::new(), cell.unwrap_or_default());
    [
        plain(Some(status.name.to_string())),
        (style(status), word(status.state).to_owned()),
        plain(gpus),
        plain(status.pid.map(|pid| pid.to_string())),
        plain(status.seconds.map(uptime)),
        plain(requests),
        plain(address.filter(|_| lives).map(Address::base_url)),
    ]
}

/// A row for every server, with its notes below.
fn servers_text(text: &mut String, servers: &[(ServerStatus, Option<Address>)]) {
    let rows: Vec<_> = servers.iter().map(|(status, address)| cells(status, address.as_ref())).collect();
    let table = Table::new(INDENT, (&HEADS, 1), &rows);
    text.push_str(&table.head());
    for ((status, _), row) in servers.iter().zip(&rows) {
        text.push_str(&table.row(row));
        let below = table.below();
        for line in notes(status).iter().flat_map(|note| wrapped(note, prose().saturating_sub(below))) {
            let _ = writeln!(text, "{:below$}{}", "", Styled(FAINT, line));
        }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Ready => "ready",
        State::Running => "running",
        State::Starting => "starting",
        State::Unhealthy => "unhealthy",
        State::Unknown => "unknown",
        State::Dead => "dead",
        State::Orphaned => "orphaned",
        State::Stopped => "stopped",
        State::NotThere => "not there",
    }
}

fn style(status: &ServerStatus) -> Style {
    match status.state {
        State::Ready if status.drift.is_none() => ADD,
        State::Ready | State::Running | State::Starting | State::Unknown => CHANGE,
        State::Unhealthy | State::Dead | State::Orphaned => REMOVE,
        State::Stopped | State::NotThere => FAINT,
    }
}

const NO_RECORD: &str = "its record can't be read";

/// What stands below a row.
fn notes(status: &ServerStatus) -> Vec<String> {
    let ServerStatus { phase, cause, past, drift, beside, belongs, health, left, state, .. } = status;
    let mut notes = Vec::new();
    notes.extend(phase.map(|phase| match phase.percent {
        Some(percent) => format!("{}, {percent}%", phase.name),
        None => phase.name.to_owned(),
    }));
    notes.extend((*state == State::Running).then(|| "it has not answered with a token yet".to_owned()));
    notes.extend((*state == State::Unknown && *belongs != Belongs::Unknown).then(|| NO_RECORD.to_owned()));
    notes.extend((*state == State::Unhealthy).then(|| match health {
        Some(code) => format!("its /health says {code}"),
        None => "nothing answers on its port".to_owned(),
    }));
    notes.extend((!left.is_empty()).then(|| {
        let pids = left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("left over: PID {pids}")
    }));
    notes.extend(cause.clone());
    notes.extend(past_notes(past));
    notes.extend(drift.as_ref().map(|why| format!("differs from pi.toml: {why}")));
    notes.extend(beside.as_ref().map(|(spec, state)| beside_note(spec, *state)));
    notes.extend(match belongs {
        Belongs::Declared => None,
        Belongs::Gone => Some("gone from pi.toml".to_owned()),
        Belongs::Other(project) => Some(format!("of the project {project}")),
        Belongs::Unknown => Some(NO_RECORD.to_owned()),
    });
    notes
}

/// What became of another run of it.
fn beside_note(spec: &ServerSpec, state: State) -> String {
    let place = format!("beside it on port {}, {}", spec.port, gpu_list(&spec.gpus));
    match state {
        State::Ready => format!("a changed one is ready {place}: `pi apply` puts it in place"),
        State::Dead => format!("a changed one died {place}: `pi apply` clears it away"),
        State::Starting
        | State::Running
        | State::Unhealthy
        | State::Unknown
        | State::Orphaned
        | State::Stopped
        | State::NotThere => format!("a changed one starts {place}"),
    }
}

/// What its earlier starts left to know.
fn past_notes(Past { restarts, failed, .. }: &Past) -> Vec<String> {
    let restarts = restarts.as_ref().map(|Restarts { count, code, given_up }| {
        let end = if *given_up { "; it ended again, and was given up" } else { "" };
        format!("restarted {} by the pod, the last time after exit code {code}{end}", times(*count))
    });
    let failed = failed
        .as_ref()
        .map(|FailedStart { count, cause, .. }| format!("failed to start {}: {cause}", times(*count)));
    restarts.into_iter().chain(failed).collect()
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

/// As many GPUs a line as there is room for, and below them who else holds their memory.
fn gpus_text(text: &mut String, gpus: &[GpuStatus]) {
    let across = ((columns() - INDENT) / GPU).max(1);
    for row in gpus.chunks(across) {
        let mut line = String::new();
        for (at, gpu) in row.iter().enumerate() {
            let plain = anstream::adapter::strip_str(&line).to_string();
            line.push_str(&padded("", (at * GPU).saturating_sub(width(&plain))));
            line.push_str(&gpu_text(gpu));
        }
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
    for gpu in gpus {
        for stranger in &gpu.strangers {
            let held = stranger.used_mib.map(|mib| format!("{} GiB of ", gib(mib))).unwrap_or_default();
            let line = format!(
                "{held}GPU {} held by {}, PID {}, which is no server of pi's",
                gpu.index, stranger.command, stranger.pid
            );
            for line in wrapped(&line, prose() - INDENT) {
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

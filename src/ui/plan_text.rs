//! A plan, as people read it: the truth first, aligned, within 80 columns.

use crate::manifest::Lines;
use crate::name::PodName;
use crate::plan::{
    Action, Fetch, Finding, How, Plan, PodView, Severity, Sign, Step, gpu_list, gpus_in_words,
};
use crate::spec::ServerSpec;
use crate::ui::findings::finding_text;
use crate::ui::layout::{Count, WIDTH, padded, width, wrapped};
use crate::ui::style::{ADD, CHANGE, REMOVE, STRONG, Styled};
use crate::units::Bytes;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Columns for a row's kind: `engine`, `weights`.
const KIND: usize = 10;
/// Columns for what a row is about; longer names push the rest to the right.
const TARGET: usize = 23;
/// Where continuation lines begin.
const INDENT: usize = 8;

/// The whole plan.
#[must_use]
pub fn plan_text(plan: &Plan, lines: &Lines) -> String {
    let mut text = String::new();
    let busy: BTreeSet<&PodName> = plan.steps.iter().map(|step| &step.pod).collect();
    if !busy.is_empty() {
        let pods = Count(busy.len(), "pod");
        let _ = writeln!(text, "pi will make these changes on {pods}:\n");
    }
    for (name, view) in &plan.pods {
        pod_text(&mut text, plan, (name, view), lines);
    }
    for finding in plan.findings.iter().filter(|finding| finding.pod.is_none()) {
        text.push_str(&finding_text(finding, lines));
    }
    text.push_str(&footer(plan));
    text
}

/// A pod's header, rows and findings; nothing if there is nothing to say.
fn pod_text(text: &mut String, plan: &Plan, (name, view): (&PodName, &PodView), lines: &Lines) {
    let rows: Vec<&Step> = plan.rows().filter(|step| step.pod == *name).collect();
    let findings: Vec<&Finding> = plan.findings.iter().filter(|f| f.pod.as_ref() == Some(name)).collect();
    if rows.is_empty() && findings.is_empty() {
        return;
    }
    let _ = writeln!(text, "  {}  {}", Styled(STRONG, name), header(view));
    for step in rows {
        row_text(text, step, view);
    }
    for finding in findings {
        text.push_str(&finding_text(finding, lines));
    }
    text.push('\n');
}

fn header(view: &PodView) -> String {
    let PodView { reachable, address, gpus, driver, cpus, free: _ } = view;
    if !reachable {
        return format!("{address}");
    }
    let machine = if gpus.is_empty() {
        format!("no GPU, {}", Count(*cpus as usize, "CPU"))
    } else {
        gpus_in_words(gpus.iter().map(|gpu| gpu.name.as_str()))
    };
    let driver = driver.as_ref().map(|driver| format!("  driver {driver}")).unwrap_or_default();
    format!("{machine}{driver}  {address}")
}

fn row_text(text: &mut String, step: &Step, view: &PodView) {
    let (sign, style) = match step.action.sign() {
        Sign::Add => ("+", ADD),
        Sign::Change => ("~", CHANGE),
        Sign::Remove => ("-", REMOVE),
    };
    let (kind, target, detail) = words(&step.action, view);
    let start = format!("{} {}", padded(kind, KIND), padded(&target, TARGET));
    let detail = if detail.is_empty() { step.reason.clone() } else { format!("{detail}; {}", step.reason) };
    let left = 6 + width(&start) + 1;
    if left + width(&detail) <= WIDTH {
        let _ = writeln!(text, "    {} {start} {detail}", Styled(style, sign));
    } else {
        let _ = writeln!(text, "    {} {}", Styled(style, sign), start.trim_end());
        for line in wrapped(&detail, WIDTH - INDENT) {
            let _ = writeln!(text, "{:INDENT$}{line}", "");
        }
    }
    if let Action::RestartServer { changes, .. } = &step.action {
        for change in changes {
            change_text(text, change.field, &change.how);
        }
    }
}

fn change_text(text: &mut String, field: &str, how: &How) {
    let field = padded(field, KIND - 1);
    match how {
        How::Value { from, to } => {
            let _ = writeln!(text, "{:INDENT$}{field} {from} → {to}", "");
        }
        How::Lines { gone, new } => {
            let gone = gone.iter().map(|line| (REMOVE, "-", line));
            let new = new.iter().map(|line| (ADD, "+", line));
            for (at, (style, sign, line)) in gone.chain(new).enumerate() {
                let field = if at == 0 { field.clone() } else { padded("", KIND - 1) };
                let _ = writeln!(text, "{:INDENT$}{field} {} {line}", "", Styled(style, sign));
            }
        }
    }
}

/// A row's kind, what it is about, and what else is to be known.
fn words(action: &Action, view: &PodView) -> (&'static str, String, String) {
    let target = action.target();
    match action {
        Action::MountStorage(mount) => ("mount", format!("{} on {target}", mount.source), String::new()),
        Action::InstallEngine(recipe) => ("engine", target, format!("Python {}", recipe.python)),
        Action::WriteSecrets(_) => ("secrets", target, String::new()),
        Action::FetchWeights(fetch) => ("weights", target, download(fetch, view)),
        Action::RemoveWeights(_) => ("weights", target, String::new()),
        Action::StartServer(spec) => ("server", target, place(spec)),
        Action::RestartServer { to, .. } => ("server", target, format!("{}, restart", place(to))),
        Action::AwaitReady { spec, .. } => ("server", target, format!("{}, wait", place(spec))),
        Action::StopServer(_) => ("server", target, "stop".to_owned()),
        Action::RemoveServer(_) => ("server", target, "remove".to_owned()),
        Action::RemoveEngine(_) => ("engine", target, String::new()),
    }
}

/// `65.5 GB, 1.9 TB free`; `1.2 GB of 65.5 GB, 1.9 TB free`; nothing where the hub could not be asked.
fn download(fetch: &Fetch, view: &PodView) -> String {
    let (Some(total), Some(missing)) = (fetch.total(), fetch.missing) else { return String::new() };
    let size = if missing == total { total.to_string() } else { format!("{missing} of {total}") };
    let free = view.free.map(|free| format!(", {free} free")).unwrap_or_default();
    format!("{size}{free}")
}

fn place(spec: &ServerSpec) -> String {
    format!("port {}, {}", spec.port, gpu_list(&spec.gpus))
}

fn footer(plan: &Plan) -> String {
    let errors = plan.findings.iter().filter(|f| f.severity == Severity::Error).count();
    let seen = plan.pods.values().filter(|view| view.reachable).count();
    let standing = match plan.standing {
        0 => String::new(),
        count => format!("  {} as wanted.", Count(count, "server")),
    };
    let problems = match errors {
        0 => String::new(),
        count => format!("  {}.", Styled(REMOVE, format!("{} in the way", Count(count, "problem")))),
    };
    if plan.is_empty() {
        return match (errors, plan.standing) {
            (0, 0) => "No changes. There is nothing to run, and nothing runs.\n".to_owned(),
            (0, count) => {
                let are = if count == 1 { "is" } else { "are" };
                let (servers, pods) = (Count(count, "server"), Count(seen, "pod"));
                format!(
                    "No changes. {servers} on {pods} {are} as pi.toml wants {}.\n",
                    if count == 1 { "it" } else { "them" }
                )
            }
            _ => format!("Nothing that could be done.{standing}{problems}\n"),
        };
    }
    let counts = plan.counts();
    let restarts = plan.steps.iter().filter(|s| matches!(s.action, Action::RestartServer { .. })).count();
    let restarts = match restarts {
        0 => String::new(),
        count => format!("  {}.", Count(count, "restart")),
    };
    let downloads = match plan.downloads() {
        Bytes(0) => String::new(),
        bytes => format!("  {bytes} to download."),
    };
    let summary = format!("{} to add, {} to change, {} to remove.", counts.add, counts.change, counts.remove);
    format!("{} {summary}{restarts}{downloads}{standing}{problems}\n", Styled(STRONG, "Plan:"))
}

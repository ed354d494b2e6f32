//! A plan, as people read it: the truth first, aligned, within 80 columns.

use crate::fit::text::Line;
use crate::fit::{Fit, Verdict};
use crate::manifest::Lines;
use crate::name::PodName;
use crate::plan::{Plan, PodView, Row, Severity, gpus_in_words};
use crate::ui::command::command_text;
use crate::ui::findings::{Kind, kinds};
use crate::ui::layout::{Count, prose, width};
use crate::ui::rows::{about, below, row_text};
use crate::ui::style::{REMOVE, STRONG, Styled};
use crate::units::Bytes;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The whole plan.
#[must_use]
pub fn plan_text(plan: &Plan, lines: &Lines) -> String {
    let mut text = String::new();
    let kinds = kinds(&plan.findings);
    let (mut rows, mut findings) = (BTreeMap::new(), BTreeMap::new());
    for row in plan.rows() {
        rows.entry(&row.step.pod).or_insert_with(Vec::new).push(row);
    }
    for kind in &kinds {
        findings.entry(kind.pod()).or_insert_with(Vec::new).push(kind);
    }
    if !rows.is_empty() {
        let _ = writeln!(text, "pi will make these changes on {}:\n", Count(rows.len(), "pod"));
    }
    for (name, view) in &plan.pods {
        let rows = rows.remove(name).unwrap_or_default();
        let findings = findings.remove(&Some(name)).unwrap_or_default();
        if !rows.is_empty() || !findings.is_empty() {
            pod_text(&mut text, (name, view), (&rows, &findings), plan, lines);
        }
    }
    // what is of several pods
    let of_several: String = findings.into_values().flatten().map(|kind| kind.text(lines)).collect();
    if !of_several.is_empty() {
        let _ = writeln!(text, "{of_several}");
    }
    text.push_str(&footer(plan));
    text
}

/// A pod's name, GPUs and address.
pub(super) fn pod_title(text: &mut String, name: &PodName, view: &PodView) {
    let mut left = prose().saturating_sub(2 + width(name.as_str()));
    let _ = write!(text, "  {}", Styled(STRONG, name));
    for part in header(view) {
        // a name and an address may both be long
        if 2 + width(&part) > left {
            text.push_str("\n   ");
            left = prose().saturating_sub(3);
        }
        let _ = write!(text, "  {part}");
        left = left.saturating_sub(2 + width(&part));
    }
    text.push('\n');
}

/// A pod's header, rows and findings.
fn pod_text(
    text: &mut String,
    (name, view): (&PodName, &PodView),
    (rows, findings): (&[Row<'_>], &[&Kind<'_>]),
    plan: &Plan,
    lines: &Lines,
) {
    pod_title(text, name, view);
    for row in rows {
        row_text(text, row, view, plan.times.get(&row.step.id).copied());
        if let Some(command) = command_text(row) {
            below(text, &command);
        }
        // where it is uncertain a finding says so
        if let Some(fit) = fit(row, plan).filter(|fit| fit.verdict == Verdict::Fits) {
            below(text, &Line(fit).to_string());
        }
    }
    for kind in findings {
        text.push_str(&kind.text(lines));
    }
    text.push('\n');
}

/// How a server that starts will fit.
fn fit<'a>(row: &Row<'_>, plan: &'a Plan) -> Option<&'a Fit> {
    let spec = row.step.action.starts()?;
    plan.fits.get(&(row.step.pod.clone(), spec.name.clone()))
}

fn header(view: &PodView) -> Vec<String> {
    let PodView { reachable, address, gpus, driver, gpu_fault, cpus, free: _ } = view;
    if !reachable {
        let hoped = (!gpus.is_empty()).then(|| gpus_in_words(gpus.iter().map(|gpu| gpu.name.as_str())));
        return hoped.into_iter().chain([address.clone()]).collect();
    }
    let mut parts = vec![match gpu_fault {
        _ if !gpus.is_empty() => gpus_in_words(gpus.iter().map(|gpu| gpu.name.as_str())),
        Some(_) => "nvidia-smi fails".to_owned(),
        None => format!("no GPU, {}", Count(*cpus as usize, "CPU")),
    }];
    parts.extend(driver.as_ref().map(|driver| format!("driver {driver}")));
    parts.push(address.clone());
    parts
}

/// `  1 restart, ~2 min down.`
fn restarts(plan: &Plan) -> String {
    let count = plan.restarts();
    if count == 0 {
        return String::new();
    }
    let each = if count == 1 { "" } else { " at most" };
    let down = plan.down().map(|down| format!(", {} down{each}", about(down))).unwrap_or_default();
    format!("  {}{down}.", Count(count, "restart"))
}

fn footer(plan: &Plan) -> String {
    let errors = plan.findings.iter().filter(|f| f.severity == Severity::Error).count();
    let standing = match plan.standing {
        0 => String::new(),
        count => format!("  {} as wanted.", Count(count, "server")),
    };
    let problems = match errors {
        0 => String::new(),
        count => format!("  {}.", Styled(REMOVE, format!("{} in the way", Count(count, "problem")))),
    };
    if plan.is_empty() {
        return match errors {
            0 => no_changes(plan),
            _ => format!("Nothing can be done.{problems}{standing}\n"),
        };
    }
    let counts = plan.counts();
    let summary = format!("{} to add, {} to change, {} to remove.", counts.add, counts.change, counts.remove);
    let downloads = match plan.downloads() {
        Bytes(0) => String::new(),
        bytes => format!("  {bytes} to download."),
    };
    let parts = [restarts(plan), downloads, standing, problems];
    let mut text = format!("{} {summary}", Styled(STRONG, "Plan:"));
    let mut columns = width("Plan: ") + width(&summary);
    for part in parts {
        let shown = width(&anstream::adapter::strip_str(&part).to_string());
        if columns + shown > prose() {
            text.push_str("\n   ");
            columns = 3;
        }
        text.push_str(&part);
        columns += shown;
    }
    text.push('\n');
    text
}

fn no_changes(plan: &Plan) -> String {
    let pods = Count(plan.pods.values().filter(|view| view.reachable).count(), "pod");
    match plan.standing {
        0 => "No changes. Nothing has to run, and nothing does.\n".to_owned(),
        1 => format!("No changes. 1 server on {pods} is as pi.toml wants it.\n"),
        count => format!("No changes. {count} servers on {pods} are as pi.toml wants them.\n"),
    }
}

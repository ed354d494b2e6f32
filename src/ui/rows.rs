//! One row of a plan: what is done to what, and below it what needs more room.

use crate::catalog::models;
use crate::model_ref::ModelRef;
use crate::plan::{
    Action, Care, Fetch, How, Otherwise, PodView, Recreate, Replaces, Row, Sign, Start, engine_size,
    gpu_list, shown_address,
};
use crate::spec::{EngineRecipe, ServerSpec};
use crate::ui::layout::{padded, prose, width, wrapped};
use crate::ui::style::{ADD, CHANGE, REMOVE, Styled};
use crate::units::Seconds;
use std::fmt::Write;

/// Columns for a row's kind: `engine`, `weights`.
const KIND: usize = 10;
/// Columns for what a row is about; longer names push the rest to the next line.
const TARGET: usize = 23;
/// Where lines below a row begin.
const INDENT: usize = 8;

pub(super) fn row_text(text: &mut String, row: &Row<'_>, view: &PodView, time: Option<Seconds>) {
    let Row { step, sign, restarts: _, reason: _ } = row;
    let (sign, style) = match sign {
        Sign::Add => ("+", ADD),
        Sign::Change => ("~", CHANGE),
        Sign::Remove => ("-", REMOVE),
    };
    let (kind, target, detail) = words(row, view, time);
    let start = format!("{} {}", padded(kind, KIND), padded(&target, TARGET));
    let line = format!("{start} {detail}");
    let one_line = width(&target) <= TARGET && 6 + width(&line) <= prose();
    let _ =
        writeln!(text, "    {} {}", Styled(style, sign), if one_line { &line } else { &start }.trim_end());
    if !one_line && !detail.is_empty() {
        below(text, &detail);
    }
    for change in step.action.start().map(|start| start.replaces.changes()).unwrap_or_default() {
        change_text(text, change.field, &change.how);
    }
    for line in how_it_ends(&step.action) {
        below(text, &line);
    }
}

/// What is to be known of how a server is replaced: why it is down, and what if the new one does not come up.
fn how_it_ends(action: &Action) -> Vec<String> {
    let falls_back = || "if it does not come up, the previous one is started again".to_owned();
    if let Action::AwaitReady { otherwise: Otherwise::StartPrevious(_), .. } = action {
        return vec![falls_back()];
    }
    match action.start().map(|start| &start.replaces) {
        None | Some(Replaces::Nothing) => Vec::new(),
        Some(Replaces::Stopped(Recreate { care, not_beside, .. })) => {
            let why = not_beside.as_ref().map(|why| format!("has to stop first: {why}"));
            let previous = matches!(care, Care::StartPrevious(_)).then(falls_back);
            why.into_iter().chain(previous).collect()
        }
        Some(Replaces::Beside(_)) => {
            vec!["the running one stops once the new one answers, and stays if that fails".to_owned()]
        }
    }
}

/// Words below a row, indented.
pub(super) fn below(text: &mut String, detail: &str) {
    for line in wrapped(detail, prose() - INDENT) {
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
}

fn change_text(text: &mut String, field: &str, how: &How) {
    let start = INDENT + KIND;
    let label = padded(field, KIND - 1);
    match how {
        How::Value { from, to } | How::Order { from, to } => {
            if start + width(from) + width(to) + 3 <= prose() {
                let _ = writeln!(text, "{:INDENT$}{label} {from} → {to}", "");
            } else {
                let from = wrapped(from, prose() - start);
                let to = wrapped(to, prose() - start - 2);
                let head = |at: usize| if at == 0 { label.clone() } else { padded("", KIND - 1) };
                for (at, line) in from.iter().enumerate() {
                    let _ = writeln!(text, "{:INDENT$}{} {line}", "", head(at));
                }
                for (at, line) in to.iter().enumerate() {
                    let arrow = if at == 0 { "→" } else { " " };
                    let _ = writeln!(text, "{:start$}{arrow} {line}", "");
                }
            }
        }
        How::Lines { gone, new } => {
            let gone = gone.iter().map(|line| (REMOVE, "-", line));
            let new = new.iter().map(|line| (ADD, "+", line));
            for (at, (style, sign, line)) in gone.chain(new).enumerate() {
                let head = if at == 0 { label.clone() } else { padded("", KIND - 1) };
                let mut parts = wrapped(line, prose() - start - 2).into_iter();
                let first = parts.next().unwrap_or_default();
                let _ = writeln!(text, "{:INDENT$}{head} {} {first}", "", Styled(style, sign));
                for part in parts {
                    let _ = writeln!(text, "{:start$}  {part}", "");
                }
            }
        }
    }
}

/// A row's kind, what it is about, and what else is to be known.
fn words(row: &Row<'_>, view: &PodView, time: Option<Seconds>) -> (&'static str, String, String) {
    let (step, time) = (row.step, time.map(|time| format!(", {}", about(time))).unwrap_or_default());
    let target = step.action.target();
    let (kind, target, detail) = match &step.action {
        Action::MountStorage(storage) => {
            let source = shown_address(&storage.mount.source);
            return ("mount", format!("{source} on {target}"), String::new());
        }
        Action::InstallPackages(packages) => ("packages", target, format!("with {}", packages.manager)),
        Action::InstallEngine(recipe) => ("engine", target, ingredients(recipe) + &time),
        Action::WriteSecrets(_) => ("secrets", target, String::new()),
        Action::FetchWeights(fetch) => ("weights", target, download(fetch, view) + &time),
        Action::RemoveWeights(_) => ("weights", target, String::new()),
        Action::StartServer(_)
        | Action::Promote(..)
        | Action::StopRun(_)
        | Action::AwaitReady { .. }
        | Action::AdoptServer(_)
        | Action::StopServer(_)
        | Action::RemoveServer(_) => return ("server", target, server(row)),
        Action::RemoveEngine(_) => ("engine", target, String::new()),
        Action::RemovePiFiles => ("rest", target, String::new()),
    };
    (kind, target, with_reason(row, detail))
}

fn with_reason(row: &Row<'_>, detail: String) -> String {
    match (detail.as_str(), row.reason) {
        _ if row.step.reason.is_missing() => detail,
        ("", reason) => reason.to_string(),
        (detail, reason) => format!("{detail}: {reason}"),
    }
}

/// What is to be known of a server.
fn server(row: &Row<'_>) -> String {
    let detail = match &row.step.action {
        Action::StartServer(start) => {
            let (detail, differs) = started(start, row);
            if differs {
                // what differs is told below
                return detail;
            }
            detail
        }
        Action::Promote(..) => "is replaced by the run started beside it".to_owned(),
        Action::StopRun(_) => "the run started beside it will be stopped".to_owned(),
        Action::AwaitReady { otherwise: Otherwise::StopRun, .. } => {
            "pi waits for the run started beside it".to_owned()
        }
        Action::AwaitReady { .. } => "pi waits for it".to_owned(),
        Action::AdoptServer(_) => "adopted".to_owned(),
        Action::StopServer(_) => "will be stopped".to_owned(),
        Action::RemoveServer(_)
        | Action::MountStorage(_)
        | Action::InstallPackages(_)
        | Action::InstallEngine(_)
        | Action::WriteSecrets(_)
        | Action::FetchWeights(_)
        | Action::RemoveEngine(_)
        | Action::RemoveWeights(_)
        | Action::RemovePiFiles => String::new(),
    };
    with_reason(row, detail)
}

/// How a server is started, and whether what differs says why.
fn started(Start { spec, replaces, .. }: &Start, row: &Row<'_>) -> (String, bool) {
    match replaces {
        Replaces::Nothing if row.restarts => (format!("will be restarted on {}", place(spec)), false),
        Replaces::Nothing => (place(spec), false),
        Replaces::Stopped(Recreate { care: Care::AskAgain, .. }) => {
            ("will be restarted if it stays silent".to_owned(), false)
        }
        Replaces::Stopped(Recreate { changes, down, .. }) => (restart(*down), !changes.is_empty()),
        Replaces::Beside(changes) => {
            let differs = changes.iter().any(|change| !matches!(change.field, "gpus" | "port"));
            (format!("beside the running one, {}, no down time", place(spec)), differs)
        }
    }
}

/// `will be restarted, ~2 min down`
fn restart(down: Option<Seconds>) -> String {
    let down = down.map(|down| format!(", {} down", about(down))).unwrap_or_default();
    format!("will be restarted{down}")
}

/// An expectation is not told to the second: `~40 s`, `~2 min`.
pub(super) fn about(time: Seconds) -> String {
    match time.0 {
        0..90 => format!("~{} s", time.0.max(1).next_multiple_of(5)),
        seconds => format!("~{} min", (seconds + 30) / 60),
    }
}

/// `65.5 GB, 1.9 TB free`; `1.2 GB of 65.5 GB, 1.9 TB free`; where the hub could not be asked, what the catalog knows of
/// whole repositories: `~65.5 GB, 1.9 TB free`.
fn download(fetch: &Fetch, view: &PodView) -> String {
    let size = match (fetch.total(), fetch.missing, &fetch.model) {
        (Some(total), Some(missing), _) if missing == total => total.to_string(),
        (Some(total), Some(missing), _) => format!("{missing} of {total}"),
        (_, _, ModelRef::Hub { repo, file: None, .. }) => match models::find(repo.as_str()) {
            Some(recipe) => format!("~{}", recipe.weights()),
            None => return String::new(),
        },
        (_, _, ModelRef::Hub { .. } | ModelRef::Path(_)) => return String::new(),
    };
    let free = view.free.map(|free| format!(", {free} free")).unwrap_or_default();
    format!("{size}{free}")
}

fn place(spec: &ServerSpec) -> String {
    format!("port {}, {}", spec.port, gpu_list(&spec.gpus))
}

/// `vllm==0.32.0, ~4.0 GB, 8.3 GB on disk`; a Python that the manifest names.
fn ingredients(recipe: &EngineRecipe) -> String {
    let first = recipe.packages.first().map(|package| shown_address(package)).unwrap_or_default();
    let more = match recipe.packages.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    // what another version of it has brought is not downloaded again
    let size = engine_size(recipe).map(|size| format!(", ~{}, {} on disk", size.download, size.disk));
    let python = Some(format!(", Python {}", recipe.python)).filter(|_| recipe.pythons.is_empty());
    format!("{first}{more}{}{}", size.unwrap_or_default(), python.unwrap_or_default())
}

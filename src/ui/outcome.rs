//! How an apply went, in the end.

use crate::apply::{Failure, Outcome, Report};
use crate::plan::{Action, Plan, Replaces, Step};
use crate::ui::layout::{Count, prose, wrapped};
use crate::ui::style::{CHANGE, FAINT, REMOVE, STRONG, Styled};
use std::fmt::Write;
use std::path::Path;

/// Where a plan was written, and what is done with it.
#[must_use]
pub fn plan_written(path: &Path) -> String {
    let shown = path.display().to_string();
    let word = shlex::try_quote(&shown).map_or_else(|_| shown.clone(), std::borrow::Cow::into_owned);
    format!("Plan written to {shown}; `pi apply {word}` applies it.")
}

/// What a step does, in a few words: `start server qwen`.
pub(super) fn step_title(step: &Step) -> String {
    let target = step.action.target();
    match &step.action {
        Action::MountStorage(storage) => format!("mount {} on {target}", storage.mount.source),
        Action::InstallPackages(_) => format!("install packages {target}"),
        Action::InstallEngine(_) => format!("install engine {target}"),
        Action::WriteSecrets(_) => format!("write secrets {target}"),
        Action::FetchWeights(_) => format!("fetch weights {target}"),
        Action::StartServer(start) => match start.replaces {
            Replaces::Nothing => format!("start server {target}"),
            Replaces::Stopped(_) => format!("restart server {target}"),
            Replaces::Beside(_) => format!("start server {target} beside the running one"),
        },
        Action::Promote(..) => format!("put server {target} in place"),
        Action::StopRun(_) => format!("stop what was started beside server {target}"),
        Action::AwaitReady { .. } => format!("wait for server {target}"),
        Action::AdoptServer(_) => format!("adopt server {target}"),
        Action::StopServer(_) => format!("stop server {target}"),
        Action::RemoveServer(_) => format!("remove server {target}"),
        Action::RemoveEngine(_) => format!("remove engine {target}"),
        Action::RemoveWeights(_) => format!("remove weights {target}"),
        Action::RemovePiFiles => format!("remove {target}"),
    }
}

/// What became of a step, behind its title.
pub(super) fn sentence(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { .. } => String::new(),
        Outcome::Failed(Failure { message, .. }) => format!(": {message}"),
        Outcome::Stopped => ": interrupted".to_owned(),
        Outcome::Skipped(_) => ": skipped".to_owned(),
        Outcome::Left => ": not begun".to_owned(),
    }
}

/// The report: failures with their causes, what did not begin, and the count; `again` says how to go on from there.
#[must_use]
pub fn outcome(plan: &Plan, report: &Report, again: &str) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        if let Some(Outcome::Failed(failure)) = report.outcomes.get(&step.id) {
            failed(&mut text, step, failure);
        }
        for warning in report.warnings.get(&step.id).into_iter().flatten() {
            warned(&mut text, step, warning);
        }
    }
    let count =
        |wanted: fn(&Outcome) -> bool| report.outcomes.values().filter(|outcome| wanted(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let open = count(|outcome| matches!(outcome, Outcome::Left | Outcome::Stopped));
    let mut parts = vec![format!("{} done", Count(report.done(), "step"))];
    parts.extend((failed > 0).then(|| format!("{failed} failed")));
    parts.extend((skipped > 0).then(|| format!("{skipped} skipped because of that")));
    parts.extend((open > 0).then(|| format!("{open} interrupted or not begun")));
    let word = if report.is_success() { "Applied:" } else { "Not all applied:" };
    let _ = write!(text, "{} {}.", Styled(STRONG, word), parts.join(", "));
    if !report.is_success() && !again.is_empty() {
        let _ = write!(text, " {again}");
    }
    text
}

fn warned(text: &mut String, step: &Step, warning: &str) {
    let _ = writeln!(text, "{} on {}: {}", Styled(CHANGE, "warning"), step.pod, step_title(step));
    for line in wrapped(warning, prose() - 2) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
}

fn failed(text: &mut String, step: &Step, failure: &Failure) {
    let Failure { kind: _, code: _, message, help, lines } = failure;
    let _ = writeln!(text, "{} on {}: {}", Styled(REMOVE, "error"), step.pod, step_title(step));
    for line in wrapped(message, prose() - 2) {
        let _ = writeln!(text, "  {line}");
    }
    for line in lines {
        let _ = writeln!(text, "  {}", Styled(FAINT, format!("│ {line}")));
    }
    for line in help.iter().flat_map(|help| wrapped(help, prose() - 4)) {
        let _ = writeln!(text, "  → {line}");
    }
    text.push('\n');
}

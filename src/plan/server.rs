//! One server: what it takes to get from how it is to how it should be.

use crate::manifest::{Model, Protect};
use crate::name::ModelName;
use crate::observe::{Life, ServerSeen};
use crate::plan::beside::Rollout;
use crate::plan::change::{Change, How, changes};
use crate::plan::code::Code;
use crate::plan::fetch::Fetches;
use crate::plan::finding::{Finding, Severity};
use crate::plan::inputs::Protected;
use crate::plan::order::{Needs, Unnumbered};
use crate::plan::previous::care;
use crate::plan::reason::Reason;
use crate::plan::secrets::outdated;
use crate::plan::servers::Run;
use crate::plan::start_order::{Turn, queue};
use crate::plan::step::{Action, Otherwise, Recreate, Replaces, Start};
use crate::plan::wanted::Wanted;
use crate::plan::{Inputs, PodContext, PodPlan, whose};
use crate::spec::ServerSpec;
use crate::units::Seconds;
use std::collections::BTreeSet;

/// What is to be done about a server that shall run.
#[derive(Clone)]
pub(super) enum ServerDiff {
    /// Nothing.
    UpToDate,
    /// It runs as it should, has answered, and does not now; why.
    Unresponsive(String),
    /// It runs as it should and has not answered yet: it may still measure how much of its GPUs is free.
    Starting(String),
    /// It does not run; why.
    NotRunning(Reason),
    /// It runs, and not as it should; why, and what differs.
    Differs(String, Vec<Change>),
}

/// Holds what there is of a server against what it should be.
pub(super) fn diff(seen: Option<&ServerSeen>, wanted: &ServerSpec) -> ServerDiff {
    let Some(seen) = seen else { return ServerDiff::NotRunning(Reason::Missing) };
    let ServerSeen { spec, life, answered, secrets, .. } = seen;
    let health = match life {
        Life::Stopped => return ServerDiff::NotRunning("it is stopped".into()),
        Life::Dead { left } => return ServerDiff::NotRunning(died(left).into()),
        Life::Running { health, .. } => *health,
    };
    let changes = match spec {
        Err(why) => return ServerDiff::Differs(format!("its record can't be read: {why}"), Vec::new()),
        Ok(spec) => changes(spec, wanted),
    };
    if !changes.is_empty() {
        return ServerDiff::Differs(in_words(&changes), changes);
    }
    if let Some(reason) = outdated(secrets, wanted) {
        return ServerDiff::Differs(reason, Vec::new());
    }
    match (answered, health) {
        (true, Some(200)) => ServerDiff::UpToDate,
        (false, Some(200)) => ServerDiff::Starting("it has not answered with a token yet".to_owned()),
        (false, _) => ServerDiff::Starting("it is still starting".to_owned()),
        (true, Some(code)) => ServerDiff::Unresponsive(format!("its /health says {code}")),
        (true, None) => ServerDiff::Unresponsive("it does not answer /health".to_owned()),
    }
}

fn died(left: &[u32]) -> String {
    match left.len() {
        0 => "its process is gone".to_owned(),
        left => format!("its process is gone, {} left over", processes(left)),
    }
}

/// Drafts what makes servers that shall run run as they should; the error is the one that has to be stopped first.
pub(super) fn draft(runs: Vec<Run<'_>>, fetches: &Fetches<'_>, draft: &mut PodPlan) -> Result<(), ModelName> {
    let promotions: Vec<_> = runs.iter().filter_map(promote).collect();
    let standing = |run: &Run<'_>| matches!(run.diff, ServerDiff::UpToDate);
    let (standing, runs): (Vec<_>, Vec<_>) = runs.into_iter().partition(standing);
    draft.standing.extend(standing.into_iter().map(|run| run.wanted.spec.name));
    let name = |at: usize| runs[at].wanted.spec.name.clone();
    let names = |list: BTreeSet<usize>| list.into_iter().map(name).collect();
    for turn in queue(&runs).map_err(name)? {
        draft.steps.push(match turn {
            Turn::Ready { at } => wait(&runs[at]),
            Turn::Start { at, started, ready } => {
                let weights = runs[at].wanted.fetch.as_ref().map(|(fetch, _)| fetches.bringing(fetch));
                let needs =
                    Needs { started: names(started), ready: names(ready), weights, ..Needs::default() };
                let (action, reason) = start(&runs[at]);
                Unnumbered { action, reason, needs }
            }
        });
    }
    draft.steps.extend(promotions);
    Ok(())
}

fn start(run: &Run<'_>) -> (Action, Reason) {
    let (reason, changes): (Reason, _) = match &run.diff {
        ServerDiff::Differs(reason, changes) => (reason.clone().into(), Some(changes.clone())),
        ServerDiff::Unresponsive(reason) => (reason.clone().into(), Some(Vec::new())),
        ServerDiff::NotRunning(reason) => (reason.clone(), None),
        ServerDiff::Starting(reason) => (reason.clone().into(), None),
        ServerDiff::UpToDate => (String::new().into(), None),
    };
    let replaces = match (changes, &run.rollout) {
        (None, _) => Replaces::Nothing,
        (Some(changes), Rollout::SideBySide) => Replaces::Beside(changes),
        (Some(changes), Rollout::Recreate(_) | Rollout::Resumed) => {
            let not_beside = if let Rollout::Recreate(why) = &run.rollout { why.clone() } else { None };
            let down = run.seen.and_then(|seen| seen.past.took).map(Seconds);
            Replaces::Stopped(Recreate { changes, care: care(run), down, not_beside })
        }
    };
    let Wanted { spec, launch, .. } = &run.wanted;
    let start = Start { spec: spec.clone(), run: run.id(), replaces, launch: launch.clone() };
    (Action::StartServer(Box::new(start)), reason)
}

fn wait(run: &Run<'_>) -> Unnumbered {
    let reason: Reason = match &run.diff {
        ServerDiff::Starting(reason) => reason.clone().into(),
        ServerDiff::NotRunning(_)
        | ServerDiff::Differs(..)
        | ServerDiff::Unresponsive(_)
        | ServerDiff::UpToDate => ANSWER.into(),
    };
    let spec = Box::new(run.wanted.spec.clone());
    let otherwise = match (&run.rollout, &run.previous) {
        (Rollout::SideBySide | Rollout::Resumed, _) => Otherwise::StopRun,
        (Rollout::Recreate(_), Some(previous)) => Otherwise::StartPrevious(Box::new(previous.clone())),
        (Rollout::Recreate(_), None) => Otherwise::Nothing,
    };
    Unnumbered::new(Action::AwaitReady { spec, run: run.id(), stall: run.wanted.stall, otherwise }, reason)
}

/// Has those that were started beside others take their places, once they have answered.
fn promote(run: &Run<'_>) -> Option<Unnumbered> {
    let name = &run.wanted.spec.name;
    let reason = match run.rollout {
        Rollout::Recreate(_) => return None,
        Rollout::SideBySide => "the one that was started beside it takes its place",
        Rollout::Resumed => "that one has answered",
    };
    let needs = Needs { ready: vec![name.clone()], ..Needs::default() };
    Some(Unnumbered { action: Action::Promote(name.clone(), run.id()), reason: reason.into(), needs })
}

/// Why one waits for a server that was just started.
const ANSWER: &str = "it has to answer before it counts";

/// Drafts what makes a server that shall be stopped stop.
pub(super) fn rest(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    (name, model): (&ModelName, &Model),
    draft: &mut PodPlan,
) {
    let Some(seen) = site.live(name) else { return };
    if let Err(finding) = whose::taken(site, name) {
        draft.findings.push(finding);
        return;
    }
    let reason = match &seen.life {
        Life::Running { .. } => "pi.toml wants it stopped".to_owned(),
        Life::Dead { left } => format!("it died, {} left over", processes(left.len())),
        Life::Stopped => return,
    };
    if model.protect == Protect::Yes && inputs.protected == Protected::Keep {
        draft.findings.push(protected(site, name, "be stopped"));
        return;
    }
    draft.findings.extend(whose::taken_over(site, name));
    draft.steps.push(Unnumbered::new(Action::StopServer(name.clone()), reason));
}

/// ``its context changes from 32k to 64k``, ``its context and args change``
fn in_words(changes: &[Change]) -> String {
    match changes {
        [Change { field, how: How::Value { from, to } }] => {
            format!("its {field} {} from {from} to {to}", change_of(field))
        }
        [Change { field, how: How::Order { .. } }] => format!("its {field} come in another order"),
        [Change { field, how: How::Lines { .. } }] => format!("its {field} {}", change_of(field)),
        [rest @ .., last] => {
            let rest: Vec<_> = rest.iter().map(|change| change.field).collect();
            format!("its {} and {} change", rest.join(", "), last.field)
        }
        [] => "nothing changes".to_owned(),
    }
}

/// The verb that goes with a field: some are many.
fn change_of(field: &str) -> &'static str {
    if matches!(field, "args" | "gpus") { "change" } else { "changes" }
}

/// `1 process is`, `2 processes are`
fn processes(count: usize) -> String {
    if count == 1 { "1 process is".to_owned() } else { format!("{count} processes are") }
}

/// A server that would be touched and may not.
pub(super) fn protected(site: &PodContext<'_>, name: &ModelName, would: &str) -> Finding {
    Finding::on(Severity::Error, Code::Protected, site.name, format!("it is protected and would {would}"))
        .of(name)
        .help("run again with --allow-protected, or take `protect` out of pi.toml")
}

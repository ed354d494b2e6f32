//! One server: what it takes to get from how it is to how it should be.

use crate::manifest::{Model, Protect};
use crate::name::ModelName;
use crate::observe::Life;
use crate::plan::findings::server_findings::protected;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::inputs::Protected;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::pod_plan::{Needs, Unnumbered};
use crate::plan::model::reason::Reason;
use crate::plan::model::rollout::Rollout;
use crate::plan::model::step::{Action, Otherwise, Recreate, Replaces, Start};
use crate::plan::resolve::wanted::Wanted;
use crate::plan::rollout::fetches::Fetches;
use crate::plan::rollout::previous::care;
use crate::plan::rollout::run::Run;
use crate::plan::rollout::start_order::{Turn, turns};
use crate::plan::server_diff::ServerDiff;
use crate::plan::server_diff::processes;
use crate::plan::usage::whose;
use crate::units::Seconds;
use std::collections::BTreeSet;

/// Drafts what makes servers that shall run run as they should; the error is the one that has to be stopped first.
pub(in crate::plan) fn draft(
    runs: Vec<Run<'_>>,
    fetches: &Fetches<'_>,
    draft: &mut PodPlan,
) -> Result<(), ModelName> {
    let promotions: Vec<_> = runs.iter().filter_map(promote).collect();
    let standing = |run: &Run<'_>| matches!(run.diff, ServerDiff::UpToDate);
    let (standing, runs): (Vec<_>, Vec<_>) = runs.into_iter().partition(standing);
    draft.standing.extend(standing.into_iter().map(|run| run.wanted.spec.name));
    let name = |at: usize| runs[at].wanted.spec.name.clone();
    let names = |list: BTreeSet<usize>| list.into_iter().map(name).collect();
    for turn in turns(&runs).map_err(name)? {
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
        Rollout::SideBySide => "the run started beside it takes its place",
        Rollout::Resumed => "that run has answered",
    };
    let needs = Needs { ready: vec![name.clone()], ..Needs::default() };
    Some(Unnumbered { action: Action::Promote(name.clone(), run.id()), reason: reason.into(), needs })
}

/// Why one waits for a server that was just started.
const ANSWER: &str = "it has to answer before it counts";

/// Drafts what makes a server that shall be stopped stop.
pub(in crate::plan) fn plan_stop(
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

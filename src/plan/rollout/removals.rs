//! Servers that leave a pod: those that pi.toml no longer names, and those that it puts on another pod.
//!
//! One that moves serves until it answers where it goes to, unless others on its pod need its place.

use crate::manifest::State;
use crate::name::{ModelName, PodName};
use crate::observe::{Life, ProbeResult, ServerSeen};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::pod_plan::Relocation;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::step::{Action, Plan, Step, StepId};
use crate::plan::rollout::run::Run;
use crate::plan::usage::whose;
use crate::spec::ServerSpec;
use std::collections::{BTreeMap, BTreeSet};

/// Servers that run as they should, by pod.
pub(in crate::plan) type Standing = BTreeSet<(PodName, ModelName)>;

/// Drafts what becomes of servers of this project that the manifest no longer puts here.
pub(in crate::plan) fn removals(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    runs: &[Run<'_>],
    draft: &mut PodPlan,
) {
    for (name, seen) in site.own_servers().filter(|(name, _)| site.model(name).is_none()) {
        if !inputs.scope.has_server(site.name, name) {
            continue;
        }
        let reason = reason(inputs, name, seen);
        let reason = match serves_now(inputs, name, seen) {
            Some(now) if runs.iter().any(|run| run.starts() && meet(&run.wanted.spec, now)) => {
                format!("{reason}; others take its place")
            }
            Some(_) => {
                draft.relocations.push(Relocation { pod: site.name.clone(), name: name.clone(), reason });
                continue;
            }
            None => reason,
        };
        draft.findings.extend(whose::taken_over(site, name));
        draft.steps.push(Unnumbered::new(Action::RemoveServer(name.clone()), reason));
    }
}

fn reason(inputs: &Inputs<'_>, name: &ModelName, seen: &ServerSeen) -> String {
    let why = match inputs.manifest.models.get(name).map(|model| model.pods.as_slice()) {
        Some([pod]) => format!("pi.toml puts it on {pod}"),
        Some(_) => "pi.toml puts it on other pods".to_owned(),
        None => "it is no longer in pi.toml".to_owned(),
    };
    match &seen.life {
        Life::Running { .. } => why,
        Life::Dead { .. } => format!("{why}; it is dead"),
        Life::Stopped => format!("{why}; it is stopped"),
    }
}

/// What it is, where somebody may be using it until it answers elsewhere.
fn serves_now<'a>(inputs: &Inputs<'_>, name: &ModelName, seen: &'a ServerSeen) -> Option<&'a ServerSpec> {
    let moves = inputs.manifest.models.get(name).is_some_and(|model| model.state == State::Running);
    let runs = matches!(seen.life, Life::Running { .. });
    seen.spec.as_ref().ok().filter(|_| moves && runs)
}

fn meet(one: &ServerSpec, other: &ServerSpec) -> bool {
    one.port == other.port || one.gpus.iter().any(|gpu| other.gpus.contains(gpu))
}

/// Appends what becomes of those that move, once it is known what becomes of them elsewhere.
pub(in crate::plan) fn append(
    inputs: &Inputs<'_>,
    plan: &mut Plan,
    relocations: Vec<Relocation>,
    standing: &Standing,
) {
    let moving: BTreeSet<&ModelName> = relocations.iter().map(|mover| &mover.name).collect();
    let mut awaited: BTreeMap<ModelName, Vec<(PodName, StepId)>> = BTreeMap::new();
    for Step { id, pod, action, .. } in &plan.steps {
        if let Action::AwaitReady { spec, .. } = action
            && moving.contains(&spec.name)
        {
            awaited.entry(spec.name.clone()).or_default().push((pod.clone(), *id));
        }
    }
    for Relocation { pod, name, reason } in relocations {
        let homes = inputs.manifest.models.get(&name).map(|model| model.pods.as_slice()).unwrap_or_default();
        let awaited = awaited.get(&name).into_iter().flatten();
        let after: Vec<StepId> =
            awaited.filter(|(pod, _)| homes.contains(pod)).map(|(_, step)| *step).collect();
        if after.is_empty() && !homes.iter().any(|home| serves(inputs, home, &name, standing)) {
            plan.findings.push(pinned(&pod, &name, homes));
            continue;
        }
        let reason = if after.is_empty() { reason } else { format!("{reason}, once it answers there") };
        let id = plan.steps.len() + 1;
        plan.steps.push(Step { id, pod, action: Action::RemoveServer(name), reason: reason.into(), after });
    }
}

/// Whether it answers there already, also where this plan was not asked about that pod.
fn serves(inputs: &Inputs<'_>, home: &PodName, name: &ModelName, standing: &Standing) -> bool {
    if standing.contains(&(home.clone(), name.clone())) {
        return true;
    }
    let Some(ProbeResult::Seen(facts)) = inputs.observed.pods.get(home) else { return false };
    !inputs.scope.has_server(home, name)
        && facts
            .servers
            .get(name)
            .is_some_and(|seen| seen.answered && matches!(seen.life, Life::Running { health: Some(200), .. }))
}

fn pinned(pod: &PodName, name: &ModelName, homes: &[PodName]) -> Finding {
    let homes = homes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message =
        format!("pi.toml puts it on {homes}, where it will not answer after this plan: it stays here");
    let help = "once it answers there, the next plan removes it here";
    Finding::on(Severity::Warning, Code::NotMoved, pod, message).of(name).help(help)
}

//! The fixed order of a pod's steps, and who waits for whom.
//!
//! Storage, then what goes away, then packages, then engines, secrets and weights side by side, then servers. A server waits only
//! for what it needs, so that a slow download holds up nobody else.

use crate::name::{EngineId, ModelName, PodName};
use crate::plan::model::fetch::What;
use crate::plan::model::finding::Finding;
use crate::plan::model::pod_plan::Needs;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::step::{Action, Plan, Replaces, Step, StepId};
use crate::spec::ServerSpec;
use std::collections::BTreeMap;

/// What later steps look up among the earlier ones of their pod.
#[derive(Default)]
struct Done {
    mounts: Vec<StepId>,
    packages: Vec<StepId>,
    removals: Vec<StepId>,
    removed: Vec<StepId>,
    secrets: Vec<StepId>,
    engines: BTreeMap<EngineId, StepId>,
    weights: BTreeMap<What, StepId>,
    adopted: BTreeMap<ModelName, StepId>,
    stopped: BTreeMap<ModelName, StepId>,
    started: BTreeMap<ModelName, StepId>,
    ready: BTreeMap<ModelName, StepId>,
    beside: Vec<StepId>,
    /// Servers beside which there is nobody any more.
    alone: BTreeMap<ModelName, StepId>,
}

/// Appends one pod's draft to the plan: sorted, numbered, with its dependencies.
pub(in crate::plan) fn append(plan: &mut Plan, mut draft: PodPlan, pod: &PodName) {
    // stable: steps of one rank keep the order in which they were drafted
    draft.steps.sort_by_key(|step| rank(&step.action));
    let mut done = Done::default();
    for Unnumbered { action, reason, needs } in draft.steps {
        let id = plan.steps.len() + 1;
        let mut after = done.needed_by(&action, &needs);
        after.sort_unstable();
        after.dedup();
        done.note(&action, id);
        plan.steps.push(Step { id, pod: pod.clone(), action, reason, after });
    }
    let key = |f: &Finding| (f.severity, f.model.clone(), f.code.as_str());
    draft.findings.sort_by_cached_key(key);
    plan.findings.append(&mut draft.findings);
    plan.standing += draft.standing.len();
    plan.fits.extend(draft.fits.into_iter().map(|(name, fit)| ((pod.clone(), name), fit)));
}

/// Starting and waiting have one rank: a server may have to wait until another one is ready.
fn rank(action: &Action) -> u8 {
    match action {
        Action::MountStorage(_) => 0,
        Action::AdoptServer(_) | Action::StopServer(_) | Action::RemoveServer(_) | Action::StopRun(_) => 1,
        Action::InstallPackages(_) => 2,
        Action::InstallEngine(_) => 3,
        Action::WriteSecrets(_) => 4,
        Action::FetchWeights(_) => 5,
        Action::StartServer(_) | Action::AwaitReady { .. } | Action::Promote(..) => 6,
        Action::RemoveEngine(_) => 7,
        Action::RemoveWeights(_) => 8,
        Action::RemovePiFiles => 9,
    }
}

impl Done {
    fn needed_by(&self, action: &Action, needs: &Needs) -> Vec<StepId> {
        match action {
            Action::MountStorage(_)
            | Action::InstallPackages(_)
            | Action::AdoptServer(_)
            | Action::StopRun(_) => Vec::new(),
            Action::RemoveServer(name) => self.alone.get(name).copied().into_iter().collect(),
            Action::StopServer(name) => {
                let stopped = needs.stopped.iter().filter_map(|name| self.stopped.get(name));
                stopped.chain(self.alone.get(name)).copied().collect()
            }
            // pi's own directory may be on the storage
            Action::InstallEngine(_) => [&self.mounts[..], &self.packages].concat(),
            Action::WriteSecrets(_) => self.mounts.clone(),
            // the hub's client comes with uv, too
            Action::FetchWeights(_) => [&self.mounts[..], &self.packages, &self.secrets].concat(),
            Action::StartServer(start) => self.needed_by_start(&start.spec, needs),
            // places that become free are of no use to those that found theirs before
            Action::Promote(name, _) => self.beside.iter().chain(self.ready.get(name)).copied().collect(),
            Action::AwaitReady { spec, .. } => self.started.get(&spec.name).copied().into_iter().collect(),
            Action::RemoveEngine(_) | Action::RemoveWeights(_) => self.removals.clone(),
            Action::RemovePiFiles => [&self.removals[..], &self.removed].concat(),
        }
    }

    fn needed_by_start(&self, spec: &ServerSpec, needs: &Needs) -> Vec<StepId> {
        let Needs { stopped: _, started, ready, weights } = needs;
        let engine = spec.engine.as_ref().and_then(|id| self.engines.get(id));
        let weights = weights.as_ref().and_then(|what| self.weights.get(what));
        let started = started.iter().filter_map(|name| self.started.get(name));
        let ready = ready.iter().filter_map(|name| self.ready.get(name));
        // both write the record of whose it is
        let adopted = self.adopted.get(&spec.name);
        let single = engine.into_iter().chain(weights).chain(started).chain(ready).chain(adopted).copied();
        let all = [&self.mounts[..], &self.packages, &self.removals, &self.secrets];
        all.concat().into_iter().chain(single).collect()
    }

    fn note(&mut self, action: &Action, id: StepId) {
        match action {
            Action::MountStorage(_) => self.mounts.push(id),
            Action::RemoveServer(_) => self.removals.push(id),
            Action::StopRun(name) => {
                self.removals.push(id);
                self.alone.insert(name.clone(), id);
            }
            Action::StopServer(name) => {
                self.removals.push(id);
                self.stopped.insert(name.clone(), id);
            }
            Action::InstallPackages(_) => self.packages.push(id),
            Action::InstallEngine(recipe) => drop(self.engines.insert(recipe.id.clone(), id)),
            Action::WriteSecrets(_) => self.secrets.push(id),
            Action::FetchWeights(fetch) => drop(self.weights.insert(fetch.what(), id)),
            Action::StartServer(start) => {
                self.started.insert(start.spec.name.clone(), id);
                self.beside.extend(matches!(start.replaces, Replaces::Beside(_)).then_some(id));
            }
            Action::AwaitReady { spec, .. } => drop(self.ready.insert(spec.name.clone(), id)),
            Action::RemoveEngine(_) | Action::RemoveWeights(_) => self.removed.push(id),
            Action::AdoptServer(name) => drop(self.adopted.insert(name.clone(), id)),
            Action::Promote(..) | Action::RemovePiFiles => {}
        }
    }
}

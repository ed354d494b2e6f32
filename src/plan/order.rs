//! The fixed order of a pod's steps, and who waits for whom.
//!
//! Storage, then what goes away, then engines, secrets and weights side by side, then servers. A server waits only
//! for what it needs, so that a slow download holds up nobody else.

use crate::name::{EngineId, ModelName, PodName};
use crate::plan::step::{Action, Plan, Step, StepId};
use crate::plan::{Draft, Severity};
use crate::spec::ServerSpec;
use std::collections::BTreeMap;

/// A step without its number.
pub(super) struct Unnumbered {
    pub(super) action: Action,
    pub(super) reason: String,
}

/// What later steps look up among the earlier ones of their pod.
#[derive(Default)]
struct Done {
    mounts: Vec<StepId>,
    leavers: Vec<StepId>,
    secrets: Vec<StepId>,
    engines: BTreeMap<EngineId, StepId>,
    /// By model and commit.
    weights: BTreeMap<(String, Option<String>), Vec<StepId>>,
    started: BTreeMap<ModelName, StepId>,
    /// The last step of each server that holds a GPU: the next one there begins when this has measured its memory.
    on_gpu: BTreeMap<u32, StepId>,
}

/// Appends one pod's draft to the plan: sorted, numbered, with its dependencies.
pub(super) fn append(plan: &mut Plan, mut draft: Draft, pod: &PodName) {
    // stable: steps of one rank keep the order in which they were drafted, which is that of their names
    draft.steps.sort_by_key(|step| rank(&step.action));
    let mut done = Done::default();
    for Unnumbered { action, reason } in draft.steps {
        let id = plan.steps.len() + 1;
        let mut after = done.needed_by(&action);
        after.sort_unstable();
        after.dedup();
        done.note(&action, id);
        plan.steps.push(Step { id, pod: pod.clone(), action, reason, after });
    }
    draft.findings.sort_by(|a, b| {
        let key = |f: &crate::plan::Finding| (f.severity, f.model.clone(), f.code);
        key(a).cmp(&key(b))
    });
    debug_assert!(Severity::Error < Severity::Note);
    plan.findings.append(&mut draft.findings);
    plan.standing += draft.standing;
}

/// Starting and waiting have one rank: each server's two steps stay together.
fn rank(action: &Action) -> u8 {
    match action {
        Action::MountStorage(_) => 0,
        Action::StopServer(_) | Action::RemoveServer(_) => 1,
        Action::InstallEngine(_) => 2,
        Action::WriteSecrets(_) => 3,
        Action::FetchWeights(_) => 4,
        Action::StartServer(_) | Action::RestartServer { .. } | Action::AwaitReady { .. } => 5,
        Action::RemoveEngine(_) => 6,
        Action::RemoveWeights(_) => 7,
    }
}

impl Done {
    fn needed_by(&self, action: &Action) -> Vec<StepId> {
        match action {
            Action::MountStorage(_) | Action::StopServer(_) | Action::RemoveServer(_) => Vec::new(),
            Action::InstallEngine(_) => self.mounts.clone(),
            Action::WriteSecrets(_) => Vec::new(),
            Action::FetchWeights(_) => [&self.mounts[..], &self.secrets].concat(),
            Action::StartServer(spec) => self.needed_by_start(spec),
            Action::RestartServer { to, .. } => self.needed_by_start(to),
            Action::AwaitReady { spec, .. } => self.started.get(&spec.name).copied().into_iter().collect(),
            Action::RemoveEngine(_) | Action::RemoveWeights(_) => self.leavers.clone(),
        }
    }

    fn needed_by_start(&self, spec: &ServerSpec) -> Vec<StepId> {
        let engine = spec.engine.as_ref().and_then(|id| self.engines.get(id));
        let weights = self.weights.get(&(spec.model.to_string(), spec.commit.clone()));
        let neighbours = spec.gpus.iter().filter_map(|gpu| self.on_gpu.get(gpu));
        let single = engine.into_iter().chain(weights.into_iter().flatten()).chain(neighbours).copied();
        [&self.mounts[..], &self.leavers, &self.secrets].concat().into_iter().chain(single).collect()
    }

    fn note(&mut self, action: &Action, id: StepId) {
        match action {
            Action::MountStorage(_) => self.mounts.push(id),
            Action::StopServer(_) | Action::RemoveServer(_) => self.leavers.push(id),
            Action::InstallEngine(recipe) => {
                self.engines.insert(recipe.id.clone(), id);
            }
            Action::WriteSecrets(_) => self.secrets.push(id),
            Action::FetchWeights(fetch) => {
                let key = (fetch.model.to_string(), fetch.commit.clone());
                self.weights.entry(key).or_default().push(id);
            }
            Action::StartServer(spec) => self.note_server(spec, id),
            Action::RestartServer { to, .. } => self.note_server(to, id),
            Action::AwaitReady { spec, .. } => {
                self.on_gpu.extend(spec.gpus.iter().map(|gpu| (*gpu, id)));
            }
            Action::RemoveEngine(_) | Action::RemoveWeights(_) => {}
        }
    }

    fn note_server(&mut self, spec: &ServerSpec, id: StepId) {
        self.started.insert(spec.name.clone(), id);
    }
}

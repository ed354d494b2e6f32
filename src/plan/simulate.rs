//! What will be there once some steps are done: the plan's own promise, which tests hold against the real thing.

use crate::model_ref::ModelRef;
use crate::name::{ModelName, SecretName};
use crate::observe::{
    EngineSeen, GpuSight, Life, MountSeen, Observed, PathSeen, PodFacts, SecretSeen, ServerSeen, Sighting,
};
use crate::plan::secrets::API_KEY;
use crate::plan::step::{Action, Step};
use crate::plan::stored::fetched;
use crate::spec::{KeyUse, ServerSpec};
use crate::units::Bytes;

/// The pods as they will be after `steps`.
#[must_use]
pub fn simulate(observed: &Observed, steps: &[Step]) -> Observed {
    let mut after = observed.clone();
    for step in steps {
        if let Some(Sighting::Seen(facts)) = after.pods.get_mut(&step.pod) {
            act(facts, &step.action);
        }
    }
    after
}

/// One pod as it will be after one action.
pub fn act(facts: &mut PodFacts, action: &Action) {
    match action {
        Action::MountStorage(mount) => {
            let seen = MountSeen::Mounted { source: mount.source.clone(), kind: String::new() };
            facts.mounts.insert(mount.target.to_string(), seen);
        }
        Action::InstallEngine(recipe) => {
            facts.engines.insert(recipe.id.clone(), EngineSeen { digest: Some(recipe.digest()) });
        }
        Action::WriteSecrets(names) => {
            facts.secrets.extend(names.iter().map(|name| (name.clone(), SecretSeen::Same)));
        }
        Action::FetchWeights(fetch) => fetched(facts, fetch),
        Action::StartServer(spec) => start(facts, spec),
        Action::RestartServer { to, .. } => start(facts, to),
        Action::AwaitReady { spec, .. } => answer(facts, &spec.name),
        Action::StopServer(name) => {
            clear(facts, name);
            if let Some(server) = facts.servers.get_mut(name) {
                server.life = Life::Stopped;
                server.answered = false;
            }
        }
        Action::RemoveServer(name) => {
            clear(facts, name);
            facts.servers.remove(name);
        }
        Action::RemoveEngine(id) => {
            facts.engines.remove(id);
        }
        Action::RemoveWeights(model) => {
            facts.cache.retain(|cache| !matches!(model, ModelRef::Hub { repo, .. } if *repo == cache.repo));
        }
    }
}

fn start(facts: &mut PodFacts, spec: &ServerSpec) {
    clear(facts, &spec.name);
    if let ModelRef::Path(path) = &spec.model {
        // on storage that was not mounted yet it could not be seen before
        let seen = PathSeen { directory: false, bytes: Bytes(0) };
        facts.model_paths.entry(path.to_string()).or_insert(seen);
    }
    let key = SecretName::parse(API_KEY).ok().filter(|_| spec.key == KeyUse::Required);
    let secrets = key.map(|name| (name, SecretSeen::Same)).into_iter().collect();
    let life = Life::Running { pid: 0, seconds: 0, health: None };
    let seen = ServerSeen { spec: Ok(spec.clone()), life, answered: false, secrets };
    facts.servers.insert(spec.name.clone(), seen);
}

fn answer(facts: &mut PodFacts, name: &ModelName) {
    if let Some(server) = facts.servers.get_mut(name) {
        server.answered = true;
        if let Life::Running { health, .. } = &mut server.life {
            *health = Some(200);
        }
    }
}

/// Takes away what a server's processes hold: its listeners and its GPU memory.
fn clear(facts: &mut PodFacts, name: &ModelName) {
    let Some(server) = facts.servers.get(name) else { return };
    let session = match &server.life {
        Life::Running { pid, .. } => vec![*pid],
        Life::Dead { left } => left.clone(),
        Life::Stopped => Vec::new(),
    };
    let gone = |id: Option<u32>| id.is_some_and(|id| session.contains(&id));
    facts.listeners.retain(|listener| !gone(listener.session) && !gone(listener.pid));
    let (held, others): (Vec<_>, Vec<_>) =
        facts.gpu_processes.drain(..).partition(|p| gone(Some(p.session)) || gone(Some(p.pid)));
    facts.gpu_processes = others;
    if let GpuSight::Found { gpus, .. } = &mut facts.gpus {
        for process in held {
            if let Some(gpu) = gpus.iter_mut().find(|gpu| gpu.uuid == process.gpu_uuid) {
                gpu.used_mib = gpu.used_mib.saturating_sub(process.used_mib.unwrap_or(0));
            }
        }
    }
}

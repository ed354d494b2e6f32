//! What will be there once some steps are done: the plan's own promise, which tests hold against the real thing.

use crate::model_ref::ModelRef;
use crate::name::ModelName;
use crate::observe::{
    EngineSeen, Gpu, GpuSight, Life, Listener, MountSeen, Observed, OwnerSeen, Part, Past, PathSeen,
    PodFacts, ProbeResult, SecretSeen, ServerSeen,
};
use crate::plan::model::step::{Action, Otherwise, Replaces, Start, Step, Storage};
use crate::plan::place::{holds_mib, owns};
use crate::plan::resolve::engine::to_build;
use crate::plan::usage::secrets::needed;
use crate::plan::usage::storage::is_below;
use crate::plan::usage::stored::{fetched, take_room};
use crate::spec::{EngineRecipe, RunId, ServerSpec};
use crate::units::Bytes;

/// The pods as they will be after `steps`.
#[must_use]
pub fn simulate(observed: &Observed, steps: &[Step]) -> Observed {
    let mut after = observed.clone();
    for step in steps {
        if let Some(ProbeResult::Seen(facts)) = after.pods.get_mut(&step.pod) {
            act(facts, &step.action);
        }
    }
    after
}

/// One pod as it will be after one action.
pub fn act(facts: &mut PodFacts, action: &Action) {
    match action {
        Action::MountStorage(storage) => mount(facts, storage),
        Action::InstallPackages(packages) => {
            let there = packages.programs.iter().map(|it| ((*it).to_owned(), format!("/usr/bin/{it}")));
            facts.programs.seen_mut().into_iter().for_each(|programs| programs.extend(there.clone()));
        }
        Action::InstallEngine(recipe) => build(facts, recipe),
        Action::WriteSecrets(names) => {
            if let Some(secrets) = facts.secrets.seen_mut() {
                secrets.extend(names.iter().map(|name| (name.clone(), SecretSeen::Same)));
            }
        }
        Action::FetchWeights(fetch) => fetched(facts, fetch),
        Action::StartServer(it) => match it.replaces {
            Replaces::Nothing | Replaces::Stopped(_) => start(facts, it),
            Replaces::Beside(_) => start_beside(facts, it),
        },
        Action::Promote(name, _) => promote(facts, name),
        Action::StopRun(name) => clear_beside(facts, name),
        Action::AwaitReady { spec, otherwise, .. } => answer(facts, &spec.name, otherwise),
        Action::AdoptServer(name) => adopt(facts, name),
        Action::StopServer(name) => stop(facts, name),
        Action::RemoveServer(name) => {
            clear_beside(facts, name);
            clear(facts, name);
            facts.servers.remove(name);
        }
        Action::RemoveEngine(id) => {
            facts.engines.remove(id);
        }
        Action::RemoveWeights(model) => remove_weights(facts, model),
        Action::RemovePiFiles => {
            facts.secrets = Part::default();
            facts.rest.clear();
        }
    }
}

fn build(facts: &mut PodFacts, recipe: &EngineRecipe) {
    if let Some(bytes) = to_build(facts, recipe) {
        let path = facts.pi_path.clone();
        take_room(facts, &path, bytes, Bytes(0));
    }
    facts.engines.insert(recipe.id.clone(), EngineSeen { digest: Some(recipe.digest()), took: None });
}

fn remove_weights(facts: &mut PodFacts, model: &ModelRef) {
    if let Some(all) = facts.cache.seen_mut() {
        all.retain(|cache| !matches!(model, ModelRef::Hub { repo, .. } if *repo == cache.repo));
    }
}

fn adopt(facts: &mut PodFacts, name: &ModelName) {
    if let Some(server) = facts.servers.get_mut(name) {
        server.owner = OwnerSeen::Ours;
        server.beside.iter_mut().for_each(|beside| beside.owner = OwnerSeen::Ours);
    }
}

fn stop(facts: &mut PodFacts, name: &ModelName) {
    clear_beside(facts, name);
    clear(facts, name);
    if let Some(server) = facts.servers.get_mut(name) {
        server.life = Life::Stopped;
        server.answered = false;
        server.secrets.clear();
    }
}

/// What lay below the target is hidden; what the storage holds is unknown, but for what is expected there.
fn mount(facts: &mut PodFacts, Storage { mount, holds }: &Storage) {
    let seen = MountSeen::Mounted { source: mount.source.clone(), kind: String::new() };
    facts.mounts.seen_mut().map(|mounts| mounts.insert(mount.target.to_string(), seen));
    let below = |path: &str| is_below(path, &mount.target);
    if below(&facts.models_path) {
        facts.cache = Part::default();
    }
    if below(&facts.pi_path) {
        facts.engines.clear();
        facts.servers.clear();
        facts.secrets = Part::default();
    }
    let unknown = PathSeen { directory: true, ..PathSeen::default() };
    if let Some(paths) = facts.model_paths.seen_mut() {
        paths.retain(|path, _| !below(path));
        paths.extend(holds.iter().map(|path| (path.to_string(), unknown.clone())));
    }
}

fn start(facts: &mut PodFacts, Start { spec, run, .. }: &Start) {
    clear_beside(facts, &spec.name);
    clear(facts, &spec.name);
    let past = facts.servers.get(&spec.name).map(past).unwrap_or_default();
    let seen = started(facts, spec, *run, past);
    change_use(facts, &seen, u64::saturating_add);
    facts.servers.insert(spec.name.clone(), seen);
}

/// What stays known of a server when its next run is started in its place: also the one that answered last.
fn past(seen: &ServerSeen) -> Past {
    let serves = seen.answered && matches!(seen.life, Life::Running { .. });
    let previous = if serves { seen.spec.clone().ok().map(Box::new) } else { seen.past.previous.clone() };
    Past { previous, restarts: None, ..seen.past.clone() }
}

fn started(facts: &PodFacts, spec: &ServerSpec, run: RunId, past: Past) -> ServerSeen {
    let there = facts.secrets.seen().into_iter().flatten();
    let copied = there.filter(|(name, _)| needed(name, spec.key));
    ServerSeen {
        spec: Ok(spec.clone()),
        run,
        last_run: run,
        owner: OwnerSeen::Ours,
        life: Life::Running { pid: 0, seconds: 0, health: None },
        answered: false,
        secrets: copied.map(|(name, seen)| (name.clone(), *seen)).collect(),
        past,
        measured: None,
        beside: None,
    }
}

fn start_beside(facts: &mut PodFacts, Start { spec, run, .. }: &Start) {
    clear_beside(facts, &spec.name);
    let seen = started(facts, spec, *run, Past::default());
    change_use(facts, &seen, u64::saturating_add);
    if let Some(server) = facts.servers.get_mut(&spec.name) {
        server.last_run = *run;
        server.owner = OwnerSeen::Ours;
        server.beside = Some(Box::new(seen));
    }
}

/// The one that was started beside it is the server; that a start failed stays known.
fn promote(facts: &mut PodFacts, name: &ModelName) {
    clear(facts, name);
    if let Some(server) = facts.servers.get_mut(name)
        && let Some(beside) = server.beside.take()
    {
        let last_run = server.last_run.max(beside.last_run);
        let Past { failed, took, .. } = server.past.clone();
        let past = Past { failed, took, ..beside.past.clone() };
        *server = ServerSeen { last_run, past, ..*beside };
    }
}

fn clear_beside(facts: &mut PodFacts, name: &ModelName) {
    let beside = facts.servers.get_mut(name).and_then(|server| {
        let beside = server.beside.take()?;
        server.last_run = server.last_run.max(beside.run).max(beside.last_run);
        Some(beside)
    });
    if let Some(beside) = beside {
        vacate(facts, &beside);
    }
}

fn answer(facts: &mut PodFacts, name: &ModelName, otherwise: &Otherwise) {
    if let Some(server) = facts.servers.get_mut(name) {
        let failed = server.past.failed.take();
        server.past.previous = None;
        let answers = match (otherwise, server.beside.as_deref()) {
            (Otherwise::StopRun, Some(beside)) => &beside.spec,
            _ => &server.spec,
        };
        let digest = answers.as_ref().map(ServerSpec::digest).unwrap_or_default();
        server.past.failed = failed.filter(|failed| failed.digest != digest);
        let server = match (otherwise, &mut server.beside) {
            (Otherwise::StopRun, Some(beside)) => beside,
            _ => server,
        };
        server.answered = true;
        if let Life::Running { health, .. } = &mut server.life {
            *health = Some(200);
        }
    }
}

/// Takes away what a server's processes hold: its listeners and its GPU memory.
fn clear(facts: &mut PodFacts, name: &ModelName) {
    if let Some(seen) = facts.servers.get(name).cloned() {
        vacate(facts, &seen);
    }
}

/// The same of one that has, or is about to have, no record any more.
fn vacate(facts: &mut PodFacts, seen: &ServerSeen) {
    let gone = match &seen.life {
        Life::Running { pid, .. } => vec![*pid],
        Life::Dead { left } => left.clone(),
        Life::Stopped => return,
    };
    if gone.is_empty() {
        return;
    }
    let others = facts.servers.values().flat_map(ServerSeen::both);
    let others: Vec<&ServerSeen> =
        others.filter(|other| (&other.spec, &other.life) != (&seen.spec, &seen.life)).collect();
    // where two share a port, each has a listener of its own
    let outgoing = |listener: &Listener| {
        owns(seen, listener)
            && (listener.session.is_some_and(|id| id != 0 && gone.contains(&id))
                || !others.iter().any(|other| owns(other, listener)))
    };
    if let Some(listeners) = facts.listeners.seen_mut() {
        listeners.retain(|listener| !outgoing(listener));
    }
    change_use(facts, seen, u64::saturating_sub);
    let is_gone = |id: u32| id != 0 && gone.contains(&id);
    if let Some(processes) = facts.gpu_processes.seen_mut() {
        processes.retain(|p| p.session == 0 || !(is_gone(p.session) || is_gone(p.pid)));
    }
}

/// Adds or takes away what a live server holds of each GPU.
fn change_use(facts: &mut PodFacts, seen: &ServerSeen, change: fn(u64, u64) -> u64) {
    let GpuSight::Found { gpus, .. } = &facts.gpus else { return };
    let used = |gpu: &Gpu| change(gpu.used_mib, holds_mib(facts, seen, gpu));
    let used: Vec<u64> = gpus.iter().map(used).collect();
    if let GpuSight::Found { gpus, .. } = &mut facts.gpus {
        gpus.iter_mut().zip(used).for_each(|(gpu, used)| gpu.used_mib = used);
    }
}

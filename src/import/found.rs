//! Servers found running on a pod that its manifest does not have.

use super::command_line::{Asked, may_be_engine, read};
use super::{Found, name_of};
use crate::manifest::edit::NewModel;
use crate::manifest::{EngineKind, GpuAsk, Manifest};
use crate::model_ref::ModelRef;
use crate::name::{EngineName, ModelName, PodName, Project};
use crate::observe::{GpuSight, Life, Listener, PodFacts, Whose};
use crate::spec::{Owner, ServerSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Processes whose whole command line tells what they serve: they listen, look like an engine, and are not pi's.
#[must_use]
pub fn asked(facts: &PodFacts) -> Vec<u32> {
    strangers(facts).filter_map(|listener| listener.pid).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What runs on a pod and is not in the manifest; `lines` are the command lines that [`asked`] asked for.
#[must_use]
pub fn found(
    manifest: &Manifest,
    pod: &PodName,
    facts: &PodFacts,
    lines: &BTreeMap<u32, Vec<String>>,
) -> Found {
    let mut found = Found::default();
    for (name, seen) in facts.servers.iter().filter(|(name, _)| !manifest.models.contains_key(name)) {
        if let Whose::Other { project: Some(project), owner } = seen.whose(&manifest.project) {
            found.notes.push(foreign(pod, name, project, owner));
        }
        match (&seen.spec, &seen.life) {
            (Ok(spec), Life::Running { .. } | Life::Dead { .. }) if spec.kind == EngineKind::Command => {
                found.notes.push(format!(
                    "{pod}: `{name}` runs a command of its own: write its [models.{name}] by hand"
                ));
            }
            (Ok(spec), Life::Running { .. } | Life::Dead { .. }) => found.models.push(recorded(pod, spec)),
            (Ok(_), Life::Stopped) => {}
            (Err(why), _) => {
                found.notes.push(format!("{pod}: {name} has a record that can't be read: {why}"));
            }
        }
    }
    if facts.listeners.is_unknown() {
        found.notes.push(format!(
            "{pod}: who listens there could not be looked at: servers that are not pi's are left out"
        ));
    }
    let mut seen = BTreeSet::new();
    let told = |listener: &&Listener| {
        let mut models = manifest.models.values().filter(|model| model.pods.contains(pod));
        models.any(|model| model.port == Some(listener.port))
    };
    for listener in strangers(facts).filter(|listener| !told(listener)) {
        let Some(words) = listener.pid.filter(|pid| seen.insert(*pid)).and_then(|pid| lines.get(&pid)) else {
            continue;
        };
        stranger(&mut found, pod, facts, listener, read(words));
    }
    found
}

/// What to know of a server that is another project's.
fn foreign(pod: &PodName, name: &ModelName, project: &Project, owner: Option<&Owner>) -> String {
    let lost =
        owner.map(|owner| format!("; where that one's pi.toml is lost: project_id = \"{}\"", owner.id));
    let lost = lost.unwrap_or_else(|| format!("; where that one's pi.toml is lost: project = \"{project}\""));
    format!(
        "{pod}: `{name}` is the project `{project}`'s: `pi apply` leaves it alone without --take-over {name}{lost}"
    )
}

fn strangers(facts: &PodFacts) -> impl Iterator<Item = &Listener> {
    let own: BTreeSet<u32> = facts
        .servers
        .values()
        .filter_map(|seen| match seen.life {
            Life::Running { pid, .. } => Some(pid),
            Life::Dead { .. } | Life::Stopped => None,
        })
        .collect();
    let is_own = move |listener: &&Listener| listener.session.is_some_and(|session| own.contains(&session));
    let foreign = facts.listeners.seen().into_iter().flatten().filter(move |listener| !is_own(listener));
    foreign.filter(|listener| may_be_engine(&listener.command))
}

/// A server that another project's pi, or this one's from an older manifest, has started.
fn recorded(pod: &PodName, spec: &ServerSpec) -> NewModel {
    NewModel {
        name: spec.name.clone(),
        model: spec.model.clone(),
        pods: vec![pod.clone()],
        engine: engine(spec.kind),
        version: None,
        gpus: if spec.gpus.is_empty() { GpuAsk::Cpu } else { GpuAsk::Ids(spec.gpus.clone()) },
        context: spec.context,
        memory: spec.memory,
        port: Some(spec.port),
        listen: spec.listen.is_loopback().then_some(spec.listen),
        args: spec.args.clone(),
        env: spec.env.clone(),
    }
}

fn stranger(found: &mut Found, pod: &PodName, facts: &PodFacts, listener: &Listener, asked: Asked) {
    let Asked { kind, model, revision, served_name, context, memory, gpus, args, secrets } = asked;
    let at = format!("{pod}: process {} on port {}", listener.pid.unwrap_or(0), listener.port);
    let (Some(kind), Some(model)) = (kind, model) else {
        found.notes.push(format!("{at} is left out: its command line does not say what it serves"));
        return;
    };
    let wanted = revision.map_or(model.clone(), |revision| format!("{model}@{revision}"));
    let model_ref = match ModelRef::parse(&wanted) {
        Ok(model_ref) => model_ref,
        Err(bad) => {
            found.notes.push(format!("{at} is left out: {bad}"));
            return;
        }
    };
    let named = served_name.as_deref().and_then(name_of).or_else(|| name_of(&model));
    let Some(name) = named.or_else(|| ModelName::parse("model").ok()) else { return };
    found.notes.push(format!(
        "{at} is not pi's: `pi apply` starts its entry only when it has ended: pi ssh {pod} -- kill {}",
        listener.pid.unwrap_or(0)
    ));
    for flag in secrets {
        found.notes.push(format!("{at} has {flag}: its value is left out, pi uses [secrets]"));
    }
    found.models.push(NewModel {
        name,
        model: model_ref,
        pods: vec![pod.clone()],
        engine: engine(kind),
        version: None,
        gpus: held(facts, listener).map(GpuAsk::Ids).or(gpus.map(GpuAsk::Count)).unwrap_or(GpuAsk::Any),
        context,
        memory,
        port: Some(listener.port),
        listen: listener.address.parse::<IpAddr>().ok().filter(IpAddr::is_loopback),
        args,
        env: BTreeMap::new(),
    });
}

/// GPUs on which the process's session holds memory; none where the driver does not tell.
fn held(facts: &PodFacts, listener: &Listener) -> Option<Vec<u32>> {
    let GpuSight::Found { gpus, .. } = &facts.gpus else { return None };
    let holds = |uuid: &str| {
        facts.gpu_processes.seen().into_iter().flatten().any(|process| {
            process.gpu_uuid == uuid
                && (Some(process.pid) == listener.pid
                    || process.session != 0 && Some(process.session) == listener.session)
        })
    };
    let ids: Vec<u32> = gpus.iter().filter(|gpu| holds(&gpu.uuid)).map(|gpu| gpu.index).collect();
    Some(ids).filter(|ids| !ids.is_empty())
}

/// vLLM is the default, and llama.cpp is for `.gguf` files.
fn engine(kind: EngineKind) -> Option<EngineName> {
    match kind {
        EngineKind::Vllm => None,
        EngineKind::LlamaCpp => EngineName::parse("llama.cpp").ok(),
        EngineKind::Command => EngineName::parse("command").ok(),
    }
}

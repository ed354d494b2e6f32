//! How every server of a pod is: what was seen, held against the manifest by the planner's own word.

use crate::diagnose::{Phase, cause_of_death, first_cause, progress};
use crate::manifest::{Manifest, Model, State as Wish};
use crate::name::{ModelName, PodName, Project};
use crate::observe::{Life, Past, PodFacts, ServerSeen, Whose};
use crate::plan::{Action, Care, Plan, Replaces};
use crate::spec::ServerSpec;
use crate::status::vitals::{Requests, ServerVitals, Vitals};
use serde::Serialize;
use std::collections::BTreeSet;

/// How a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It answers, and has answered with a token.
    Ready,
    /// It answers; nobody has asked it for a token yet.
    Running,
    /// Its process runs and does not answer yet.
    Starting,
    /// It had answered, and does not now.
    Unhealthy,
    /// Its process runs, and its record can't be read: nobody knows where to ask it.
    Unknown,
    /// Its process is gone.
    Dead,
    /// Its first process is gone, others of it are left and hold what they hold.
    Orphaned,
    /// It is stopped.
    Stopped,
    /// The manifest wants it, and there is no server of that name.
    NotThere,
}

/// One server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerStatus {
    /// Its name.
    pub name: ModelName,
    /// How it is.
    pub state: State,
    /// What its start does now.
    pub phase: Option<Phase>,
    /// Why it died, if its log tells.
    pub cause: Option<String>,
    /// What is known of its earlier starts.
    pub past: Past,
    /// What an apply would change about it, and why.
    pub drift: Option<String>,
    /// What was started beside it to take its place: what it is, and whether it answers, starts or is dead.
    pub beside: Option<(ServerSpec, State)>,
    /// What it is to this manifest.
    pub belongs: Belongs,
    /// Its record, if there is one that can be read.
    pub spec: Option<ServerSpec>,
    /// Its session's leader.
    pub pid: Option<u32>,
    /// How long it has been running, seconds.
    pub seconds: Option<u64>,
    /// What its `/health` says.
    pub health: Option<u16>,
    /// Processes left over.
    pub left: Vec<u32>,
    /// What it works on.
    pub requests: Option<Requests>,
}

/// What a server is to the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Belongs {
    /// The manifest puts it on this pod.
    Declared,
    /// This project started it, and the manifest has it no more.
    Gone,
    /// Another project started it.
    Other(Project),
    /// Its record can't be read.
    Unknown,
}

/// All servers of a pod, by name: those that the manifest puts there and those that are there. `plan` is one for this
/// pod as it was seen.
#[must_use]
pub fn servers(
    (manifest, pod): (&Manifest, &PodName),
    facts: &PodFacts,
    vitals: &Vitals,
    plan: &Plan,
) -> Vec<ServerStatus> {
    let declared = |name: &ModelName| manifest.models.get(name).filter(|model| model.pods.contains(pod));
    let wanted = manifest.models.keys().filter(|name| declared(name).is_some());
    let names: BTreeSet<&ModelName> = wanted.chain(facts.servers.keys()).collect();
    let silent = ServerVitals::default();
    names
        .into_iter()
        .map(|name| {
            let vitals = vitals.get(name).unwrap_or(&silent);
            let status = server(name, declared(name), facts.servers.get(name), vitals, &manifest.project);
            ServerStatus { drift: drift(&status, plan, pod), ..status }
        })
        .collect()
}

fn server(
    name: &ModelName,
    model: Option<&Model>,
    seen: Option<&ServerSeen>,
    vitals: &ServerVitals,
    project: &Project,
) -> ServerStatus {
    let mut status = ServerStatus {
        name: name.clone(),
        state: absent(model),
        phase: None,
        cause: None,
        past: seen.map(|seen| seen.past.clone()).unwrap_or_default(),
        drift: None,
        beside: seen.and_then(beside),
        belongs: seen.map_or(Belongs::Declared, |seen| belongs(seen, model, project)),
        spec: seen.and_then(|seen| seen.spec.clone().ok()),
        pid: None,
        seconds: None,
        health: None,
        left: Vec::new(),
        requests: vitals.requests,
    };
    let Some(ServerSeen { life, answered, spec, .. }) = seen else { return status };
    match life {
        Life::Stopped => status.state = State::Stopped,
        Life::Dead { left } => {
            status.state = if left.is_empty() { State::Dead } else { State::Orphaned };
            status.left.clone_from(left);
            status.cause = cause(status.spec.as_ref(), &vitals.log);
        }
        Life::Running { pid, seconds, health } => {
            (status.pid, status.seconds, status.health) = (Some(*pid), Some(*seconds), *health);
            status.state = match (health, answered) {
                (None, _) if spec.is_err() => State::Unknown,
                (Some(200), true) => State::Ready,
                (Some(200), false) => State::Running,
                (_, true) => State::Unhealthy,
                (_, false) => State::Starting,
            };
            status.phase =
                phase(status.spec.as_ref(), &vitals.log).filter(|_| status.state == State::Starting);
        }
    }
    status
}

fn beside(seen: &ServerSeen) -> Option<(ServerSpec, State)> {
    let beside = seen.beside.as_ref()?;
    let state = match &beside.life {
        Life::Running { .. } if beside.answered => State::Ready,
        Life::Running { .. } => State::Starting,
        Life::Dead { .. } | Life::Stopped => State::Dead,
    };
    Some((beside.spec.as_ref().ok()?.clone(), state))
}

/// How a server is that is not there.
fn absent(model: Option<&Model>) -> State {
    match model.map(|model| model.state) {
        Some(Wish::Stopped) => State::Stopped,
        Some(Wish::Running) | None => State::NotThere,
    }
}

/// What it is to this manifest, which may have another server by its name.
fn belongs(seen: &ServerSeen, model: Option<&Model>, project: &Project) -> Belongs {
    match (seen.whose(project), model) {
        (Whose::Other { project: Some(other), .. }, _) => Belongs::Other(other.clone()),
        (_, Some(_)) => Belongs::Declared,
        (Whose::Ours | Whose::Unnamed, None) => Belongs::Gone,
        (Whose::Nobodys | Whose::Other { project: None, .. }, None) => Belongs::Unknown,
    }
}

/// What the next apply would do to a server that runs.
fn drift(status: &ServerStatus, plan: &Plan, pod: &PodName) -> Option<String> {
    let about = |action: &Action| match action {
        // one that is asked again first is as it should be, but for its silence
        Action::StartServer(start) => {
            let differs = match &start.replaces {
                Replaces::Nothing => false,
                Replaces::Stopped(recreate) => recreate.care != Care::AskAgain,
                Replaces::Beside(_) => true,
            };
            differs && start.spec.name == status.name
        }
        Action::Promote(name, _) => *name == status.name,
        Action::StopServer(name) => *name == status.name && status.belongs == Belongs::Declared,
        Action::AdoptServer(_)
        | Action::AwaitReady { .. }
        | Action::MountStorage(_)
        | Action::InstallPackages(_)
        | Action::InstallEngine(_)
        | Action::WriteSecrets(_)
        | Action::FetchWeights(_)
        | Action::RemoveServer(_)
        | Action::StopRun(_)
        | Action::RemoveEngine(_)
        | Action::RemoveWeights(_)
        | Action::RemovePiFiles => false,
    };
    let step = plan.steps.iter().find(|step| step.pod == *pod && about(&step.action))?;
    status.pid.map(|_| step.reason.to_string())
}

/// The last thing its log says about its start.
fn phase(spec: Option<&ServerSpec>, log: &[String]) -> Option<Phase> {
    let kind = spec?.kind;
    log.iter().rev().find_map(|line| progress(kind, line))
}

fn cause(spec: Option<&ServerSpec>, log: &[String]) -> Option<String> {
    let kind = spec?.kind;
    cause_of_death(kind, log).or_else(|| first_cause(kind, log)).map(|cause| cause.message)
}

//! The bash of every action, as a [`Program`].

use crate::manifest::{EngineKind, Pod};
use crate::model_ref::ModelRef;
use crate::name::{EnvName, HfRepo};
use crate::plan::bash::program::{Awaited, Fallback, Input, Part, Program, Standing};
use crate::plan::bash::shown;
use crate::plan::model::command_line;
use crate::plan::model::fetch::Fetch;
use crate::plan::model::step::Packages;
use crate::plan::model::step::{Action, Care, Otherwise, Replaces, Start, Storage};
use crate::plan::resolve::engine::size;
use crate::plan::usage::secrets::{API_KEY, HF_TOKEN};
use crate::script::{RenderError, Script, Template, render};
use crate::spec::{EngineRecipe, KeyUse, RunId, ServerSpec};
use crate::units::{Bytes, Seconds};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The hub's own client, as `uv pip install` names it: the version that was tried.
const HUB_CLIENT: &str = "huggingface_hub==2.4.0";
/// Seconds without a sign of life after which another's download into a shared cache counts as given up.
const EXPIRY: u64 = 60;
/// Seconds that a silent server has to answer before it is restarted: a busy one may be late.
const PATIENCE: u64 = 15;

/// What an action runs on a pod.
pub fn program(action: &Action, pod: &Pod) -> Result<Program, RenderError> {
    let pi = pod.pi_path.as_str();
    let of = |name| json!({ "pi": pi, "name": name });
    let part = match action {
        Action::MountStorage(Storage { mount, holds }) => Part::new(
            Template::MOUNT_STORAGE,
            &json!({ "target": mount.target, "command": mount.command, "holds": holds }),
        ),
        Action::InstallPackages(Packages { manager, names, programs }) => Part::new(
            Template::INSTALL_PACKAGES,
            &json!({ "manager": manager, "names": names, "programs": programs, "pod_env": assignments(&pod.env) }),
        ),
        Action::InstallEngine(recipe) => install(recipe, pod),
        Action::WriteSecrets(names) => {
            let part = Part::new(Template::WRITE_SECRETS, &json!({ "pi": pi }))?;
            return Ok(Program::Run(part, Input::Secrets(names.clone())));
        }
        Action::FetchWeights(download) => fetch(download, pod),
        Action::StartServer(it) => return start(it, pod),
        Action::AdoptServer(name) => Part::new(Template::ADOPT_SERVER, &of(name)),
        Action::Promote(name, run) => {
            Part::new(Template::PROMOTE, &json!({ "pi": pi, "name": name, "run": run }))
        }
        Action::StopRun(name) => Part::new(Template::STOP_RUN, &of(name)),
        Action::AwaitReady { spec, run, stall, otherwise } => {
            let server = Waiting { spec, run: *run, standing: standing(otherwise), stall: *stall };
            return await_ready(&server, otherwise, pod);
        }
        Action::StopServer(name) => Part::new(Template::STOP_SERVER, &of(name)),
        Action::RemoveServer(name) => Part::new(Template::REMOVE_SERVER, &of(name)),
        Action::RemoveEngine(id) => Part::new(Template::REMOVE_ENGINE, &json!({ "pi": pi, "id": id })),
        Action::RemoveWeights(model) => {
            let models = pod.models_path.as_str();
            let values = json!({ "models": models, "repo": repo(model).map(HfRepo::as_str) });
            Part::new(Template::REMOVE_WEIGHTS, &values)
        }
        Action::RemovePiFiles => Part::new(Template::REMOVE_REST, &json!({ "pi": pi })),
    };
    Ok(Program::Run(part?, Input::Nothing))
}

/// The scripts of one action on a pod, in the order in which they may run.
pub fn scripts(action: &Action, pod: &Pod) -> Result<Vec<Script>, RenderError> {
    program(action, pod).map(Program::scripts)
}

fn start(Start { spec, run, replaces, .. }: &Start, pod: &Pod) -> Result<Program, RenderError> {
    let start = start_run((spec, *run), replaces, pod)?;
    let care = if let Replaces::Stopped(recreate) = replaces { &recreate.care } else { &Care::Nothing };
    Ok(match care {
        Care::Nothing => Program::Run(start, Input::Nothing),
        Care::StartPrevious(previous) => {
            Program::Replace { start, again: start_again((previous, run.next()), pod)? }
        }
        Care::AskAgain => {
            let (pi, name, host) = (pod.pi_path.as_str(), &spec.name, spec.ask_at().to_string());
            let values =
                json!({ "pi": pi, "name": name, "host": host, "port": spec.port, "patience": PATIENCE });
            Program::AskThenRestart { ask: Part::new(Template::ASK_AGAIN, &values)?, start }
        }
    })
}

/// A run that is waited for.
struct Waiting<'a> {
    spec: &'a ServerSpec,
    run: RunId,
    standing: Standing,
    stall: Seconds,
}

fn standing(otherwise: &Otherwise) -> Standing {
    match otherwise {
        Otherwise::StopRun => Standing::Beside,
        Otherwise::StartPrevious(_) => Standing::Recreated,
        Otherwise::Nothing => Standing::Alone,
    }
}

fn await_ready(server: &Waiting<'_>, otherwise: &Otherwise, pod: &Pod) -> Result<Program, RenderError> {
    let (pi, name) = (pod.pi_path.as_str(), &server.spec.name);
    let fallback = match otherwise {
        Otherwise::Nothing => Fallback::Nothing,
        Otherwise::StartPrevious(previous) => {
            let run = server.run.next();
            let then = Waiting { spec: previous, run, standing: Standing::Alone, ..*server };
            let start = start_again((previous, run), pod)?;
            Fallback::StartPrevious { then: Box::new(awaited(&then, stop_server(&then, pi)?, pi)?), start }
        }
        Otherwise::StopRun => {
            let stop = Part::new(Template::STOP_RUN, &json!({ "pi": pi, "name": name }))?;
            Fallback::StopRun(stop.into_other("remove_beside", "it did not come up"))
        }
    };
    let stop = match &fallback {
        Fallback::Nothing => stop_server(server, pi)?,
        Fallback::StartPrevious { start, .. } => start.clone(),
        Fallback::StopRun(stop) => stop.clone(),
    };
    let failed = Part::new(Template::MARK_FAILED, &note(server, pi))?;
    Ok(Program::Await { server: Box::new(awaited(server, stop, pi)?), failed, fallback })
}

fn stop_server(server: &Waiting<'_>, pi: &str) -> Result<Part, RenderError> {
    let stop = Part::new(Template::STOP_SERVER, &json!({ "pi": pi, "name": server.spec.name }))?;
    Ok(stop.into_other("stop_server", "it must not go on"))
}

fn awaited(server: &Waiting<'_>, stop: Part, pi: &str) -> Result<Awaited, RenderError> {
    let Waiting { spec, run, standing, stall } = server;
    let (name, host, port) = (&spec.name, spec.ask_at().to_string(), spec.port);
    let wait = json!({
        "pi": pi, "name": name, "run": run, "host": host, "port": port, "stall": stall.0,
    });
    Ok(Awaited {
        spec: (*spec).clone(),
        stall: *stall,
        standing: *standing,
        wait: Part::new(Template::AWAIT_READY, &wait)?,
        answered: Part::new(Template::MARK_ANSWERED, &note(server, pi))?,
        stop,
    })
}

fn note(Waiting { spec, run, .. }: &Waiting<'_>, pi: &str) -> Value {
    json!({ "pi": pi, "name": spec.name, "run": run, "digest": spec.digest() })
}

/// Starts what ran before, as a run of its own.
fn start_again(previous: (&ServerSpec, RunId), pod: &Pod) -> Result<Part, RenderError> {
    let part = start_run(previous, &Replaces::Nothing, pod)?;
    Ok(part.into_other("start_former", "what took its place did not come up"))
}

/// The same scripts for people to read: without values that look like secrets, and not to be run.
pub fn shown_scripts(action: &Action, pod: &Pod) -> Result<Vec<Script>, RenderError> {
    scripts(&shown::action(action), &shown::pod(pod))
}

fn install(recipe: &EngineRecipe, pod: &Pod) -> Result<Part, RenderError> {
    let EngineRecipe { id, kind, python, pythons, packages, .. } = recipe;
    let EngineRecipe { overrides, index, find_links, torch_backend, .. } = recipe;
    let flag = |name: &str, values: &[String]| -> Vec<String> {
        values.iter().flat_map(|value| [name.to_owned(), value.clone()]).collect()
    };
    let mut options = flag("--index", index);
    options.extend(flag("--find-links", find_links));
    options.extend(flag("--torch-backend", torch_backend.as_slice()));
    // vLLM's kernels are compiled against Python's headers when they are first used
    let (trial, headers) = match kind {
        EngineKind::Vllm => (include_str!("../../../templates/try_vllm.py"), "headers"),
        EngineKind::LlamaCpp => ("import xllamacpp", ""),
        EngineKind::Command => ("", ""),
    };
    let values = json!({
        "pi": pod.pi_path, "id": id, "digest": recipe.digest(), "python": python, "others": pythons,
        "packages": packages, "options": options, "overrides": overrides, "headers": headers, "trial": trial, "bytes": size(recipe).map(|size| size.disk.0.to_string()).unwrap_or_default(),
        "pod_env": assignments(&pod.env),
    });
    Part::new(Template::INSTALL_ENGINE, &values)
}

fn fetch(fetch: &Fetch, pod: &Pod) -> Result<Part, RenderError> {
    let revision = match &fetch.model {
        ModelRef::Hub { revision, .. } => revision.as_ref().map_or("", |revision| revision.as_str()),
        ModelRef::Path(_) => "",
    };
    let list = fetch.files.iter().map(|(path, file)| format!("{} {path}", file.bytes.0));
    let bytes = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.0.to_string()).unwrap_or_default();
    let values = json!({
        "pi": pod.pi_path, "models": pod.models_path, "repo": repo(&fetch.model).map(HfRepo::as_str),
        "commit": fetch.commit.as_deref().unwrap_or(revision), "branch": fetch.branch().unwrap_or_default(),
        "only": fetch.choice.only, "without": fetch.choice.without, "list": list.collect::<Vec<_>>(),
        "total": bytes(fetch.total()), "missing": bytes(fetch.missing),
        "client": HUB_CLIENT, "expiry": EXPIRY, "pod_env": assignments(&pod.env),
    });
    Part::new(Template::FETCH_WEIGHTS, &values)
}

fn start_run((spec, id): (&ServerSpec, RunId), replaces: &Replaces, pod: &Pod) -> Result<Part, RenderError> {
    let beside = if matches!(replaces, Replaces::Beside(_)) { "yes" } else { "" };
    let helpers: &[&str] = match spec.kind {
        EngineKind::Vllm => &["pi_guard.py", include_str!("../../../templates/pi_guard.py")],
        EngineKind::LlamaCpp if spec.engine.is_some() => {
            &["pi_llama_server.py", include_str!("../../../templates/pi_llama_server.py")]
        }
        EngineKind::LlamaCpp | EngineKind::Command => &[],
    };
    let mut secrets = vec![HF_TOKEN];
    if spec.key == KeyUse::Required {
        secrets.push(API_KEY);
    }
    let record = serde_json::to_string(spec).unwrap_or_default();
    let values = json!({
        "pi": pod.pi_path, "name": spec.name, "run": id, "beside": beside,
        "spec": record, "script": run(spec, pod)?.text, "secret_names": secrets, "helpers": helpers,
    });
    Part::new(Template::START_SERVER, &values)
}

/// What the server's own session runs.
fn run(spec: &ServerSpec, pod: &Pod) -> Result<Script, RenderError> {
    let mut env = command_line::environment(spec, pod);
    env.extend(spec.env.iter().map(|(name, value)| (name.to_string(), value.clone())));
    let assignments: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (model, file) = match &spec.model {
        ModelRef::Hub { repo, file, .. } => (repo.as_str(), file.as_deref()),
        ModelRef::Path(path) => (path.as_str(), None),
    };
    let revision = match &spec.model {
        ModelRef::Hub { revision, .. } => revision.as_ref().map(ToString::to_string),
        ModelRef::Path(_) => None,
    };
    let values = json!({
        "engine": spec.engine.as_ref().map_or("", |id| id.as_str()),
        "model": model, "file": file.unwrap_or_default(),
        "revision": spec.commit.clone().or(revision).unwrap_or_default(),
        "models": pod.models_path, "assignments": assignments,
        "port": spec.port, "context": spec.context.map(|c| c.0.to_string()).unwrap_or_default(),
        "args": command_line::engine_args(spec), "words": spec.command,
        "restart": spec.restart.as_str(),
        "log_limit": spec.log_limit.unwrap_or_default().bytes().0.to_string(),
    });
    let template = match spec.kind {
        EngineKind::Vllm => Template::RUN_VLLM,
        EngineKind::LlamaCpp => Template::RUN_LLAMA_CPP,
        EngineKind::Command => Template::RUN_COMMAND,
    };
    render(template, &values)
}

fn repo(model: &ModelRef) -> Option<&HfRepo> {
    match model {
        ModelRef::Hub { repo, .. } => Some(repo),
        ModelRef::Path(_) => None,
    }
}

fn assignments(env: &BTreeMap<EnvName, String>) -> Vec<String> {
    env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

//! The bash of every action, as a [`Program`].

use crate::manifest::{EngineKind, Pod};
use crate::model_ref::ModelRef;
use crate::name::{EnvName, HfRepo, ModelName};
use crate::plan::engine::size;
use crate::plan::fetch::Fetch;
use crate::plan::packages::Packages;
use crate::plan::program::{Awaited, Fallback, Input, Part, Program, Standing};
use crate::plan::secrets::{API_KEY, HF_TOKEN};
use crate::plan::step::{Action, Before, Otherwise, Storage};
use crate::plan::{command_line, redact};
use crate::script::{RenderError, Script, Template, render};
use crate::spec::{EngineRecipe, KeyUse, ServerSpec};
use crate::units::{Bytes, Seconds};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The hub's own client, as `uv pip install` names it: the version that was tried.
const HUB_CLIENT: &str = "huggingface_hub==2.4.0";
/// Seconds without a sign of life after which another's download into a shared cache counts as given up.
const EXPIRY: u64 = 60;
/// Seconds that a silent server has to answer before it is restarted: a busy one may be late.
const PATIENCE: u64 = 15;

/// Where servers have their records, below `pi_path`.
const SERVERS: &str = "servers";
/// Where those have them that are started beside a server, until they take its place.
const BESIDE: &str = "beside";

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
        Action::StartServer(spec) => start((spec, SERVERS), pod),
        Action::RestartServer { to, before, .. } => return restart(to, *before, pod),
        Action::StartBeside { to, .. } => start((to, BESIDE), pod),
        Action::AdoptServer(name) => Part::new(Template::ADOPT_SERVER, &of(name)),
        Action::TakeOver(name) => Part::new(Template::TAKE_OVER, &of(name)),
        Action::RemoveBeside(name) => Part::new(Template::REMOVE_BESIDE, &of(name)),
        Action::AwaitReady { spec, stall, otherwise } => return await_ready(spec, otherwise, *stall, pi),
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

fn restart(to: &ServerSpec, before: Before, pod: &Pod) -> Result<Program, RenderError> {
    let (pi, name) = (pod.pi_path.as_str(), &to.name);
    let start = start((to, SERVERS), pod)?;
    Ok(match before {
        Before::Nothing => Program::Run(start, Input::Nothing),
        Before::KeepPrevious => {
            let keep = Part::new(Template::KEEP_FORMER, &json!({ "pi": pi, "name": name }))?;
            Program::KeepThenRestart { keep, start, again: start_previous(name, pi)? }
        }
        Before::AskAgain => {
            let host = to.ask_at().to_string();
            let values =
                json!({ "pi": pi, "name": name, "host": host, "port": to.port, "patience": PATIENCE });
            Program::AskThenRestart { ask: Part::new(Template::ASK_AGAIN, &values)?, start }
        }
    })
}

fn await_ready(
    spec: &ServerSpec,
    otherwise: &Otherwise,
    stall: Seconds,
    pi: &str,
) -> Result<Program, RenderError> {
    let standing = match otherwise {
        Otherwise::RemoveBeside => Standing::Beside,
        Otherwise::Nothing | Otherwise::StartPrevious(_) => Standing::Alone,
    };
    let fallback = match otherwise {
        Otherwise::Nothing => Fallback::Nothing,
        Otherwise::StartPrevious(former) => Fallback::StartPrevious {
            start: start_previous(&spec.name, pi)?,
            then: Box::new(awaited(former, standing, stall, pi)?),
        },
        Otherwise::RemoveBeside => {
            let remove = Part::new(Template::REMOVE_BESIDE, &json!({ "pi": pi, "name": spec.name }))?;
            Fallback::RemoveBeside(remove.into_other("remove_beside", "it did not come up"))
        }
    };
    let failed = Part::new(Template::MARK_FAILED, &note(spec, standing, pi))?;
    Ok(Program::Await { server: Box::new(awaited(spec, standing, stall, pi)?), failed, fallback })
}

fn awaited(spec: &ServerSpec, standing: Standing, stall: Seconds, pi: &str) -> Result<Awaited, RenderError> {
    let (name, host, port) = (&spec.name, spec.ask_at().to_string(), spec.port);
    let wait = json!({
        "pi": pi, "name": name, "place": place(standing), "host": host, "port": port, "stall": stall.0,
    });
    let (stop, action) = match standing {
        Standing::Beside => (Template::REMOVE_BESIDE, "remove_beside"),
        Standing::Alone => (Template::STOP_SERVER, "stop_server"),
    };
    let stop = Part::new(stop, &json!({ "pi": pi, "name": name }))?;
    Ok(Awaited {
        spec: spec.clone(),
        stall,
        standing,
        wait: Part::new(Template::AWAIT_READY, &wait)?,
        answered: Part::new(Template::MARK_ANSWERED, &note(spec, standing, pi))?,
        stop: stop.into_other(action, "it must not go on"),
    })
}

fn note(spec: &ServerSpec, standing: Standing, pi: &str) -> Value {
    json!({ "pi": pi, "name": spec.name, "place": place(standing), "digest": spec.digest() })
}

/// Where the record of a server lies while it starts.
fn place(standing: Standing) -> &'static str {
    match standing {
        Standing::Alone => SERVERS,
        Standing::Beside => BESIDE,
    }
}

fn start_previous(name: &ModelName, pi: &str) -> Result<Part, RenderError> {
    let part = Part::new(Template::START_FORMER, &json!({ "pi": pi, "name": name }))?;
    Ok(part.into_other("start_former", "what took its place did not come up"))
}

/// The same scripts for people to read: without values that look like secrets, and not to be run.
pub fn shown_scripts(action: &Action, pod: &Pod) -> Result<Vec<Script>, RenderError> {
    scripts(&redact::action(action), &redact::pod(pod))
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
        EngineKind::Vllm => (include_str!("../../templates/try_vllm.py"), "headers"),
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

fn start((spec, place): (&ServerSpec, &str), pod: &Pod) -> Result<Part, RenderError> {
    let helpers: &[&str] = match spec.kind {
        EngineKind::Vllm => &["pi_guard.py", include_str!("../../templates/pi_guard.py")],
        EngineKind::LlamaCpp if spec.engine.is_some() => {
            &["pi_llama_server.py", include_str!("../../templates/pi_llama_server.py")]
        }
        EngineKind::LlamaCpp | EngineKind::Command => &[],
    };
    let mut secrets = vec![HF_TOKEN];
    if spec.key == KeyUse::Required {
        secrets.push(API_KEY);
    }
    let record = serde_json::to_string(spec).unwrap_or_default();
    let values = json!({
        "pi": pod.pi_path, "name": spec.name, "place": place, "spec": record, "run": run(spec, pod)?.text,
        "secret_names": secrets, "helpers": helpers,
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

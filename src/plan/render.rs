//! The bash of every action. A step has one script; waiting for a server has two, the second for when it answered.

use crate::manifest::{EngineKind, Pod};
use crate::model_ref::ModelRef;
use crate::name::{EnvName, HfRepo, ModelName};
use crate::plan::engine::size;
use crate::plan::fetch::Fetch;
use crate::plan::packages::Packages;
use crate::plan::secrets::{API_KEY, HF_TOKEN};
use crate::plan::step::{Action, Before, OnPort, Otherwise, Storage};
use crate::plan::{command_line, hide};
use crate::script::{RenderError, Script, Template, render};
use crate::spec::{EngineRecipe, KeyUse, ServerSpec};
use crate::units::{Bytes, Seconds};
use serde_json::json;
use std::collections::BTreeMap;

/// The hub's own client, as `uv pip install` names it: the version that was tried.
const HUB_CLIENT: &str = "huggingface_hub==2.4.0";
/// Seconds without a sign of life after which another's download into a shared cache counts as given up.
const EXPIRY: u64 = 60;
/// Seconds that a server may take to finish what it is answering when it is stopped.
const DRAIN: u64 = 20;
/// Seconds that a silent server has to answer before it is restarted: a busy one may be late.
const PATIENCE: u64 = 15;

/// Where servers have their records, below `pi_path`.
const SERVERS: &str = "servers";
/// Where those have them that are started beside a server, until they take its place.
const BESIDE: &str = "beside";

/// The scripts of one action on a pod, in the order in which they run.
pub fn scripts(action: &Action, pod: &Pod) -> Result<Vec<Script>, RenderError> {
    let pi = pod.pi_path.as_str();
    let stop = |name| json!({ "pi": pi, "name": name, "drain": DRAIN });
    let one = match action {
        Action::MountStorage(Storage { mount, holds }) => render(
            Template::MOUNT_STORAGE,
            &json!({ "target": mount.target, "command": mount.command, "holds": holds }),
        ),
        Action::InstallPackages(Packages { manager, names, programs }) => render(
            Template::INSTALL_PACKAGES,
            &json!({ "manager": manager, "names": names, "programs": programs, "pod_env": assignments(&pod.env) }),
        ),
        Action::InstallEngine(recipe) => install(recipe, pod),
        Action::WriteSecrets(_) => render(Template::WRITE_SECRETS, &json!({ "pi": pi })),
        Action::FetchWeights(download) => fetch(download, pod),
        Action::StartServer(spec) => start((spec, SERVERS), pod),
        Action::RestartServer { to, before, .. } => return restart(to, *before, pod),
        Action::StartBeside { to, .. } => start((to, BESIDE), pod),
        Action::AdoptServer(name) => render(Template::ADOPT_SERVER, &json!({ "pi": pi, "name": name })),
        Action::TakeOver(name) => render(Template::TAKE_OVER, &stop(name)),
        Action::RemoveBeside(name) => render(Template::REMOVE_BESIDE, &stop(name)),
        Action::AwaitReady { spec, stall, otherwise, port } => {
            return await_ready((spec, otherwise, *port), *stall, pi);
        }
        Action::StopServer(name) => render(Template::STOP_SERVER, &stop(name)),
        Action::RemoveServer(name) => render(Template::REMOVE_SERVER, &stop(name)),
        Action::RemoveEngine(id) => render(Template::REMOVE_ENGINE, &json!({ "pi": pi, "id": id })),
        Action::RemoveWeights(model) => {
            let models = pod.models_path.as_str();
            render(
                Template::REMOVE_WEIGHTS,
                &json!({ "models": models, "repo": repo(model).map(HfRepo::as_str) }),
            )
        }
        Action::RemoveRest => render(Template::REMOVE_REST, &json!({ "pi": pi })),
    };
    Ok(vec![one?])
}

/// What comes before, the start, and what undoes it if it fails.
fn restart(to: &ServerSpec, before: Before, pod: &Pod) -> Result<Vec<Script>, RenderError> {
    let (pi, name) = (pod.pi_path.as_str(), &to.name);
    let mut scripts = Vec::new();
    match before {
        Before::Nothing => {}
        Before::KeepFormer => {
            scripts.push(render(Template::KEEP_FORMER, &json!({ "pi": pi, "name": name }))?);
        }
        Before::AskAgain => {
            let host = to.ask_at().to_string();
            let values =
                json!({ "pi": pi, "name": name, "host": host, "port": to.port, "patience": PATIENCE });
            scripts.push(render(Template::ASK_AGAIN, &values)?);
        }
    }
    scripts.push(start((to, SERVERS), pod)?);
    if before == Before::KeepFormer {
        scripts.push(start_former(name, pi)?);
    }
    Ok(scripts)
}

/// Waiting, what is noted when it answered and when it did not, and, in that case, the same for the former one.
fn await_ready(
    (spec, otherwise, on_port): (&ServerSpec, &Otherwise, OnPort),
    stall: Seconds,
    pi: &str,
) -> Result<Vec<Script>, RenderError> {
    let place = if *otherwise == Otherwise::RemoveBeside { BESIDE } else { SERVERS };
    let wait = |spec: &ServerSpec| {
        let (name, host, port) = (&spec.name, spec.ask_at().to_string(), spec.port);
        let shared = if on_port == OnPort::Both { "yes" } else { "" };
        let values = json!({
            "pi": pi, "name": name, "place": place, "host": host, "port": port, "shared": shared, "stall": stall.0,
        });
        render(Template::AWAIT_READY, &values)
    };
    let note = |template, spec: &ServerSpec| {
        let values = json!({ "pi": pi, "name": spec.name, "place": place, "digest": spec.digest() });
        render(template, &values)
    };
    let mut scripts =
        vec![wait(spec)?, note(Template::MARK_ANSWERED, spec)?, note(Template::MARK_FAILED, spec)?];
    match otherwise {
        Otherwise::Nothing => {}
        Otherwise::StartFormer(former) => {
            let again = start_former(&spec.name, pi)?;
            scripts.extend([again, wait(former)?, note(Template::MARK_ANSWERED, former)?]);
        }
        Otherwise::RemoveBeside => {
            let values = json!({ "pi": pi, "name": spec.name, "drain": DRAIN });
            scripts.push(render(Template::REMOVE_BESIDE, &values)?);
        }
    }
    if on_port == OnPort::Both {
        let (name, host, port) = (&spec.name, spec.ask_at().to_string(), spec.port);
        let values = json!({
            "pi": pi, "name": name, "place": place, "host": host, "port": port, "patience": stall.0,
        });
        scripts.push(render(Template::ASK_OWN, &values)?);
    }
    Ok(scripts)
}

fn start_former(name: &ModelName, pi: &str) -> Result<Script, RenderError> {
    render(Template::START_FORMER, &json!({ "pi": pi, "name": name, "drain": DRAIN }))
}

/// The same scripts for people to read: without values that look like secrets, and not to be run.
pub fn shown_scripts(action: &Action, pod: &Pod) -> Result<Vec<Script>, RenderError> {
    scripts(&hide::action(action), &hide::pod(pod))
}

fn install(recipe: &EngineRecipe, pod: &Pod) -> Result<Script, RenderError> {
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
    render(Template::INSTALL_ENGINE, &values)
}

fn fetch(fetch: &Fetch, pod: &Pod) -> Result<Script, RenderError> {
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
    render(Template::FETCH_WEIGHTS, &values)
}

fn start((spec, place): (&ServerSpec, &str), pod: &Pod) -> Result<Script, RenderError> {
    let helpers: &[&str] = match spec.kind {
        EngineKind::Vllm => &[
            "pi_guard.py",
            include_str!("../../templates/pi_guard.py"),
            "pi_vllm.py",
            include_str!("../../templates/pi_vllm.py"),
        ],
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
        "secret_names": secrets, "helpers": helpers, "drain": DRAIN,
    });
    render(Template::START_SERVER, &values)
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

//! The servers that a pod should have, down to the port and the GPU.

use crate::manifest::{EngineKind, Model, Protect};
use crate::model_ref::ModelRef;
use crate::name::ModelName;
use crate::plan::engine::{self, Engine, NoEngine};
use crate::plan::finding::{Finding, Severity};
use crate::plan::place::Places;
use crate::plan::secrets::{API_KEY, at_hand};
use crate::plan::{Inputs, Site};
use crate::spec::{EngineRecipe, KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;
use crate::units::Seconds;
use std::net::{IpAddr, Ipv4Addr};

/// A server as it should be, and what its start needs.
pub(super) struct Wanted {
    pub(super) spec: ServerSpec,
    pub(super) recipe: Option<EngineRecipe>,
    pub(super) stall: Seconds,
    pub(super) protect: Protect,
}

/// The server that `model` asks for on this pod, or why there can't be one.
pub(super) fn wanted(
    inputs: &Inputs<'_>,
    site: &Site<'_>,
    (name, model): (&ModelName, &Model),
    places: &Places,
) -> Result<Wanted, Finding> {
    let refuse = |code, message| Finding::on(Severity::Error, code, site.name, message).of(name);
    let recipe = match engine::engine(&model.engine, site.facts) {
        Ok(Engine::Own) => None,
        Ok(Engine::Environment(recipe)) => Some(recipe),
        Err(NoEngine { code, message, help }) => return Err(refuse(code, message).help(help)),
    };
    let listen = model.listen.unwrap_or_else(|| default_listen(&site.pod.ssh));
    let key = key_use(inputs, site, listen).map_err(|bad| bad.of(name))?;
    let mut env = site.pod.env.clone();
    env.extend(model.env.clone());
    let spec = ServerSpec {
        name: name.clone(),
        project: inputs.manifest.project.clone(),
        kind: model.engine.kind,
        engine: recipe.as_ref().map(|r| r.id.clone()),
        model: model.model.clone(),
        commit: None,
        context: model.context,
        memory: model.memory,
        gpus: places.gpus(name)?,
        listen,
        port: places.port(name)?,
        key,
        args: model.args.clone(),
        command: model.command.clone(),
        env,
    };
    single_file(&spec).map_err(|(message, help)| refuse("not-a-gguf", message).help(help))?;
    Ok(Wanted { spec, recipe, stall: model.ready_stall, protect: model.protect })
}

/// Loopback on this machine, every address on others: a rented pod is of no use to clients otherwise.
fn default_listen(ssh: &SshTarget) -> IpAddr {
    match ssh {
        SshTarget::Local => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SshTarget::Ssh(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}

/// A server that others can reach wants the key; one on loopback wants it where there is one.
fn key_use(inputs: &Inputs<'_>, site: &Site<'_>, listen: IpAddr) -> Result<KeyUse, Finding> {
    if at_hand(inputs, site.facts, API_KEY) {
        return Ok(KeyUse::Required);
    }
    if listen.is_loopback() {
        return Ok(KeyUse::Open);
    }
    let message = format!("it listens on {listen}, and there is no API key: anybody could use it");
    let source = inputs.manifest.secrets.iter().find(|(name, _)| name.as_str() == API_KEY);
    let help = match source.map(|(_, source)| source) {
        Some(crate::secret::SecretSource::Env(variable)) => {
            format!(
                "set {variable} (for example: export {variable}=$(openssl rand -hex 32)), or write `listen = \"127.0.0.1\"`"
            )
        }
        _ => "see `api_key` in [secrets], or write `listen = \"127.0.0.1\"`".to_owned(),
    };
    Err(Finding::on(Severity::Error, "missing-secret", site.name, message).help(help))
}

/// llama.cpp loads one file; a whole repository or a directory leaves open which.
fn single_file(spec: &ServerSpec) -> Result<(), (String, String)> {
    if spec.kind != EngineKind::LlamaCpp || spec.model.is_gguf() {
        return Ok(());
    }
    let message = format!("llama.cpp loads one .gguf file, `{}` is none", spec.model);
    let help = match &spec.model {
        ModelRef::Hub { repo, .. } => format!("name the file: model = \"{repo}:FILE.gguf\""),
        ModelRef::Path(_) => "name the .gguf file itself".to_owned(),
    };
    Err((message, help))
}

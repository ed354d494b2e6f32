//! The servers that a pod should have: first what does not depend on where they are put, then the whole spec.

use crate::catalog::Version;
use crate::catalog::flags::{Word, known};
use crate::manifest::{EngineKind, GpuAsk, Model};
use crate::model_ref::ModelRef;
use crate::name::{ModelName, Port};
use crate::observe::{GpuSight, ServerSeen};
use crate::plan::model::code::Code;
use crate::plan::model::command_line::SHUTDOWN_TIMEOUT;
use crate::plan::model::fetch::Fetch;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::launch::Launch;
use crate::plan::resolve::engine::{self, Engine, NoEngine};
use crate::plan::resolve::hub_says::hub_says;
use crate::plan::resolve::launch_choice::LaunchChoice;
use crate::plan::resolve::pick::{self, Pick};

use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::reason::Reason;
use crate::plan::resolve::revision;
use crate::plan::resolve::spread::Ruled;
use crate::plan::resolve::weights::{Weights, Wish, weights};
use crate::plan::usage::secrets::{API_KEY, at_hand};
use crate::plan::usage::{storage, whose};
use crate::secret::SecretSource;
use crate::spec::{EngineRecipe, KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;
use crate::units::Seconds;
use std::net::{IpAddr, Ipv4Addr};

/// A server that can run on the pod, wherever it is put.
pub(in crate::plan) struct Candidate<'a> {
    pub(in crate::plan) name: &'a ModelName,
    pub(in crate::plan) model: &'a Model,
    /// What there is of it now.
    pub(in crate::plan) seen: Option<&'a ServerSeen>,
    recipe: Option<EngineRecipe>,
    /// The recipe's digest.
    build: Option<String>,
    commit: Option<String>,
    fetch: Option<(Fetch, Reason)>,
    /// What is to be said about its weights.
    pub(in crate::plan) notes: Vec<Finding>,
    /// What the catalog picks for it.
    pub(in crate::plan) pick: Pick,
    /// What fit decides for it, where the catalog does not have it.
    ruled: Option<Ruled<'a>>,
    pub(in crate::plan) listen: IpAddr,
    key: KeyUse,
}

/// A server as it should be, and what its start needs.
pub(in crate::plan) struct Wanted {
    pub(in crate::plan) spec: ServerSpec,
    /// How it is launched, for people.
    pub(in crate::plan) launch: Option<Launch>,
    pub(in crate::plan) recipe: Option<EngineRecipe>,
    pub(in crate::plan) fetch: Option<(Fetch, Reason)>,
    pub(in crate::plan) stall: Seconds,
}

/// Where a server is put.
pub(in crate::plan) struct Place {
    /// By `nvidia-smi` index; empty for CPU.
    pub(in crate::plan) gpus: Vec<u32>,
    pub(in crate::plan) port: Port,
}

/// A server at its place.
#[derive(Clone)]
pub(in crate::plan) struct AtPlace {
    pub(in crate::plan) spec: ServerSpec,
    pub(in crate::plan) choice: LaunchChoice,
}

/// The server that `model` asks for on this pod, or why there can't be one.
pub(in crate::plan) fn candidate<'a>(
    inputs: &Inputs<'_>,
    site: &PodContext<'a>,
    name: &'a ModelName,
    model: &'a Model,
) -> Result<Candidate<'a>, Finding> {
    let refuse = |code, message, help: String| {
        Finding::on(Severity::Error, code, site.name, message).of(name).help(help)
    };
    whose::taken(site, name)?;
    no_driver(site, model)
        .and_then(|()| single_file(model))
        .map_err(|(code, why, help)| refuse(code, why, help))?;
    let recipe = match engine::engine(site, &model.engine, &model.gpus) {
        Ok(Engine::Own) => None,
        Ok(Engine::Environment(recipe)) => Some(recipe),
        Err(NoEngine { code, message, help }) => return Err(refuse(code, message, help)),
    };
    if let Some(finding) = recipe.as_ref().and_then(|recipe| whose::engine_in_use(site, recipe)) {
        return Err(finding.of(name));
    }
    let listen = model.listen.unwrap_or_else(|| default_listen(&site.pod.ssh));
    let key = key_use(inputs, site, listen).map_err(|bad| bad.of(name))?;
    let wish = Wish { name, model: &model.model, kind: model.engine.kind, unseen: is_unseen(site) };
    let chosen = revision::pin(inputs, site, wish);
    let mut notes: Vec<Finding> = chosen.note.into_iter().collect();
    let fetch = match weights(inputs, site, wish, chosen.weights.as_deref()) {
        // one of which nobody can tell is not started
        Weights::There | Weights::Unknown => None,
        Weights::Fetch(fetch, reason) => {
            match hub_says(inputs, site, wish) {
                Some(finding) if finding.severity == Severity::Error => return Err(finding),
                finding => notes.extend(finding),
            }
            Some((*fetch, reason))
        }
        Weights::NoPath => {
            let help = "bring the weights there, or name a repository of the hub".to_owned();
            return Err(refuse(Code::NoModelPath, format!("{} is not there", model.model), help));
        }
    };
    let seen = site.facts.servers.get(name);
    let ruled = Ruled::of(inputs, site, model, (seen, chosen.server.as_deref()));
    let pick = pick::pick(site, model, seen.and_then(|seen| seen.spec.as_ref().ok()), ruled.as_ref());
    let (build, commit) = (recipe.as_ref().map(EngineRecipe::digest), chosen.server);
    Ok(Candidate { name, model, seen, recipe, build, commit, fetch, notes, pick, ruled, listen, key })
}

impl Candidate<'_> {
    /// The download that it needs.
    pub(in crate::plan) fn fetch(&self) -> Option<&Fetch> {
        self.fetch.as_ref().map(|(fetch, _)| fetch)
    }

    /// Whether its engine has to be built.
    pub(in crate::plan) fn builds(&self, site: &PodContext<'_>) -> bool {
        self.recipe.as_ref().is_some_and(|recipe| {
            let there = site.facts.engines.get(&recipe.id).and_then(|seen| seen.digest.as_ref());
            there != Some(&recipe.digest())
        })
    }

    /// What its engine is built from, where pi builds it.
    pub(in crate::plan) fn recipe(&self) -> Option<&EngineRecipe> {
        self.recipe.as_ref()
    }

    /// The server at its place, and how it is launched there.
    pub(in crate::plan) fn at(&self, inputs: &Inputs<'_>, site: &PodContext<'_>, place: Place) -> AtPlace {
        let choice = LaunchChoice::of(site, self.model, &place.gpus, (&self.pick, self.ruled.as_ref()));
        AtPlace { spec: self.spec(inputs, place, &choice), choice }
    }

    fn spec(&self, inputs: &Inputs<'_>, Place { gpus, port }: Place, choice: &LaunchChoice) -> ServerSpec {
        let Self { name, model, recipe, build, commit, listen, key, .. } = self;
        let LaunchChoice { version, chosen: _, context, fitted, memory, args, env } = choice;
        ServerSpec {
            name: (*name).clone(),
            project: inputs.manifest.project.clone(),
            kind: model.engine.kind,
            engine: recipe.as_ref().map(|recipe| recipe.id.clone()),
            build: build.clone(),
            model: model.model.clone(),
            commit: commit.clone(),
            context: *context,
            fitted: *fitted,
            memory: *memory,
            gpus,
            listen: *listen,
            port,
            key: *key,
            args: args.clone(),
            command: model.command.clone(),
            env: env.clone(),
            restart: model.restart,
            log_limit: model.log_limit,
            drain: model.drain,
            can_drain: version.as_ref().is_some_and(can_drain),
        }
    }

    /// What is wanted, with this spec and this launch.
    pub(in crate::plan) fn into_wanted(self, spec: ServerSpec, launch: Option<Launch>) -> Wanted {
        let Self {
            name: _,
            model,
            seen: _,
            recipe,
            build: _,
            commit: _,
            fetch,
            notes: _,
            pick: _,
            ruled: _,
            listen: _,
            key: _,
        } = self;
        Wanted { spec, launch, recipe, fetch, stall: model.ready_stall }
    }
}

/// Whether this vLLM has a flag for how long it may drain.
fn can_drain(version: &Version) -> bool {
    known(Word::Flag, SHUTDOWN_TIMEOUT, version)
}

/// Whether the weights are on storage that was mounted only in thought.
fn is_unseen(site: &PodContext<'_>) -> bool {
    let Some(mount) = &site.pod.mount else { return false };
    storage::seen(site, &mount.target).is_some_and(storage::is_thought)
        && storage::is_below(&site.facts.models_path, &mount.target)
}

type Refusal = (Code, String, String);

/// A driver that does not answer says nothing about what is on its GPUs.
fn no_driver(site: &PodContext<'_>, model: &Model) -> Result<(), Refusal> {
    let without = match &model.gpus {
        GpuAsk::Cpu => true,
        GpuAsk::Any => model.engine.kind == EngineKind::Command,
        GpuAsk::Count(_) | GpuAsk::Ids(_) => false,
    };
    match &site.facts.gpus {
        GpuSight::Broken { .. } if !without => Err((
            Code::GpuBroken,
            "it wants a GPU, and nvidia-smi fails".to_owned(),
            "repair the driver, or write `gpus = 0` to do without".to_owned(),
        )),
        GpuSight::Broken { .. } | GpuSight::None | GpuSight::Found { .. } => Ok(()),
    }
}

/// Loopback on this machine, every address on others: a rented pod is of no use to clients otherwise.
fn default_listen(ssh: &SshTarget) -> IpAddr {
    match ssh {
        SshTarget::Local => IpAddr::V4(Ipv4Addr::LOCALHOST),
        SshTarget::Ssh(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}

/// A server that others can reach wants the key; one on loopback wants it where there is one.
fn key_use(inputs: &Inputs<'_>, site: &PodContext<'_>, listen: IpAddr) -> Result<KeyUse, Finding> {
    if at_hand(inputs, site.facts, API_KEY) {
        return Ok(KeyUse::Required);
    }
    if listen.is_loopback() {
        return Ok(KeyUse::Open);
    }
    let message = format!("it listens on {listen}, and there is no API key: anybody could use it");
    let source = inputs.manifest.secrets.iter().find(|(name, _)| name.as_str() == API_KEY);
    let help = match source.map(|(_, source)| source) {
        Some(SecretSource::Env(variable)) => {
            format!("export {variable}=$(openssl rand -hex 32), or write `listen = \"127.0.0.1\"`")
        }
        Some(SecretSource::File(_) | SecretSource::Command(_)) | None => {
            "see `api_key` in [secrets], or write `listen = \"127.0.0.1\"`".to_owned()
        }
    };
    Err(Finding::on(Severity::Error, Code::MissingSecret, site.name, message).help(help))
}

/// llama.cpp loads one file; a whole repository or a directory leaves open which.
fn single_file(model: &Model) -> Result<(), Refusal> {
    if model.engine.kind != EngineKind::LlamaCpp || model.model.is_gguf() {
        return Ok(());
    }
    let message = format!("llama.cpp loads one .gguf file, `{}` is none", model.model);
    let help = match &model.model {
        ModelRef::Hub { repo, .. } => format!("name the file: model = \"{repo}:FILE.gguf\""),
        ModelRef::Path(_) => "name the .gguf file itself".to_owned(),
    };
    Err((Code::NotAGguf, message, help))
}

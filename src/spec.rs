//! What pi leaves on a pod, so that anybody can tell what was asked for: a server's spec, an engine's recipe.
//!
//! Both are written by `apply`, read back by `observe` and compared by `plan`, field by field.

use crate::manifest::{DEFAULT_DRAIN, EngineKind, Restart};
use crate::model_ref::ModelRef;
use crate::name::{EngineId, EnvName, ModelName, Port, Project, ProjectId};
use crate::units::{LogLimit, Percent, Seconds, Tokens};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Everything that makes a server what it is: two servers with equal specs are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// The model's name, which is the server's and what clients ask for.
    pub name: ModelName,
    /// Whose it is.
    pub project: Project,
    /// How it behaves.
    pub kind: EngineKind,
    /// The environment it runs in; absent when a program of the pod itself is run.
    pub engine: Option<EngineId>,
    /// The digest of the recipe that the environment was made from; absent where nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// Its weights, as the manifest names them.
    pub model: ModelRef,
    /// The commit of the weights, once known.
    pub commit: Option<String>,
    /// Tokens of context; the engine's own choice if absent.
    pub context: Option<Tokens>,
    /// Whether that context is what fits, chosen by pi: then it is kept while nobody can tell anew what does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fitted: bool,
    /// Share of each GPU's memory; the engine's own choice if absent.
    pub memory: Option<Percent>,
    /// GPUs by `nvidia-smi` index; empty for CPU.
    pub gpus: Vec<u32>,
    /// The address it listens on.
    pub listen: IpAddr,
    /// The port it listens on.
    pub port: Port,
    /// Whether requests need the API key.
    pub key: KeyUse,
    /// Appended to the command line.
    pub args: Vec<String>,
    /// The command line itself, for `engine = "command"`.
    pub command: Vec<String>,
    /// For this server and its children.
    pub env: BTreeMap<EnvName, String>,
    /// Whether the pod itself starts it again when it ends by itself.
    #[serde(default, skip_serializing_if = "Restart::is_no")]
    pub restart: Restart,
    /// How much its log may take, if the manifest says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_limit: Option<LogLimit>,
    /// How long it may take to finish the requests that it is answering when it is stopped.
    #[serde(default = "default_drain", skip_serializing_if = "is_default_drain")]
    pub drain: Seconds,
    /// Whether it was told so when it was started: earlier versions of vLLM can't be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub can_drain: bool,
}

/// A start of a server, and what became of it: `servers/NAME/runs/ID` on the pod. They are counted from 1; 0 is what an
/// earlier pi started, which had no runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u32);

impl RunId {
    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Whether an earlier pi started it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) const fn is_unnumbered(&self) -> bool {
        self.0 == 0
    }
}

fn default_drain() -> Seconds {
    DEFAULT_DRAIN
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_default_drain(drain: &Seconds) -> bool {
    *drain == DEFAULT_DRAIN
}

/// Whose a server is: a record beside the spec, so that it can change while the server runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The project, unmistakably.
    pub id: ProjectId,
    /// What it is called.
    pub project: Project,
    /// Who made it that project's: `ann@laptop`
    pub who: String,
    /// When, by the pod's clock, seconds since 1970.
    pub since: u64,
}

/// Whether a server asks its clients for the API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUse {
    /// Anyone who reaches the port may ask.
    Open,
    /// Only with the key.
    Required,
}

/// What an engine's environment is made of: equal recipes make equal environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineRecipe {
    /// The environment's name and directory: `vllm-0.32.0`.
    pub id: EngineId,
    /// How it behaves.
    pub kind: EngineKind,
    /// Python's version: `3.12`.
    pub python: String,
    /// Other versions that do where one of them is there already, as uv takes them: `<3.15,>=3.11`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pythons: String,
    /// Requirements, as uv takes them.
    pub packages: Vec<String>,
    /// Overrides of what the packages ask for.
    pub overrides: Vec<String>,
    /// Package indexes, before PyPI.
    pub index: Vec<String>,
    /// Directories or pages with wheels.
    pub find_links: Vec<String>,
    /// uv's `--torch-backend`, where the wheel needs one.
    pub torch_backend: Option<String>,
}

impl EngineRecipe {
    /// Twelve hex digits that differ when anything in the recipe does, but for the Pythons that do as well.
    #[must_use]
    pub fn digest(&self) -> String {
        let plain = Self { pythons: String::new(), ..self.clone() };
        short_digest(&serde_json::to_string(&plain).unwrap_or_default())
    }
}

impl ServerSpec {
    /// Where the pod itself reaches the server: the address it listens on, loopback where that is every address.
    #[must_use]
    pub fn ask_at(&self) -> IpAddr {
        match self.listen {
            IpAddr::V4(address) if address.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(address) if address.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
        }
    }

    /// Twelve hex digits that differ when anything does that makes another server of it: how long its log may get does not,
    /// nor what its engine can do.
    #[must_use]
    pub fn digest(&self) -> String {
        let asked = Self { can_drain: false, log_limit: None, ..self.clone() };
        short_digest(&serde_json::to_string(&asked).unwrap_or_default())
    }
}

/// The first 12 hex digits of the text's SHA-256.
#[must_use]
pub fn short_digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..6])
}

/// The text's SHA-256 in hex, as `sha256sum` prints it.
#[must_use]
pub fn full_digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

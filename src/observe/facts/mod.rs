//! What one probe saw. Everything is a value, also what is broken or could not be looked at.

mod gpus;
mod home;
mod part;
mod provider;
mod weights;

pub use gpus::{Gpu, GpuProcess, GpuSight};
pub use home::{
    EngineSeen, FailedStart, Life, LockSeen, NO_SPEC, OwnerSeen, Past, Restarts, SecretSeen, ServerSeen,
    Whose,
};
pub use part::Part;
pub use provider::{PROVIDERS, mapped_ports};
pub use weights::{CachedRepo, PathSeen, Snapshot, Whole};

use crate::name::{EngineId, EnvName, ModelName, PodName, Port, SecretName};
use crate::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is there, pod by pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// One entry for every pod that was asked.
    pub pods: BTreeMap<PodName, ProbeResult>,
}

/// Whether a pod answered.
#[derive(Debug, Clone, PartialEq)]
pub enum ProbeResult {
    /// It did.
    Seen(Box<PodFacts>),
    /// It did not.
    Unreachable(Unreachable),
}

/// Why nothing is known of a pod, and what to do about it: it did not answer, or did not tell what runs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// One of `refused`, `timed-out`, `no-login`, `host-key-changed`, `no-host`, `no-bash`, `lost`, `no-ssh`;
    /// `not-looked-at` where it answered.
    pub code: &'static str,
    /// What happened, in one sentence.
    pub why: String,
    /// What the user can do, if we know.
    pub help: Option<String>,
}

/// The code of a pod that answered and did not tell what runs there.
pub(in crate::observe) const NOT_LOOKED_AT: &str = "not-looked-at";

impl Unreachable {
    /// Whether it is there, and only did not tell what runs there.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.code == NOT_LOOKED_AT
    }
}

/// One pod, as it is: one of which it is known what pi has started there. Else it is [`ProbeResult::Unreachable`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodFacts {
    /// The machine itself.
    pub host: Host,
    /// `pi_path`, made absolute.
    pub pi_path: String,
    /// Device and inode of `pi_path`, or of the nearest directory above that is there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pi_inode: String,
    /// `models_path`, made absolute.
    pub models_path: String,
    /// The disks behind the paths that matter.
    pub disks: Part<Vec<Disk>>,
    /// What mount targets were asked about → what is mounted there.
    pub mounts: Part<BTreeMap<String, MountSeen>>,
    /// The GPUs, or why there are none.
    pub gpus: GpuSight,
    /// Processes that hold GPU memory.
    pub gpu_processes: Part<Vec<GpuProcess>>,
    /// Who listens on which TCP port.
    pub listeners: Part<Vec<Listener>>,
    /// Servers that pi started here, also dead ones.
    pub servers: BTreeMap<ModelName, ServerSeen>,
    /// Engine environments under `pi_path`.
    pub engines: BTreeMap<EngineId, EngineSeen>,
    /// Bytes a second that the last download of weights brought, if it took long enough to tell.
    pub download_rate: Option<u64>,
    /// Programs that plans ask about (`llama-server`, `uv`, `gcc`, `apt-get` …) → where they are on the pod.
    pub programs: Part<BTreeMap<String, String>>,
    /// Repositories that were asked about and are in the HF cache, by name.
    pub cache: Part<Vec<CachedRepo>>,
    /// Model paths that were asked about → what is there; absent ones are not in it.
    pub model_paths: Part<BTreeMap<String, PathSeen>>,
    /// Secrets in the pod's file.
    pub secrets: Part<BTreeMap<SecretName, SecretSeen>>,
    /// What else pi put into its directory, by name: `env`, `tools`, `cache`.
    pub rest: Vec<String>,
    /// Who applies now.
    pub lock: Option<LockSeen>,
    /// Provider variables found on PID 1 (`RUNPOD_*`, `VAST_*`, `PUBLIC_IPADDR`) and `HF_HOME`.
    pub provider: Part<BTreeMap<EnvName, String>>,
    /// What could not be looked at: the section and the reason.
    pub gaps: Vec<ProbeFailure>,
}

/// The machine itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// `Ubuntu 22.04.5 LTS`
    pub os: String,
    /// `6.8.0-60-generic`
    pub kernel: String,
    /// `x86_64`
    pub arch: String,
    /// Its own name.
    pub hostname: String,
    /// Differs after every boot.
    pub boot_id: String,
    /// `/etc/machine-id`, where there is one; containers may have that of their image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub machine_id: String,
    /// Its clock, seconds since 1970.
    pub clock: u64,
    /// Seconds since it booted.
    pub uptime: u64,
    /// Logical CPUs that may be used.
    pub cpus: u32,
    /// All its memory.
    pub memory: Bytes,
    /// Memory that new processes can have.
    pub memory_available: Bytes,
    /// The user who logs in.
    pub user: String,
    /// That user's home.
    pub home: String,
    /// How pi becomes root there.
    pub root: RootBy,
    /// What PID 1 is: `systemd`, `tini`, `bash` …
    pub init: String,
    /// The C library: `glibc 2.36`, `musl`; empty when unknown.
    pub libc: String,
}

/// How pi becomes root on a pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RootBy {
    /// It is root already.
    Login,
    /// `sudo -n` works.
    Sudo,
    /// It can't.
    #[default]
    No,
}

/// A disk behind a path that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The path that was asked about.
    pub path: String,
    /// Where its file system is mounted.
    pub mounted_on: String,
    /// `ext4`, `overlay`, `fuse`, `nfs4` …
    pub kind: String,
    /// All of it.
    pub size: Bytes,
    /// What a user may still write.
    pub free: Bytes,
}

/// What is mounted on a mount target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountSeen {
    /// Nothing: a plain directory, or none.
    Nothing,
    /// This source, with this file system kind.
    Mounted {
        /// `nfs.example:/share`
        source: String,
        /// `nfs4`
        kind: String,
    },
}

/// Who listens on a TCP port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The port.
    pub port: Port,
    /// `0.0.0.0`, `127.0.0.1`, `::`
    pub address: String,
    /// The process, if it can be seen.
    pub pid: Option<u32>,
    /// Its session.
    pub session: Option<u32>,
    /// Its command line, shortened.
    pub command: String,
}

/// A part of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// The host itself.
    Host,
    /// What is mounted.
    Mounts,
    /// Which programs are there.
    Programs,
    /// Who listens, and what the provider tells.
    Processes,
    /// A listening socket.
    Listeners,
    /// The cache, and paths of models.
    Weights,
    /// What pi has put there.
    Home,
    /// One server.
    Servers,
    /// One engine.
    Engines,
    /// The lock.
    Lock,
    /// The secrets.
    Secrets,
    /// How much room is on disks.
    Disks,
    /// The GPUs.
    Gpus,
    /// Who holds their memory.
    GpuProcesses,
    /// All of it, or a part that this pi does not know.
    #[serde(other)]
    Probe,
}

impl Section {
    const ALL: [Self; 15] = [
        Self::Host,
        Self::Mounts,
        Self::Programs,
        Self::Processes,
        Self::Listeners,
        Self::Weights,
        Self::Home,
        Self::Servers,
        Self::Engines,
        Self::Lock,
        Self::Secrets,
        Self::Disks,
        Self::Gpus,
        Self::GpuProcesses,
        Self::Probe,
    ];

    /// As the probe names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Mounts => "mounts",
            Self::Programs => "programs",
            Self::Processes => "processes",
            Self::Listeners => "listeners",
            Self::Weights => "weights",
            Self::Home => "home",
            Self::Servers => "servers",
            Self::Engines => "engines",
            Self::Lock => "lock",
            Self::Secrets => "secrets",
            Self::Disks => "disks",
            Self::Gpus => "gpus",
            Self::GpuProcesses => "gpu-processes",
            Self::Probe => "the probe",
        }
    }

    /// The part of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|section| section.as_str() == name).unwrap_or(Self::Probe)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFailure {
    /// Which part of the probe.
    pub section: Section,
    /// Why.
    pub why: String,
}

//! What one probe saw. Everything is a value, also what is broken or could not be looked at.

use crate::name::{EngineId, EnvName, HfRepo, ModelName, PodName, Port, SecretName};
use crate::spec::ServerSpec;
use crate::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is there, pod by pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// One entry for every pod that was asked.
    pub pods: BTreeMap<PodName, Sighting>,
}

/// Whether a pod answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Sighting {
    /// It did.
    Seen(Box<PodFacts>),
    /// It did not.
    Unreachable(Unreachable),
}

/// Why a pod did not answer, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// One of `refused`, `timed-out`, `no-login`, `host-key-changed`, `no-host`, `no-bash`, `lost`, `no-ssh`.
    pub code: &'static str,
    /// What happened, in one sentence.
    pub why: String,
    /// What the user can do, if we know.
    pub help: Option<String>,
}

/// One pod, as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodFacts {
    /// The machine itself.
    pub host: Host,
    /// `pi_path`, made absolute.
    pub pi_path: String,
    /// `models_path`, made absolute.
    pub models_path: String,
    /// The disks behind the paths that matter.
    pub disks: Vec<Disk>,
    /// What mount targets were asked about → what is mounted there.
    pub mounts: BTreeMap<String, MountSeen>,
    /// The GPUs, or why there are none.
    pub gpus: GpuSight,
    /// Processes that hold GPU memory.
    pub gpu_processes: Vec<GpuProcess>,
    /// Who listens on which TCP port.
    pub listeners: Vec<Listener>,
    /// Servers that pi started here, also dead ones.
    pub servers: BTreeMap<ModelName, ServerSeen>,
    /// Engine environments under `pi_path`.
    pub engines: BTreeMap<EngineId, EngineSeen>,
    /// Programs that plans ask about (`llama-server`, `uv`, `gcc`, `python3`) → where they are on the pod.
    pub programs: BTreeMap<String, String>,
    /// Repositories that were asked about and are in the HF cache, by name.
    pub cache: Vec<CachedRepo>,
    /// Model paths that were asked about → what is there; absent ones are not in it.
    pub model_paths: BTreeMap<String, PathSeen>,
    /// Secrets in the pod's file.
    pub secrets: BTreeMap<SecretName, SecretSeen>,
    /// Who applies now.
    pub lock: Option<LockSeen>,
    /// Provider variables found on PID 1 (`RUNPOD_*`, `VAST_*`, `PUBLIC_IPADDR`) and `HF_HOME`.
    pub provider: BTreeMap<EnvName, String>,
    /// What could not be looked at: the section and the reason.
    pub gaps: Vec<Gap>,
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

/// The GPUs of a pod, or why none can be seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum GpuSight {
    /// There is no `nvidia-smi`: a machine without NVIDIA GPUs.
    #[default]
    None,
    /// `nvidia-smi` is there and fails.
    Broken {
        /// Its exit code.
        exit: i32,
        /// What it said, one line.
        message: String,
    },
    /// It answers.
    Found {
        /// `580.95.05`
        driver: String,
        /// In `nvidia-smi` order.
        gpus: Vec<Gpu>,
    },
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    /// Its `nvidia-smi` index.
    pub index: u32,
    /// `GPU-…`
    pub uuid: String,
    /// `NVIDIA H100 80GB HBM3`
    pub name: String,
    /// All its memory, MiB.
    pub memory_mib: u64,
    /// Memory in use, MiB.
    pub used_mib: u64,
    /// `9.0`; empty if the driver does not tell.
    pub compute: String,
    /// Whether it is split into MIG devices.
    pub mig: bool,
    /// Uncorrected ECC errors since the driver was loaded; absent where ECC is off.
    pub ecc_errors: Option<u64>,
    /// What is wrong with it: `GPU is lost`, `Unknown Error`.
    pub fault: Option<String>,
}

/// A process that holds GPU memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuProcess {
    /// The GPU's UUID.
    pub gpu_uuid: String,
    /// As `nvidia-smi` tells it: in containers the host's, so it may mean nothing here.
    pub pid: u32,
    /// Its command.
    pub command: String,
    /// MiB it holds; absent where the driver does not tell.
    pub used_mib: Option<u64>,
    /// Its parent, 0 where `/proc` does not know the process.
    pub parent: u32,
    /// Its session, by which a server's processes are known; 0 where `/proc` does not know the process.
    pub session: u32,
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

/// A server that pi started here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerSeen {
    /// What was asked for, or why its record can't be read.
    pub spec: Result<ServerSpec, String>,
    /// Whether it lives.
    pub life: Life,
    /// Whether it ever answered with a token since its start.
    pub answered: bool,
    /// Whether the secrets it was started with are those of this machine.
    pub secrets: BTreeMap<SecretName, SecretSeen>,
}

/// Whether a server lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life {
    /// Its session's leader runs.
    Running {
        /// The leader, which is also the session's and the group's id.
        pid: u32,
        /// Seconds it has been running.
        seconds: u64,
        /// What `GET /health` on its port said: 200, 503 …; absent when nothing answered.
        health: Option<u16>,
    },
    /// Its leader is gone; processes of its session may be left.
    Dead {
        /// What is left of its session.
        left: Vec<u32>,
    },
    /// It was stopped by pi, or never started.
    Stopped,
}

/// An engine's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSeen {
    /// The digest of the recipe it was made from; absent when the installation did not finish.
    pub digest: Option<String>,
}

/// A repository in the HF cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRepo {
    /// Which.
    pub repo: HfRepo,
    /// Branches and tags → commits.
    pub refs: BTreeMap<String, String>,
    /// Commits that have a snapshot.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Bytes of all its blobs.
    pub bytes: Bytes,
    /// Half-downloaded blobs (`*.incomplete`), in bytes.
    pub incomplete: Bytes,
}

/// One commit of a cached repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How many files of it are there.
    pub files: u32,
    /// Whether all are: by the list the hub gave (`trees/`), if there is one.
    pub whole: Whole,
    /// The files that are there → their sizes: for models that are one file of a repository.
    #[serde(default)]
    pub sizes: BTreeMap<String, Bytes>,
    /// Files of the hub's list that are missing or have another size, sorted.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// Whether a snapshot is all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whole {
    /// Every file of the list.
    Yes,
    /// Some are missing or half there.
    No,
    /// There is no list to compare with.
    Unknown,
}

/// What is at a model's path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSeen {
    /// A directory, or a file.
    pub directory: bool,
    /// Its bytes; of a directory, those of the files right in it.
    pub bytes: Bytes,
}

/// A secret on the pod, compared with this machine's without either being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSeen {
    /// The same value.
    Same,
    /// Another value.
    Differs,
    /// It is there, and this machine has none to compare it with.
    There,
}

/// Who applies now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSeen {
    /// `ann@laptop`
    pub who: String,
    /// Which project.
    pub project: String,
    /// Seconds since 1970, by the pod's clock.
    pub since: u64,
    /// Seconds since its last heartbeat.
    pub idle: u64,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which part of the probe.
    pub section: String,
    /// Why.
    pub why: String,
}

//! GPUs and who holds their memory.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Its neighbors by `NVLink`, by index, and how many links lead there; empty where the driver does not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<u32, u32>,
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

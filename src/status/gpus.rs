//! How full a pod's GPUs are, and who fills them.

use crate::observe::{Gpu, GpuSight, Life, PodFacts, ServerSeen};
use std::collections::BTreeSet;

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuStatus {
    /// Its `nvidia-smi` index.
    pub index: u32,
    /// `NVIDIA H100 80GB HBM3`
    pub name: String,
    /// All its memory, MiB.
    pub memory_mib: u64,
    /// Memory in use, MiB.
    pub used_mib: u64,
    /// What is wrong with it.
    pub fault: Option<String>,
    /// Processes that hold its memory and are no server's.
    pub strangers: Vec<Stranger>,
}

/// A process that is no server's, and holds GPU memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Its PID, on the pod where `/proc` knows it.
    pub pid: u32,
    /// Its command, without its path.
    pub command: String,
    /// MiB; absent where the driver does not tell.
    pub used_mib: Option<u64>,
}

/// The GPUs of a pod; none where none can be seen.
#[must_use]
pub fn gpus(facts: &PodFacts) -> Vec<GpuStatus> {
    let GpuSight::Found { gpus, .. } = &facts.gpus else { return Vec::new() };
    let ours = sessions(facts);
    gpus.iter().map(|gpu| status(facts, gpu, &ours)).collect()
}

fn status(facts: &PodFacts, gpu: &Gpu, ours: &BTreeSet<u32>) -> GpuStatus {
    let strangers = facts.gpu_processes.seen().into_iter().flatten().filter(|process| {
        // a session that can't be seen says nothing: in containers nvidia-smi tells the host's PIDs
        process.gpu_uuid == gpu.uuid && process.session != 0 && !ours.contains(&process.session)
    });
    GpuStatus {
        index: gpu.index,
        name: gpu.name.clone(),
        memory_mib: gpu.memory_mib,
        used_mib: gpu.used_mib,
        fault: gpu.fault.clone(),
        strangers: strangers
            .map(|process| Stranger {
                pid: process.pid,
                command: process.command.rsplit('/').next().unwrap_or_default().to_owned(),
                used_mib: process.used_mib,
            })
            .collect(),
    }
}

/// The sessions of all servers, and of what is left of them.
fn sessions(facts: &PodFacts) -> BTreeSet<u32> {
    let mut sessions = BTreeSet::new();
    for server in facts.servers.values().flat_map(ServerSeen::both) {
        match &server.life {
            Life::Running { pid, .. } => drop(sessions.insert(*pid)),
            Life::Dead { left } => {
                let all = facts.gpu_processes.seen().into_iter().flatten();
                let of = all.filter(|process| left.contains(&process.pid));
                sessions.extend(of.map(|process| process.session));
            }
            Life::Stopped => {}
        }
    }
    sessions
}

//! What a plan shows of the pods it was made for.

use crate::manifest::Pod;
use crate::observe::{GpuSight, PodFacts};
use crate::units::Bytes;

/// A pod in a plan's header.
#[derive(Debug, Clone, PartialEq)]
pub struct PodView {
    /// Whether it answered.
    pub reachable: bool,
    /// `root@1.2.3.4:2222`
    pub address: String,
    /// As seen; none for a pod that did not answer.
    pub gpus: Vec<GpuView>,
    /// The NVIDIA driver, if one answered.
    pub driver: Option<String>,
    /// What nvidia-smi says where it fails.
    pub gpu_fault: Option<String>,
    /// Logical CPUs, 0 for a pod that did not answer.
    pub cpus: u32,
    /// What the disk for weights has left, if the probe could tell.
    pub free: Option<Bytes>,
}

/// One GPU in a plan's header.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct GpuView {
    /// `NVIDIA H100 80GB HBM3`
    pub name: String,
    /// MiB.
    pub memory_mib: u64,
}

impl PodView {
    /// A pod as it was seen, or not.
    #[must_use]
    pub fn new(pod: &Pod, facts: Option<&PodFacts>) -> Self {
        let (driver, gpus) = match facts.map(|f| &f.gpus) {
            Some(GpuSight::Found { driver, gpus }) => (
                Some(driver.clone()),
                gpus.iter().map(|g| GpuView { name: g.name.clone(), memory_mib: g.memory_mib }).collect(),
            ),
            Some(GpuSight::None | GpuSight::Broken { .. }) | None => (None, Vec::new()),
        };
        let gpu_fault = match facts.map(|f| &f.gpus) {
            Some(GpuSight::Broken { message, .. }) => Some(message.clone()),
            Some(GpuSight::None | GpuSight::Found { .. }) | None => None,
        };
        Self {
            reachable: facts.is_some(),
            address: pod.ssh.to_string(),
            gpus,
            driver,
            gpu_fault,
            cpus: facts.map_or(0, |f| f.host.cpus),
            free: facts
                .and_then(|f| f.disks.seen()?.iter().find(|disk| disk.path == f.models_path))
                .map(|disk| disk.free),
        }
    }
}

/// `8× H100 80GB HBM3`, `2× A100 + 1× L40S`, `no GPU`; one that does not answer has no name: `1× unknown`.
#[must_use]
pub fn gpus_in_words<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for name in names {
        let name = if name.is_empty() { "unknown" } else { name };
        let name = name.strip_prefix("NVIDIA ").unwrap_or(name);
        match kinds.iter_mut().find(|(kind, _)| *kind == name) {
            Some((_, count)) => *count += 1,
            None => kinds.push((name, 1)),
        }
    }
    if kinds.is_empty() {
        return "no GPU".to_owned();
    }
    kinds.iter().map(|(kind, count)| format!("{count}× {kind}")).collect::<Vec<_>>().join(" + ")
}

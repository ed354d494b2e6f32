//! The GPUs of a pod: which can be used, and of what kind they are.

use crate::catalog::Gpu;
use crate::catalog::gpus::{self};
use crate::observe::{self, GpuSight, PodFacts};
use std::borrow::Cow;

/// Whether the pod has any.
pub(in crate::plan) fn has_gpus(facts: &PodFacts) -> bool {
    matches!(&facts.gpus, GpuSight::Found { gpus, .. } if !gpus.is_empty())
}

/// Those that servers can be put on.
pub(in crate::plan) fn usable(facts: &PodFacts) -> Vec<&observe::Gpu> {
    match &facts.gpus {
        GpuSight::Found { gpus, .. } => gpus.iter().filter(|gpu| unusable(gpu).is_none()).collect(),
        GpuSight::None | GpuSight::Broken { .. } => Vec::new(),
    }
}

/// What a server on these GPUs has to do with: where they differ, the smallest counts.
pub(in crate::plan) fn gpu_at(place: &[u32], facts: &PodFacts) -> Option<Cow<'static, Gpu>> {
    let GpuSight::Found { gpus, .. } = &facts.gpus else { return None };
    let own = place.iter().map(|id| gpus.iter().find(|gpu| gpu.index == *id)).collect::<Option<Vec<_>>>()?;
    own.into_iter().min_by_key(|gpu| gpu.memory_mib).map(kind)
}

/// The kind that the pod has most of, the larger one of two, and how many.
pub(in crate::plan) fn main_kind(gpus: &[&observe::Gpu]) -> Option<(Cow<'static, Gpu>, usize)> {
    let alike = |one: &observe::Gpu| {
        gpus.iter().filter(|gpu| (&gpu.name, gpu.memory_mib) == (&one.name, one.memory_mib)).count()
    };
    let most = gpus.iter().rev().max_by_key(|gpu| (alike(gpu), gpu.memory_mib))?;
    Some((kind(most), alike(most)))
}

fn kind(gpu: &observe::Gpu) -> Cow<'static, Gpu> {
    gpus::printed(&gpu.name, gpu.memory_mib, &gpu.compute)
}

/// Why nothing can be placed on this GPU, if so: it `does not answer`.
pub(in crate::plan) fn unusable(gpu: &observe::Gpu) -> Option<String> {
    match &gpu.fault {
        Some(fault) => Some(format!("does not answer: {fault}")),
        None => gpu.mig.then(|| "is split into MIG devices".to_owned()),
    }
}

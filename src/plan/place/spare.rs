//! A second place for a server that keeps its first one for a while.

use super::best::best;
use super::gpu_budget::{GpuBudget, share};
use super::ports::{FIRST, held, mapped};
use crate::name::Port;
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::PodContext;
use crate::spec::ServerSpec;
use std::collections::{BTreeMap, BTreeSet};

/// GPUs of the same kind as these that nobody is on once all have gone that do not stay, and these servers are there.
pub(in crate::plan) fn spare_gpus(
    site: &PodContext<'_>,
    pinned: &Pinned<'_>,
    taken: &[&ServerSpec],
    like: &[u32],
) -> Option<Vec<u32>> {
    let mut room = GpuBudget::of(site, pinned, BTreeMap::new());
    for spec in taken {
        for gpu in &spec.gpus {
            room.take(&spec.name, *gpu, share(spec.memory, spec.kind));
        }
    }
    let kind = room.by_kind().iter().find(|kind| like.iter().all(|gpu| kind.contains(gpu)))?;
    let free: Vec<u32> = kind.iter().copied().filter(|gpu| room.is_empty(*gpu, 0)).collect();
    best(&room, &free, like.len(), 0)
}

/// A free port that clients reach if they reach the one that it has now.
pub(in crate::plan) fn spare_port(
    site: &PodContext<'_>,
    pinned: &Pinned<'_>,
    mut taken: BTreeSet<Port>,
    now: &ServerSpec,
) -> Option<Port> {
    taken.extend(held(site, pinned).into_keys());
    taken.extend(site.models.iter().filter_map(|(_, model)| model.port));
    let is_free = |port: &Port| !taken.contains(port);
    let mapped = mapped(site);
    if mapped.contains(&now.port) {
        return mapped.into_iter().find(is_free);
    }
    (FIRST..=u16::MAX).filter_map(Port::new).find(|port| is_free(port) && !mapped.contains(port))
}

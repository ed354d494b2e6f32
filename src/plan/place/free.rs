//! Which of a pod's GPUs nobody has.

use crate::catalog::gpus;
use crate::name::ModelName;
use crate::observe::{Gpu, GpuSight, Life, PodFacts, ServerSeen};
use crate::plan::place::is_idle;
use crate::plan::usage::gpus::unusable;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The usable GPUs of one kind on a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct OfKind<'a> {
    /// As the driver calls it: `NVIDIA H100 80GB HBM3`.
    pub name: &'a str,
    /// The kind.
    pub gpu: Cow<'static, gpus::Gpu>,
    /// How many there are.
    pub all: u32,
    /// How many no server has, and no other process.
    pub free: u32,
    /// The servers that have the others.
    pub servers: BTreeSet<&'a ModelName>,
}

impl OfKind<'_> {
    /// The name without its maker: `H100 80GB HBM3`.
    #[must_use]
    pub fn short(&self) -> &str {
        self.name.strip_prefix("NVIDIA ").unwrap_or(self.name)
    }
}

/// The pod's usable GPUs by kind; none where the driver shows none.
#[must_use]
pub fn free_gpus(facts: &PodFacts) -> Vec<OfKind<'_>> {
    let GpuSight::Found { gpus, .. } = &facts.gpus else { return Vec::new() };
    let mut kinds: BTreeMap<(&str, u64), Vec<&Gpu>> = BTreeMap::new();
    for gpu in gpus.iter().filter(|gpu| unusable(gpu).is_none()) {
        kinds.entry((&gpu.name, gpu.memory_mib)).or_default().push(gpu);
    }
    kinds.into_iter().map(|((name, mib), all)| of_kind(facts, name, mib, &all)).collect()
}

fn of_kind<'a>(facts: &'a PodFacts, name: &'a str, mib: u64, all: &[&Gpu]) -> OfKind<'a> {
    let count = |gpus: usize| u32::try_from(gpus).unwrap_or(u32::MAX);
    let compute = all.first().map(|gpu| gpu.compute.as_str()).unwrap_or_default();
    let free = all.iter().filter(|gpu| is_idle(gpu) && holders(facts, gpu).next().is_none()).count();
    OfKind {
        name,
        gpu: gpus::printed(name, mib, compute),
        all: count(all.len()),
        free: count(free),
        servers: all.iter().flat_map(|gpu| holders(facts, gpu)).collect(),
    }
}

/// The servers that run on a GPU.
fn holders<'a>(facts: &'a PodFacts, gpu: &Gpu) -> impl Iterator<Item = &'a ModelName> {
    let is_on = |seen: &ServerSeen| {
        matches!(seen.life, Life::Running { .. })
            && seen.spec.as_ref().is_ok_and(|spec| spec.gpus.contains(&gpu.index))
    };
    facts.servers.iter().filter(move |(_, seen)| seen.both().any(is_on)).map(|(name, _)| name)
}

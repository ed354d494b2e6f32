//! How much of each GPU is spoken for: by pi's servers, by what they are expected to take, and by strangers.

use crate::manifest::EngineKind;
use crate::name::ModelName;
use crate::observe::{Gpu, GpuProcess, GpuSight, Life, PodFacts, ServerSeen};
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::{PodContext, is_live};
use crate::plan::usage::gpus::unusable;
use crate::units::Percent;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A whole GPU, in hundredths of a percent.
const WHOLE: u32 = 10_000;
/// What vLLM takes of each GPU unless told otherwise (`--gpu-memory-utilization`, 0.92 since 0.20).
const VLLM_SHARE: u32 = 9_200;
/// Less than this is what a driver holds for itself, not a process: 2 %.
const IDLE: u32 = 200;

/// What a server takes of each of its GPUs, in hundredths of a percent.
pub(in crate::plan) fn share(memory: Option<Percent>, kind: EngineKind) -> u32 {
    match (memory, kind) {
        (Some(memory), _) => memory.hundredths(),
        (None, EngineKind::Vllm) => VLLM_SHARE,
        (None, EngineKind::LlamaCpp | EngineKind::Command) => WHOLE,
    }
}

/// Whether a GPU's memory is as free as its driver leaves it.
pub(in crate::plan) fn is_idle(gpu: &Gpu) -> bool {
    gpu.used_mib.saturating_mul(u64::from(WHOLE)) < gpu.memory_mib.max(1) * u64::from(IDLE)
}

/// MiB of a GPU that a live server holds: as the driver tells, or, where it can't tell whose they are, as expected.
pub(in crate::plan) fn holds_mib(facts: &PodFacts, seen: &ServerSeen, gpu: &Gpu) -> u64 {
    let own: Vec<&GpuProcess> =
        processes(facts).filter(|p| p.gpu_uuid == gpu.uuid && is_of(&seen.life, p)).collect();
    let told: Option<u64> = own.iter().map(|process| process.used_mib).sum();
    let spec = seen.spec.as_ref().ok().filter(|spec| spec.gpus.contains(&gpu.index));
    match (told, spec) {
        (Some(told), _) if !own.is_empty() => told,
        (_, Some(spec)) => gpu.memory_mib * u64::from(share(spec.memory, spec.kind)) / u64::from(WHOLE),
        (_, None) => 0,
    }
}

/// Who holds GPU memory, as far as it is known: where it is not, what is in use counts, and nothing is started.
fn processes(facts: &PodFacts) -> impl Iterator<Item = &GpuProcess> {
    facts.gpu_processes.seen().into_iter().flatten()
}

/// Whether a process is of this server. One that `/proc` does not know has a PID of another world.
fn is_of(life: &Life, process: &GpuProcess) -> bool {
    process.session != 0
        && match life {
            Life::Running { pid, .. } => *pid == process.session,
            Life::Dead { left } => left.contains(&process.pid),
            Life::Stopped => false,
        }
}

/// The GPUs of a pod and who is on them.
pub(super) struct GpuBudget<'a> {
    gpus: BTreeMap<u32, OneGpu<'a>>,
    by_kind: Vec<Vec<u32>>,
    /// Whether a driver told of any `NVLink` here.
    has_links: bool,
    /// Who is placed in which turn; servers that are not asked about have none.
    turns: BTreeMap<&'a ModelName, usize>,
}

struct OneGpu<'a> {
    unusable: Option<String>,
    /// What is held by no server of pi's.
    foreign: u32,
    strangers: Vec<String>,
    servers: Vec<(&'a ModelName, u32)>,
    links: &'a BTreeMap<u32, u32>,
}

/// Whose memory counts when room is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Everybody's.
    All,
    /// That of pi's servers: for one that runs already, beside whatever strangers there are.
    Servers,
}

impl<'a> GpuBudget<'a> {
    /// The room there is once all have gone that do not stay.
    pub(super) fn of(
        site: &PodContext<'a>,
        pinned: &Pinned<'a>,
        turns: BTreeMap<&'a ModelName, usize>,
    ) -> Self {
        let gpus: &'a [Gpu] = match &site.facts.gpus {
            GpuSight::Found { gpus, .. } => gpus,
            GpuSight::None | GpuSight::Broken { .. } => &[],
        };
        let has_links = gpus.iter().any(|gpu| !gpu.links.is_empty());
        let by_kind = by_kind(gpus);
        let gpus = gpus.iter().map(|gpu| (gpu.index, one(site, pinned, gpu))).collect();
        Self { gpus, by_kind, has_links, turns }
    }

    pub(super) fn count(&self) -> usize {
        self.gpus.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.gpus.keys().copied()
    }

    /// The GPUs, those that are alike together: the kind there is most of first, the larger one of two.
    pub(super) fn by_kind(&self) -> &[Vec<u32>] {
        &self.by_kind
    }

    /// Whether this GPU is there and has so much room.
    pub(super) fn has(&self, gpu: u32, share: u32, beside: Beside) -> bool {
        self.gpus.get(&gpu).is_some_and(|gpu| {
            let OneGpu { unusable, foreign, strangers: _, servers, links: _ } = gpu;
            let foreign = if beside == Beside::All { *foreign } else { 0 };
            let taken: u32 = servers.iter().map(|(_, share)| share).sum();
            unusable.is_none() && foreign + taken + share <= WHOLE
        })
    }

    pub(super) fn take(&mut self, server: &'a ModelName, gpu: u32, share: u32) {
        if let Some(gpu) = self.gpus.get_mut(&gpu) {
            gpu.servers.push((server, share));
        }
    }

    /// What strangers hold of a GPU.
    pub(super) fn foreign(&self, gpu: u32) -> u32 {
        self.gpus.get(&gpu).map_or(0, |gpu| gpu.foreign)
    }

    /// What servers take of a GPU that are not asked about or had their turn before this one.
    pub(super) fn load(&self, gpu: u32, turn: usize) -> u32 {
        let counts = |name: &ModelName| self.turns.get(name).is_none_or(|other| *other < turn);
        let servers = self.gpus.get(&gpu).into_iter().flat_map(|gpu| &gpu.servers);
        servers.filter(|(name, _)| counts(name)).map(|(_, share)| share).sum()
    }

    /// Whether a GPU can be used and nobody is on it who counts at this turn.
    pub(super) fn is_empty(&self, gpu: u32, turn: usize) -> bool {
        self.unusable(gpu).is_none() && self.foreign(gpu) == 0 && self.load(gpu, turn) == 0
    }

    /// The turn of a server that is asked about.
    pub(super) fn turn(&self, server: &ModelName) -> usize {
        self.turns.get(server).copied().unwrap_or(0)
    }

    /// How many links lead from one GPU to another.
    pub(super) fn links(&self, gpu: u32, other: u32) -> u32 {
        self.gpus.get(&gpu).and_then(|gpu| gpu.links.get(&other)).copied().unwrap_or(0)
    }

    /// Whether a driver told of any `NVLink` here.
    pub(super) fn has_links(&self) -> bool {
        self.has_links
    }

    /// Why a GPU can't be used at all, if so: it `does not answer`.
    pub(super) fn unusable(&self, gpu: u32) -> Option<&str> {
        self.gpus.get(&gpu)?.unusable.as_deref()
    }

    /// Who has how much of a GPU: `` `chat` has 92% ``
    pub(super) fn holders(&self, gpu: u32) -> String {
        let Some(gpu) = self.gpus.get(&gpu) else { return String::new() };
        let OneGpu { unusable: _, foreign, strangers, servers, links: _ } = gpu;
        let percent = |share: u32| format!("{}%", share.div_ceil(100));
        let mut parts: Vec<String> =
            servers.iter().map(|(name, share)| format!("`{name}` has {}", percent(*share))).collect();
        if *foreign > 0 {
            let who = if strangers.is_empty() { "others".to_owned() } else { strangers.join(", ") };
            let verb = if strangers.len() == 1 { "has" } else { "have" };
            parts.push(format!("{who} {verb} {}", percent(*foreign)));
        }
        parts.join(", ")
    }
}

/// The GPUs, those of one name and size together: the kind there is most of first, the larger one of two.
fn by_kind(gpus: &[Gpu]) -> Vec<Vec<u32>> {
    let mut kinds: Vec<((&str, u64), Vec<u32>)> = Vec::new();
    let sorted: BTreeMap<u32, &Gpu> = gpus.iter().map(|gpu| (gpu.index, gpu)).collect();
    for (index, Gpu { name, memory_mib, .. }) in sorted {
        match kinds.iter_mut().find(|(kind, _)| *kind == (name, *memory_mib)) {
            Some((_, ids)) => ids.push(index),
            None => kinds.push(((name, *memory_mib), vec![index])),
        }
    }
    kinds.sort_by_key(|((_, mib), ids)| Reverse((ids.len(), *mib)));
    kinds.into_iter().map(|(_, ids)| ids).collect()
}

fn one<'a>(site: &PodContext<'a>, pinned: &Pinned<'a>, gpu: &'a Gpu) -> OneGpu<'a> {
    let part = |mib: u64| {
        let part = mib.saturating_mul(u64::from(WHOLE)) / gpu.memory_mib.max(1);
        u32::try_from(part).unwrap_or(WHOLE).min(WHOLE)
    };
    let (mut ours, mut servers) = (0, Vec::new());
    // of two of one name that is starting and one that goes later: both are there for a while
    let all = site.facts.servers.iter().flat_map(|(name, seen)| {
        let beside = seen.beside.as_deref().map(|beside| (name, beside, true));
        std::iter::once((name, seen, pinned.contains(name))).chain(beside)
    });
    for (name, seen, pinned) in all.filter(|(_, seen, _)| is_live(seen)) {
        let mib = holds_mib(site.facts, seen, gpu);
        ours += mib;
        if pinned {
            let expected = match &seen.spec {
                Ok(spec) if spec.gpus.contains(&gpu.index) => share(spec.memory, spec.kind),
                Ok(_) | Err(_) => part(mib),
            };
            servers.extend((expected > 0).then_some((name, expected)));
        }
    }
    let strangers: Vec<&GpuProcess> = processes(site.facts)
        .filter(|process| process.gpu_uuid == gpu.uuid && process.session != 0)
        .filter(|process| {
            !site.facts.servers.values().flat_map(ServerSeen::both).any(|seen| is_of(&seen.life, process))
        })
        .collect();
    let seen: u64 = strangers.iter().filter_map(|process| process.used_mib).sum();
    OneGpu {
        unusable: unusable(gpu),
        foreign: Some(part(seen.max(gpu.used_mib.saturating_sub(ours))))
            .filter(|part| *part >= IDLE)
            .unwrap_or(0),
        strangers: strangers.iter().map(|p| format!("`{}` (PID {})", p.command, p.pid)).collect(),
        servers,
        links: &gpu.links,
    }
}

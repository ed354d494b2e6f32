//! GPUs: those the manifest names, else those it had, else the first that have room.

use crate::manifest::{EngineKind, GpuAsk, Model};
use crate::name::ModelName;
use crate::observe::{Gpu, GpuSight, Life};
use crate::plan::Site;
use crate::plan::finding::{Finding, Severity};
use std::collections::BTreeMap;

/// A whole GPU, in hundredths of a percent.
const WHOLE: u32 = 10_000;
/// What vLLM takes of each GPU unless told otherwise (`--gpu-memory-utilization`, 0.92 since 0.20).
const VLLM_SHARE: u32 = 9_200;
/// Less than this is what a driver holds for itself, not a process: 2 %.
const IDLE: u32 = 200;

/// How much of each GPU is spoken for, in hundredths of a percent.
type Load = BTreeMap<u32, u32>;

pub(super) fn gpus(
    site: &Site<'_>,
    running: &[(&ModelName, &Model)],
) -> BTreeMap<ModelName, Result<Vec<u32>, Finding>> {
    let all: &[Gpu] = match &site.facts.gpus {
        GpuSight::Found { gpus, .. } => gpus,
        GpuSight::None | GpuSight::Broken { .. } => &[],
    };
    let mut load: Load = all.iter().map(|gpu| (gpu.index, foreign_load(site, gpu))).collect();
    let mut places = BTreeMap::new();
    // those without a choice first, then those that had a place, then the rest
    for choose in [named, former, free] {
        for (name, model) in running {
            if places.contains_key(*name) {
                continue;
            }
            let Some(place) = choose(site, (name, model), &load) else { continue };
            for gpu in place.iter().flatten() {
                *load.entry(*gpu).or_default() += share(model);
            }
            places.insert((*name).clone(), place);
        }
    }
    places
}

type Place = Option<Result<Vec<u32>, Finding>>;

/// Placed by the manifest itself: on the CPU, or on GPUs it lists.
fn named(site: &Site<'_>, (name, model): (&ModelName, &Model), load: &Load) -> Place {
    match &model.gpus {
        GpuAsk::Cpu => Some(Ok(Vec::new())),
        GpuAsk::Any if load.is_empty() || model.engine.kind == EngineKind::Command => Some(Ok(Vec::new())),
        GpuAsk::Ids(ids) => Some(match ids.iter().find(|id| !load.contains_key(id)) {
            Some(missing) => Err(no_such_gpu(site, name, *missing, load)),
            None => Ok(ids.clone()),
        }),
        GpuAsk::Any | GpuAsk::Count(_) => None,
    }
}

/// Where its server is, or was, if that is still what is asked for.
fn former(site: &Site<'_>, (name, model): (&ModelName, &Model), load: &Load) -> Place {
    let spec = site.facts.servers.get(name)?.spec.as_ref().ok()?;
    let right = spec.gpus.len() == count(model) && spec.gpus.iter().all(|gpu| has_room(*gpu, model, load));
    right.then(|| Ok(spec.gpus.clone()))
}

/// The first GPUs with room.
fn free(site: &Site<'_>, (name, model): (&ModelName, &Model), load: &Load) -> Place {
    let wanted = count(model);
    let free: Vec<u32> =
        load.keys().copied().filter(|gpu| has_room(*gpu, model, load)).take(wanted).collect();
    if free.len() == wanted {
        return Some(Ok(free));
    }
    let message = match load.len() {
        0 => format!("it wants {}, the pod has none", gpus_in_words(wanted)),
        all => format!("it wants {}, {} of {all} free", gpus_in_words(wanted), are(free.len())),
    };
    let finding = Finding::on(Severity::Error, "no-free-gpu", site.name, message).of(name);
    Some(Err(finding.help("ask for fewer with `gpus`, share GPUs with `memory`, or take another pod")))
}

fn are(count: usize) -> String {
    if count == 1 { "1 is".to_owned() } else { format!("{count} are") }
}

fn gpus_in_words(count: usize) -> String {
    if count == 1 { "1 GPU".to_owned() } else { format!("{count} GPUs") }
}

fn count(model: &Model) -> usize {
    match &model.gpus {
        GpuAsk::Cpu => 0,
        GpuAsk::Any => 1,
        GpuAsk::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        GpuAsk::Ids(ids) => ids.len(),
    }
}

fn has_room(gpu: u32, model: &Model, load: &Load) -> bool {
    load.get(&gpu).is_some_and(|load| load + share(model) <= WHOLE)
}

/// What a model takes of each of its GPUs.
fn share(model: &Model) -> u32 {
    match (model.memory, model.engine.kind) {
        (Some(memory), _) => memory.hundredths(),
        (None, EngineKind::Vllm) => VLLM_SHARE,
        (None, EngineKind::LlamaCpp | EngineKind::Command) => WHOLE,
    }
}

/// What of a GPU is held by others than this manifest's servers.
fn foreign_load(site: &Site<'_>, gpu: &Gpu) -> u32 {
    if gpu.fault.is_some() {
        return WHOLE;
    }
    let facts = site.facts;
    let holders: Vec<_> = facts.gpu_processes.iter().filter(|p| p.gpu_uuid == gpu.uuid).collect();
    // in containers the driver tells host PIDs or none: then memory is ours if a server of ours has the GPU
    let known = holders.iter().any(|p| p.session != 0);
    let foreign_mib = if known {
        holders.iter().filter(|p| !is_ours(site, p.session)).filter_map(|p| p.used_mib).sum()
    } else if ours_has(site, gpu.index) {
        0
    } else {
        gpu.used_mib
    };
    let load = foreign_mib.saturating_mul(u64::from(WHOLE)) / gpu.memory_mib.max(1);
    u32::try_from(load).ok().filter(|load| *load >= IDLE).unwrap_or(0)
}

fn is_ours(site: &Site<'_>, session: u32) -> bool {
    site.own_servers().any(|(_, server)| match &server.life {
        Life::Running { pid, .. } => *pid == session,
        Life::Dead { left } => left.contains(&session),
        Life::Stopped => false,
    })
}

fn ours_has(site: &Site<'_>, gpu: u32) -> bool {
    site.own_servers().any(|(_, server)| {
        matches!(server.life, Life::Running { .. })
            && server.spec.as_ref().is_ok_and(|spec| spec.gpus.contains(&gpu))
    })
}

fn no_such_gpu(site: &Site<'_>, model: &ModelName, missing: u32, load: &Load) -> Finding {
    let there = match load.len() {
        0 => "the pod has no GPU".to_owned(),
        1 => "the pod has GPU 0 alone".to_owned(),
        count => format!("the pod has {count} GPUs, 0 to {}", count - 1),
    };
    let message = format!("it wants GPU {missing}; {there}");
    Finding::on(Severity::Error, "no-such-gpu", site.name, message).of(model).help("correct `gpus`")
}

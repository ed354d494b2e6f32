//! `pi start` without a model: what of the catalogue fits the GPUs that are free on a pod.

use crate::catalog::recipe::Ask;
use crate::catalog::{engines, gpus};
use crate::cli::args::Global;
use crate::cli::exit::{Exit, away};
use crate::cli::form::Form;
use crate::cli::which_pod::which_pod;
use crate::cli::world::{World, load_manifest};
use crate::manifest::EngineVersion;
use crate::name::PodName;
use crate::observe::{Gpu, GpuSight, Life, PodFacts, ServerSeen, Sighting};
use crate::plan::{Protected, Scope, known_to_fit, repair};
use crate::ui::{self, Free};
use miette::{Result, miette};
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn run(global: &Global, form: Form) -> Result<Exit> {
    let world = World::of(global, load_manifest(global)?, Scope::All, Protected::Keep)?;
    let pod = which_pod(global, &world.manifest, &world.memory)?;
    let facts = facts(&world, &pod).await;
    world.remote.close().await;
    let free = free(&world, &pod, &facts?)?;
    match form {
        Form::Json => ui::data(&ui::json_page(&ui::known_json(&pod, &free)))?,
        Form::Text if free.is_empty() => ui::data(&format!(
            "`{pod}` has no GPU. What runs without: pi start OWNER/NAME:FILE.gguf --gpus 0\n"
        ))?,
        Form::Text => ui::data(&ui::known_text(&pod, &free))?,
    }
    Ok(Exit::Done)
}

/// What is remembered of the pod, as long as it is the same machine; else what a look says.
async fn facts(world: &World, pod: &PodName) -> Result<PodFacts> {
    let ssh = world.manifest.pods.get(pod).map(|pod| pod.ssh.to_string());
    if let Some(known) = world.memory.pods.get(pod).filter(|known| Some(&known.ssh) == ssh.as_ref()) {
        return Ok(known.facts.clone());
    }
    match world.observe_these(vec![pod.clone()]).await.pods.remove(pod) {
        Some(Sighting::Seen(facts)) => Ok(*facts),
        Some(Sighting::Unreachable(why)) => Err(away(pod, &why.why, why.help)),
        None => Err(miette!("{pod} was not looked at")),
    }
}

/// The pod's GPUs by kind, and what fits those that no server has.
fn free(world: &World, pod: &PodName, facts: &PodFacts) -> Result<Vec<Free>> {
    let found = match &facts.gpus {
        GpuSight::None => return Ok(Vec::new()),
        GpuSight::Broken { message, .. } => {
            return Err(miette!(help = repair(message), "nvidia-smi fails on `{pod}`: {message}"));
        }
        GpuSight::Found { gpus, .. } => gpus,
    };
    let lives = |life: &Life| matches!(life, Life::Running { .. });
    let servers = facts.servers.values().flat_map(ServerSeen::both).filter(|seen| lives(&seen.life));
    let taken: BTreeSet<u32> =
        servers.filter_map(|seen| seen.spec.as_ref().ok()).flat_map(|spec| spec.gpus.clone()).collect();
    let mut kinds: BTreeMap<(&str, u64), Vec<&Gpu>> = BTreeMap::new();
    for gpu in found.iter().filter(|gpu| gpu.fault.is_none() && !gpu.mig) {
        kinds.entry((&gpu.name, gpu.memory_mib)).or_default().push(gpu);
    }
    let version = world.manifest.pods.get(pod).and_then(|pod| pod.vllm.as_ref());
    let version = engines::resolve(version.unwrap_or(&EngineVersion::Release));
    let group = |((name, mib), all): ((&str, u64), Vec<&Gpu>)| {
        let free = all.iter().filter(|gpu| !taken.contains(&gpu.index)).count();
        let compute = all.first().map(|gpu| gpu.compute.as_str()).unwrap_or_default();
        let gpu = gpus::printed(name, mib, compute);
        let available = u32::try_from(free).unwrap_or(u32::MAX);
        let ask = Ask { gpu: &gpu, available, gpus: None, version: &version };
        let models = if free == 0 { Vec::new() } else { known_to_fit(&world.memory, ask) };
        let kind = name.strip_prefix("NVIDIA ").unwrap_or(name).to_owned();
        Free { kind, all: all.len(), free, models }
    };
    Ok(kinds.into_iter().map(group).collect())
}

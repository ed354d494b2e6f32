//! What pods measured at earlier starts, for estimates that are made without looking at any.

use crate::catalog::models::Recipe;
use crate::catalog::recipe::Ask;
use crate::catalog::{Gpu, Version, gpus};
use crate::fit::{Chosen, Setup, Verdict, all, fit_pool, from_recipe};
use crate::manifest::EngineKind;
use crate::memory::{Memory, PodMemory};
use crate::model_ref::ModelRef;
use crate::name::{HfRepo, PodName};
use crate::observe::{GpuSight, Life, ServerSeen};
use crate::plan::model::launch;
use crate::plan::model::launch::version_of_record;
use crate::spec::ServerSpec;

/// A measurement, and whose.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// On which pod.
    pub pod: PodName,
    /// When it was started, or last seen where it does not run; seconds since 1970 by the pod's clock.
    pub at: u64,
    /// GiB of one GPU that vLLM had for keys and values.
    pub kv_gib: f64,
}

/// A model of the catalog, and how it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The model.
    pub recipe: &'static Recipe,
    /// How it would be run; where it was measured, its fit is what came of that.
    pub chosen: Chosen,
    /// What a pod measured when it ran so.
    pub measured: Option<Measurement>,
}

/// Every model of the catalog that surely fits, in the catalog's order: by what a pod measured when it ran it so,
/// else by the estimate.
#[must_use]
pub fn known_to_fit(memory: &Memory, ask: Ask<'_>) -> Vec<Known> {
    let known = all(ask).map(|(recipe, chosen)| {
        let repo = HfRepo::parse(&recipe.id).ok();
        let before = |repo| measured_before(memory, &repo, ask.gpu, ask.version, &chosen.setup);
        let measured = repo.and_then(before);
        let pool = measured.as_ref().zip(from_recipe::shape(recipe)).map(|(told, shape)| {
            // the model's own context is what it starts with where none is named
            let context = chosen.setup.context.unwrap_or(shape.max_context);
            fit_pool(&shape, &Setup { context: Some(context), ..chosen.setup }, told.kv_gib)
        });
        let fit = pool.or(chosen.fit);
        Known { recipe, chosen: Chosen { fit, ..chosen }, measured }
    });
    known.filter(|it| it.chosen.fit.as_ref().is_some_and(|fit| fit.verdict == Verdict::Fits)).collect()
}

/// What was measured last when this model ran on such GPUs, with this version and as `setup` says but for its context.
#[must_use]
pub fn measured_before(
    memory: &Memory,
    repo: &HfRepo,
    gpu: &Gpu,
    version: &Version,
    setup: &Setup,
) -> Option<Measurement> {
    let of_pod = |(pod, known): (&PodName, &PodMemory)| {
        let of_repo = known.facts.servers.values().filter(|seen| is_of(seen, repo));
        let alike = of_repo.filter(|seen| is_alike(known, seen, gpu, version, setup));
        let told = alike.filter_map(|seen| {
            let ran = if let Life::Running { seconds, .. } = seen.life { seconds } else { 0 };
            let kv_gib = seen.measured?.kv_cache?.gib();
            Some(Measurement { pod: pod.clone(), at: known.seen.saturating_sub(ran), kv_gib })
        });
        told.max_by_key(|told| told.at)
    };
    memory.pods.iter().filter_map(of_pod).max_by_key(|told| told.at)
}

fn is_of(seen: &ServerSeen, repo: &HfRepo) -> bool {
    seen.spec.as_ref().is_ok_and(|spec| matches!(&spec.model, ModelRef::Hub { repo: of, .. } if of == repo))
}

/// Whether memory was used as it would be.
fn is_alike(known: &PodMemory, seen: &ServerSeen, gpu: &Gpu, wanted: &Version, setup: &Setup) -> bool {
    let (Ok(spec), GpuSight::Found { gpus, .. }) = (&seen.spec, &known.facts.gpus) else { return false };
    let ServerSpec { kind, gpus: own, .. } = spec;
    let is_kind = |id: &u32| {
        let there = gpus.iter().find(|gpu| gpu.index == *id);
        there.is_some_and(|it| gpus::printed(&it.name, it.memory_mib, &it.compute).key == gpu.key)
    };
    let version = version_of_record(spec);
    let ran = launch::setup(spec, (&gpu.smi_name, gpu.torch_gib), &version);
    *kind == EngineKind::Vllm
        && version == *wanted
        && own.len() == setup.parallel.gpus() as usize
        && own.iter().all(is_kind)
        && Setup { context: None, ..ran } == Setup { context: None, ..*setup }
}

//! What has to be known of a server before a place is looked for: how many GPUs it takes, and which share of each, where
//! the manifest leaves that to the catalog or to the fit.
//!
//! The same model on the same kind of GPU is run the same way every time: nothing depends on what else runs. Only the
//! number of GPUs is kept from last time, as its place is.

use crate::catalog::models::{self, Recipe};
use crate::catalog::recipe::{Ask, NoChoice, SIZES};
use crate::catalog::{Gpu, Version, args, engines, gpus};
use crate::fit::{Chosen, Verdict, Wanted, choose};
use crate::manifest::{EngineKind, GpuAsk, Model};
use crate::model_ref::ModelRef;
use crate::observe::{self, GpuSight, PodFacts};
use crate::plan::pod_findings::unusable;
use crate::plan::spread::Ruled;
use crate::plan::{PodContext, engine};
use crate::spec::ServerSpec;
use crate::units::{Percent, Tokens};
use std::borrow::Cow;

/// What is picked before a server has its place.
pub(super) struct Pick {
    /// How many GPUs it takes.
    pub(super) gpus: usize,
    /// Which share of each.
    pub(super) memory: Option<Percent>,
    /// How many it would get if it had none yet, where that is open.
    pub(super) anew: Option<usize>,
    /// Fewer that do where those can't be had; the most first.
    pub(super) fewer: Vec<usize>,
    /// Which vLLM runs it; none for other engines, and for builds of one's own that pin none.
    pub(super) version: Option<Version>,
    /// What the catalog has chosen for so many GPUs of the kind that the pod has most of.
    chosen: Option<OnKind>,
}

/// What the catalog has chosen for some GPUs of one kind.
struct OnKind {
    gpu: Cow<'static, Gpu>,
    chosen: Result<Chosen, NoChoice>,
}

impl Pick {
    /// The catalog's choice for these GPUs; none where it has no say.
    pub(super) fn chosen_at(
        &self,
        site: &PodContext<'_>,
        model: &Model,
        place: &[u32],
    ) -> Option<Result<Chosen, NoChoice>> {
        let gpu = gpu_at(place, site.facts)?;
        match &self.chosen {
            Some(OnKind { gpu: on, chosen }) if *on == gpu && place.len() == self.gpus => {
                Some(chosen.clone())
            }
            Some(_) | None => {
                let book = Book::of(site, model)?;
                Some(book.choose(model, (&gpu, place.len()), Some(place.len())))
            }
        }
    }
}

/// A model's entry in the catalog, and the vLLM that will run it.
pub(super) struct Book {
    pub(super) recipe: &'static Recipe,
    pub(super) version: Version,
}

impl Book {
    /// None for other engines, models the catalog does not have, and builds whose version can't be told.
    pub(super) fn of(site: &PodContext<'_>, model: &Model) -> Option<Self> {
        let ModelRef::Hub { repo, .. } = &model.model else { return None };
        let recipe = models::find(repo.as_str()).filter(|_| model.engine.kind == EngineKind::Vllm)?;
        Some(Self { recipe, version: version(site, model)? })
    }

    /// The way to run it on `count` of these GPUs, or on as many as it needs.
    pub(super) fn choose(
        &self,
        model: &Model,
        (gpu, available): (&Gpu, usize),
        count: Option<usize>,
    ) -> Result<Chosen, NoChoice> {
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let ask = Ask {
            gpu,
            available: number(count.unwrap_or(available)),
            gpus: count.map(number),
            version: &self.version,
        };
        let wanted = Wanted { context: model.context, memory: memory(model), args: &model.args };
        choose(self.recipe, ask, wanted)
    }
}

/// Picks what has to be known before a place is looked for; `record` is what runs or ran under its name.
pub(super) fn pick(
    site: &PodContext<'_>,
    model: &Model,
    record: Option<&ServerSpec>,
    ruled: Option<&Ruled<'_>>,
) -> Pick {
    let open = ruled.and_then(|ruled| ruled.open(site, model));
    let usable = usable(site.facts);
    let book = Book::of(site, model).filter(|_| !usable.is_empty());
    // to tell the kind takes longer than all the rest
    let here = book.as_ref().and_then(|_| main_kind(&usable));
    let chosen = |count| {
        let (gpu, available) = here.as_ref()?;
        book.as_ref()?.choose(model, (gpu, *available), count).ok()
    };
    let gpus = match &model.gpus {
        GpuAsk::Cpu => 0,
        GpuAsk::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
        GpuAsk::Ids(ids) => ids.len(),
        GpuAsk::Any if !has_gpus(site.facts) || model.engine.kind == EngineKind::Command => 0,
        GpuAsk::Any => spread_by_args(model)
            .or_else(|| open.as_ref().map(|open| open.gpus))
            .or_else(|| kept(model, record?, &chosen))
            .or_else(|| Some(chosen(None)?.choice.parallel.gpus() as usize))
            .unwrap_or(1),
    };
    let on_kind = here.as_ref().zip(book.as_ref()).filter(|_| gpus > 0).map(|((gpu, available), book)| {
        OnKind { gpu: gpu.clone(), chosen: book.choose(model, (gpu, *available), Some(gpus)) }
    });
    let chosen = on_kind.as_ref().and_then(|on_kind| on_kind.chosen.as_ref().ok());
    let memory = memory(model).or_else(|| chosen?.choice.memory).filter(|_| gpus > 0);
    let anew = open.as_ref().and_then(|open| open.anew);
    let fewer = open.map(|open| open.fewer).unwrap_or_default();
    Pick { gpus, memory, anew, fewer, version: version(site, model), chosen: on_kind }
}

/// What a server on these GPUs has to do with: where they differ, the smallest counts.
pub(super) fn gpu_at(place: &[u32], facts: &PodFacts) -> Option<Cow<'static, Gpu>> {
    let GpuSight::Found { gpus, .. } = &facts.gpus else { return None };
    let own = place.iter().map(|id| gpus.iter().find(|gpu| gpu.index == *id)).collect::<Option<Vec<_>>>()?;
    own.into_iter().min_by_key(|gpu| gpu.memory_mib).map(kind)
}

/// As many GPUs as it had, if it can run on them.
fn kept(
    model: &Model,
    record: &ServerSpec,
    chosen: &dyn Fn(Option<usize>) -> Option<Chosen>,
) -> Option<usize> {
    let count = record.gpus.len();
    if count == 0 || record.kind != model.engine.kind || !same_weights(&record.model, &model.model) {
        return None;
    }
    let fit = chosen(Some(count))?.fit;
    fit.is_none_or(|fit| fit.verdict != Verdict::DoesNotFit).then_some(count)
}

/// Whether both are of one repository.
pub(super) fn same_weights(one: &ModelRef, other: &ModelRef) -> bool {
    match (one, other) {
        (ModelRef::Hub { repo, .. }, ModelRef::Hub { repo: other, .. }) => repo == other,
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => one == other,
    }
}

/// GPUs that the user's own arguments spread it over.
pub(super) fn spread_by_args(model: &Model) -> Option<usize> {
    if model.engine.kind != EngineKind::Vllm {
        return None;
    }
    let sizes = SIZES.map(|flag| args::value(&model.args, flag).and_then(|size| size.parse::<usize>().ok()));
    sizes.iter().any(Option::is_some).then(|| sizes.iter().flatten().product())
}

/// The share of memory that the manifest asks for; in its arguments it comes last and counts.
pub(super) fn memory(model: &Model) -> Option<Percent> {
    let share = args_value::<f64>(model, "--gpu-memory-utilization");
    share.and_then(|share| Percent::parse(&format!("{:.2}%", share * 100.0)).ok()).or(model.memory)
}

/// The context that its arguments name.
pub(super) fn args_context(model: &Model) -> Option<Tokens> {
    args_value(model, "--max-model-len").map(Tokens)
}

fn args_value<T: std::str::FromStr>(model: &Model, flag: &str) -> Option<T> {
    let value = args::value(&model.args, flag).filter(|_| model.engine.kind == EngineKind::Vllm)?;
    value.parse().ok()
}

/// Which vLLM a model's choice of an engine comes to, as far as can be told; none for other engines.
pub(super) fn version(site: &PodContext<'_>, model: &Model) -> Option<Version> {
    let choice = &model.engine;
    if choice.kind != EngineKind::Vllm {
        return None;
    }
    let Some(build) = &choice.build else {
        return Some(engines::resolve(engine::wanted_version(site.pod, choice)));
    };
    let pinned = build.packages.iter().filter(|package| package.starts_with("vllm"));
    pinned.filter_map(|package| Version::parse(package.split_once("==")?.1)).next_back()
}

fn has_gpus(facts: &PodFacts) -> bool {
    matches!(&facts.gpus, GpuSight::Found { gpus, .. } if !gpus.is_empty())
}

pub(super) fn usable(facts: &PodFacts) -> Vec<&observe::Gpu> {
    match &facts.gpus {
        GpuSight::Found { gpus, .. } => gpus.iter().filter(|gpu| unusable(gpu).is_none()).collect(),
        GpuSight::None | GpuSight::Broken { .. } => Vec::new(),
    }
}

/// The kind that the pod has most of, the larger one of two, and how many.
pub(super) fn main_kind(gpus: &[&observe::Gpu]) -> Option<(Cow<'static, Gpu>, usize)> {
    let alike = |one: &observe::Gpu| {
        gpus.iter().filter(|gpu| (&gpu.name, gpu.memory_mib) == (&one.name, one.memory_mib)).count()
    };
    let most = gpus.iter().rev().max_by_key(|gpu| (alike(gpu), gpu.memory_mib))?;
    Some((kind(most), alike(most)))
}

fn kind(gpu: &observe::Gpu) -> Cow<'static, Gpu> {
    gpus::printed(&gpu.name, gpu.memory_mib, &gpu.compute)
}

//! What has to be known of a server before a place is looked for: how many GPUs it takes, and which share of each, where
//! the manifest leaves that to the catalog or to the fit.
//!
//! The same model on the same kind of GPU is run the same way every time: nothing depends on what else runs. Only the
//! number of GPUs is kept from last time, as its place is.

use crate::catalog::models::{self, Recipe};
use crate::catalog::recipe::{Ask, NoChoice};
use crate::catalog::{Gpu, Version};
use crate::fit::{Chosen, Verdict, Wanted, choose};
use crate::manifest::{EngineKind, GpuAsk, Model};
use crate::model_ref::ModelRef;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::said::memory;
use crate::plan::resolve::said::same_weights;
use crate::plan::resolve::said::spread_by_args;
use crate::plan::resolve::said::version;
use crate::plan::resolve::spread::Ruled;
use crate::plan::usage::gpus::gpu_at;
use crate::plan::usage::gpus::has_gpus;
use crate::plan::usage::gpus::main_kind;
use crate::plan::usage::gpus::usable;
use crate::spec::ServerSpec;
use crate::units::Percent;
use std::borrow::Cow;

/// What is picked before a server has its place.
pub(in crate::plan) struct Pick {
    /// How many GPUs it takes.
    pub(in crate::plan) gpus: usize,
    /// Which share of each.
    pub(in crate::plan) memory: Option<Percent>,
    /// How many it would get if it had none yet, where that is open.
    pub(in crate::plan) anew: Option<usize>,
    /// Fewer that do where those can't be had; the most first.
    pub(in crate::plan) fewer: Vec<usize>,
    /// Which vLLM runs it; none for other engines, and for builds of one's own that pin none.
    pub(in crate::plan) version: Option<Version>,
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
    pub(in crate::plan) fn chosen_at(
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
pub(in crate::plan) struct Book {
    pub(in crate::plan) recipe: &'static Recipe,
    pub(in crate::plan) version: Version,
}

impl Book {
    /// None for other engines, models the catalog does not have, and builds whose version can't be told.
    pub(in crate::plan) fn of(site: &PodContext<'_>, model: &Model) -> Option<Self> {
        let ModelRef::Hub { repo, .. } = &model.model else { return None };
        let recipe = models::find(repo.as_str()).filter(|_| model.engine.kind == EngineKind::Vllm)?;
        Some(Self { recipe, version: version(site, model)? })
    }

    /// The way to run it on `count` of these GPUs, or on as many as it needs.
    pub(in crate::plan) fn choose(
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
pub(in crate::plan) fn pick(
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

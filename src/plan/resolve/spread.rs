//! What fit alone decides for a vLLM server whose model is not in the catalog: how many GPUs, and how much context.
//!
//! In: the shape that its `config.json` and its files tell, and what ran under its name. A server keeps the
//! context that pi chose for it as long as that may fit and nothing changes that memory depends on.

use crate::catalog::recipe::Ask;
use crate::catalog::{Gpu, Version, engines, models};
use crate::fit::{Shape, Spread, Verdict, Wanted, spread};
use crate::manifest::{EngineKind, EngineVersion, GpuAsk, Model};
use crate::model_ref::ModelRef;
use crate::observe::{PodFacts, ServerSeen};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::said::{memory, same_weights, spread_by_args, version};
use crate::plan::usage::gpus::{gpu_at, main_kind, usable};
use crate::plan::usage::shape::shape;
use crate::spec::ServerSpec;
use crate::units::Tokens;

/// A model without a recipe, and what ran of it.
pub(in crate::plan) struct Ruled<'a> {
    /// None where nobody can tell it now.
    shape: Option<Shape>,
    version: Version,
    record: Option<&'a ServerSpec>,
}

/// How many GPUs it takes where the manifest leaves that open.
pub(in crate::plan) struct Open {
    /// As many as it has, else as it needs.
    pub(in crate::plan) gpus: usize,
    /// As many as it would get if it had none; none where nobody can tell now.
    pub(in crate::plan) anew: Option<usize>,
    /// Fewer that do, with less context, where those can't be had; the most first. None for what had some already: two
    /// that move would take turns.
    pub(in crate::plan) fewer: Vec<usize>,
}

/// The context of a server, and whether pi chose it.
pub(in crate::plan) struct Context {
    pub(in crate::plan) tokens: Option<Tokens>,
    pub(in crate::plan) fitted: bool,
}

impl<'a> Ruled<'a> {
    /// None for other engines, for models of the catalog, and for servers without a GPU.
    pub(in crate::plan) fn of(
        inputs: &Inputs<'_>,
        site: &PodContext<'_>,
        model: &Model,
        (seen, commit): (Option<&'a ServerSeen>, Option<&str>),
    ) -> Option<Self> {
        let in_catalog = match &model.model {
            ModelRef::Hub { repo, .. } => models::find(repo.as_str()).is_some(),
            ModelRef::Path(_) => false,
        };
        if model.engine.kind != EngineKind::Vllm || in_catalog || model.gpus == GpuAsk::Cpu {
            return None;
        }
        let version = version(site, model);
        let is_same =
            |spec: &&ServerSpec| spec.kind == model.engine.kind && same_weights(&spec.model, &model.model);
        Some(Self {
            shape: shape(inputs, site, (&model.model, commit)),
            version: version.unwrap_or_else(|| engines::resolve(&EngineVersion::Release)),
            record: seen.and_then(|seen| seen.spec.as_ref().ok()).filter(is_same),
        })
    }

    /// How many GPUs of this pod; none where the manifest says, and where there is nothing to go by.
    pub(in crate::plan) fn open(&self, site: &PodContext<'_>, model: &Model) -> Option<Open> {
        if model.gpus != GpuAsk::Any || spread_by_args(model).is_some() {
            return None;
        }
        let usable = usable(site.facts);
        let had = self.record.map(|spec| spec.gpus.len()).filter(|count| *count > 0);
        if self.shape.is_none() {
            let gpus = had.filter(|_| !usable.is_empty())?;
            return Some(Open { gpus, anew: None, fewer: Vec::new() });
        }
        let (gpu, available) = main_kind(&usable)?;
        let anew = self.spread(model, (&gpu, available), None)?.gpus() as usize;
        let on = |count: usize| self.spread(model, (&gpu, available), Some(count));
        let holds = |count: &usize| on(*count).is_some_and(|it| it.fit.verdict != Verdict::DoesNotFit);
        if let Some(gpus) = had.filter(holds) {
            return Some(Open { gpus, anew: Some(anew), fewer: Vec::new() });
        }
        let surely = |count: &usize| on(*count).is_some_and(|it| it.fit.verdict == Verdict::Fits);
        let can = |count: &usize| {
            let pieces = u32::try_from(*count).unwrap_or(u32::MAX);
            self.shape.as_ref().is_some_and(|shape| shape.can_be_cut(pieces))
        };
        let fewer = [16, 8, 4, 2, 1].into_iter().filter(|count| *count < anew).filter(can).filter(surely);
        Some(Open { gpus: anew, anew: Some(anew), fewer: fewer.collect() })
    }

    /// The context on these GPUs where the manifest names none; none without GPUs.
    pub(in crate::plan) fn context(&self, model: &Model, facts: &PodFacts, place: &[u32]) -> Option<Context> {
        if place.is_empty() {
            return None;
        }
        if self.shape.is_none() {
            let chosen = self.record.filter(|spec| spec.fitted).and_then(|spec| spec.context);
            return Some(Context { tokens: chosen, fitted: chosen.is_some() });
        }
        Some(self.context_on(model, gpu_at(place, facts)?.as_ref(), place.len()))
    }

    fn context_on(&self, model: &Model, gpu: &Gpu, count: usize) -> Context {
        let spread = |context| self.spread(&Model { context, ..model.clone() }, (gpu, count), Some(count));
        if let Some(ServerSpec { context, fitted, .. }) = self.had(model, count) {
            let own = self.shape.as_ref().map(|shape| shape.max_context);
            if spread(context.or(own)).is_some_and(|it| it.fit.verdict != Verdict::DoesNotFit) {
                return Context { tokens: *context, fitted: *fitted };
            }
        }
        let tokens = spread(None).and_then(|it| it.context);
        Context { tokens, fitted: tokens.is_some() }
    }

    /// What ran on so many GPUs, with a context that nobody named, if memory would be used alike.
    fn had(&self, model: &Model, count: usize) -> Option<&'a ServerSpec> {
        self.record.filter(|spec| {
            let ServerSpec { gpus, context, fitted, memory: share, args, .. } = spec;
            (*fitted || context.is_none())
                && (gpus.len(), *share, args) == (count, memory(model), &model.args)
        })
    }

    fn spread(&self, model: &Model, (gpu, available): (&Gpu, usize), count: Option<usize>) -> Option<Spread> {
        let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let available = number(count.unwrap_or(available));
        let ask = Ask { gpu, available, gpus: count.map(number), version: &self.version };
        let wanted = Wanted { context: model.context, memory: memory(model), args: &model.args };
        spread(self.shape.as_ref()?, ask, wanted)
    }
}

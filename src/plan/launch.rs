//! How a server is launched at its place: what the manifest says, and what the catalog or the fit adds.
//!
//! It is chosen once, in [`LaunchChoice::of`]. The spec, the findings and the fit are made from that choice, and
//! [`Launch`] is what people are shown of it.

use crate::catalog::models::Recipe;
use crate::catalog::recipe::{NoChoice, Parallel, SIZES};
use crate::catalog::{Version, args};
use crate::fit::{Chosen, Fit, Setup};
use crate::manifest::{EngineKind, Model};
use crate::name::EnvName;
use crate::plan::PodContext;
use crate::plan::fits::recipe;
use crate::plan::pick::{self, Pick};
use crate::plan::spread::{Context, Ruled};
use crate::spec::ServerSpec;
use crate::units::{Percent, Tokens};
use std::collections::BTreeMap;

/// How a server on these GPUs is launched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LaunchChoice {
    /// Which vLLM runs it; none for other engines, and for builds of one's own that pin none.
    pub(super) version: Option<Version>,
    /// What the catalog has chosen, or why nothing; none where it has no say.
    pub(super) chosen: Option<Result<Chosen, NoChoice>>,
    /// The context to name on the command line; none where that is the model's own.
    pub(super) context: Option<Tokens>,
    /// Whether the context is what fits.
    pub(super) fitted: bool,
    /// Share of each GPU's memory.
    pub(super) memory: Option<Percent>,
    /// Arguments of the engine: the user's, and what the catalog adds.
    pub(super) args: Vec<String>,
    /// The server's environment: the catalog's, the pod's, the model's, each over those before it.
    pub(super) env: BTreeMap<EnvName, String>,
}

impl LaunchChoice {
    /// Chooses for a server on these GPUs.
    pub(super) fn of(
        site: &PodContext<'_>,
        model: &Model,
        place: &[u32],
        (pick, ruled): (&Pick, Option<&Ruled<'_>>),
    ) -> Self {
        let mut choice = Self {
            version: pick.version.clone(),
            chosen: None,
            context: pick::args_context(model).or(model.context),
            fitted: false,
            memory: pick.memory.or(model.memory),
            args: model.args.clone(),
            env: BTreeMap::new(),
        };
        let by_fit = ruled.filter(|_| choice.context.is_none());
        if let Some(Context { tokens, fitted }) = by_fit.and_then(|it| it.context(model, site.facts, place)) {
            (choice.context, choice.fitted) = (tokens, fitted);
        } else {
            choice.chosen = pick.chosen_at(site, model, place);
            if let Some(Ok(Chosen { choice: ways, context, .. })) = &choice.chosen {
                choice.args = merged(&ways.beside(&model.args), &model.args);
                choice.context = choice.context.or(*context);
                choice.env.clone_from(&ways.env);
            }
        }
        choice.env.extend(site.pod.env.clone());
        choice.env.extend(model.env.clone());
        choice
    }

    /// What the catalog has chosen, where it did.
    pub(super) fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()?.as_ref().ok()
    }
}

/// The catalog's arguments and the user's; `--tensor-parallel-size` follows from the number of GPUs and stands nowhere else.
fn merged(catalog: &[String], user: &[String]) -> Vec<String> {
    let others = args::split(catalog).into_iter().filter(|arg| arg.flag != "--tensor-parallel-size");
    let catalog: Vec<String> = others.flat_map(|arg| arg.words).collect();
    args::merge(&catalog, user).0
}

/// How a vLLM server is launched, for people: how the work is spread, its parsers, its context, and why so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// How the work is spread.
    pub parallel: Parallel,
    /// `--tool-call-parser`
    pub tools: Option<String>,
    /// `--reasoning-parser`
    pub reasoning: Option<String>,
    /// Tokens of context; none where that is not known.
    pub context: Option<Tokens>,
    /// Of how many tokens the model can.
    pub own_context: Option<Tokens>,
    /// Whether that context is the most that fits, and less than the model can.
    pub is_most: bool,
    /// Where the choice comes from and what shaped it, a clause each.
    pub reasons: Vec<String>,
}

impl Launch {
    /// What the record of a server tells; none for other engines.
    #[must_use]
    pub fn of_record(spec: &ServerSpec) -> Option<Self> {
        if spec.kind != EngineKind::Vllm {
            return None;
        }
        let value = |flag| args::value(&spec.args, flag).map(str::to_owned);
        Some(Self {
            parallel: parallel(spec),
            tools: value("--tool-call-parser"),
            reasoning: value("--reasoning-parser"),
            context: context(spec),
            own_context: recipe(spec).map(Recipe::max_context),
            is_most: false,
            reasons: Vec::new(),
        })
    }

    /// The same of one that is started, by the choice that was made for it and how it fits.
    pub(super) fn of(spec: &ServerSpec, choice: &LaunchChoice, fit: Option<&Fit>) -> Option<Self> {
        let plain = Self::of_record(spec)?;
        let reasons = choice.chosen().map(|chosen| chosen.choice.reasons.clone()).unwrap_or_default();
        let own_context = plain.own_context.or_else(|| fit.map(|fit| fit.own));
        Some(Self {
            context: plain.context.or(own_context.filter(|_| !reasons.is_empty())),
            own_context,
            is_most: spec.fitted
                && plain.context.zip(own_context).is_some_and(|(context, own)| context < own),
            reasons,
            ..plain
        })
    }
}

/// How a server will be run, as far as memory cares.
pub(super) fn setup(spec: &ServerSpec, (gpu, total_gib): (&str, f64), version: &Version) -> Setup {
    let base = Setup::new(gpu, total_gib, version);
    let memory = spec.memory.map_or(base.memory, Percent::fraction);
    let said = Setup { memory, context: spec.context, ..base }.with_args(&spec.args);
    Setup { parallel: parallel(spec), ..said }
}

/// How the work is spread: each layer is cut over all GPUs that are not taken by stages and copies, unless the arguments
/// say it.
pub(super) fn parallel(spec: &ServerSpec) -> Parallel {
    let size =
        |flag| args::value(&spec.args, flag).and_then(|size| size.parse::<u32>().ok()).filter(|n| *n > 0);
    let [tp, pp, dp] = SIZES.map(size);
    let (pp, dp) = (pp.unwrap_or(1), dp.unwrap_or(1));
    let gpus = u32::try_from(spec.gpus.len()).unwrap_or(u32::MAX);
    Parallel { tp: tp.unwrap_or_else(|| (gpus / pp.saturating_mul(dp)).max(1)), pp, dp }
}

/// The context that its command line names; the arguments come last and count.
fn context(spec: &ServerSpec) -> Option<Tokens> {
    let said = args::value(&spec.args, "--max-model-len").and_then(|text| text.parse::<u32>().ok());
    said.filter(|tokens| *tokens > 0).map(Tokens).or(spec.context)
}

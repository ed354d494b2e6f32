//! How a vLLM server is launched, as its spec tells: how the work is spread, its context, what memory it takes.

use crate::catalog::models::{self, Recipe};
use crate::catalog::recipe::{Parallel, SIZES};
use crate::catalog::{Version, args, engines};
use crate::fit::Setup;
use crate::manifest::{EngineKind, EngineVersion};
use crate::model_ref::ModelRef;
use crate::spec::ServerSpec;
use crate::units::{Percent, Tokens};

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
}

/// How a server will be run, as far as memory cares.
pub(in crate::plan) fn setup(spec: &ServerSpec, (gpu, total_gib): (&str, f64), version: &Version) -> Setup {
    let base = Setup::new(gpu, total_gib, version);
    let memory = spec.memory.map_or(base.memory, Percent::fraction);
    let said = Setup { memory, context: spec.context, ..base }.with_args(&spec.args);
    Setup { parallel: parallel(spec), ..said }
}

/// How the work is spread: each layer is cut over all GPUs that are not taken by stages and copies, unless the arguments
/// say it.
pub(in crate::plan) fn parallel(spec: &ServerSpec) -> Parallel {
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

/// The catalog's entry for its model.
pub(in crate::plan) fn recipe(spec: &ServerSpec) -> Option<&'static models::Recipe> {
    match &spec.model {
        ModelRef::Hub { repo, .. } => models::find(repo.as_str()),
        ModelRef::Path(_) => None,
    }
}

/// The engine's version of a server that ran, by its environment's name: its record has no other. Pi's own pin for builds
/// that name none.
pub(in crate::plan) fn version_of_record(spec: &ServerSpec) -> Version {
    let named = spec.engine.as_ref().and_then(|id| id.as_str().strip_prefix("vllm-"));
    let wanted = match named {
        Some(name) if name.starts_with("nightly") => EngineVersion::Nightly,
        Some(_) | None => EngineVersion::Release,
    };
    named.and_then(Version::parse).unwrap_or_else(|| engines::resolve(&wanted))
}

//! What a vLLM server's command line comes to, for people: how it is spread, its parsers, its context, and why so.

use crate::catalog::models::Recipe;
use crate::catalog::recipe::{Ask, Parallel};
use crate::catalog::{args, gpus};
use crate::fit::{Fit, Setup, Wanted, choose};
use crate::manifest::EngineKind;
use crate::plan::command_line::engine_args;
use crate::plan::fits::{recipe, version};
use crate::plan::view::GpuView;
use crate::spec::ServerSpec;
use crate::units::Tokens;

/// What a command line comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// How the work is spread.
    pub parallel: Parallel,
    /// `--tool-call-parser`
    pub tools: Option<String>,
    /// `--reasoning-parser`
    pub reasoning: Option<String>,
    /// Tokens of context, and of how many the model can; none where neither is known.
    pub context: (Option<Tokens>, Option<Tokens>),
    /// Whether that context is the most that fits, and less than the model can.
    pub is_most: bool,
    /// Where the choice comes from and what shaped it, a clause each.
    pub why: Vec<String>,
}

/// What the command line of a vLLM server comes to; none for other engines. `fit` is how it fits, as far as that is known.
#[must_use]
pub fn told(spec: &ServerSpec, pod: &[GpuView], fit: Option<&Fit>) -> Option<Told> {
    if spec.kind != EngineKind::Vllm {
        return None;
    }
    let line = engine_args(spec);
    let value = |flag| args::value(&line, flag).map(str::to_owned);
    let setup = Setup::new("", 0.0, &version(spec)).with_args(&line);
    let own = recipe(spec).map(Recipe::max_context).or_else(|| fit.map(|fit| fit.own));
    let why = why(spec, pod);
    Some(Told {
        parallel: setup.parallel,
        tools: value("--tool-call-parser"),
        reasoning: value("--reasoning-parser"),
        context: (setup.context.or(own.filter(|_| !why.is_empty())), own),
        is_most: spec.fitted && setup.context.zip(own).is_some_and(|(context, own)| context < own),
        why,
    })
}

/// The catalog's reasons for such a server on these GPUs.
fn why(spec: &ServerSpec, pod: &[GpuView]) -> Vec<String> {
    let first = spec.gpus.first().and_then(|index| pod.get(*index as usize));
    let (Some(recipe), Some(first)) = (recipe(spec), first) else { return Vec::new() };
    let gpu = gpus::printed(&first.name, first.memory_mib, "");
    let count = u32::try_from(spec.gpus.len()).unwrap_or(u32::MAX);
    let ask = Ask { gpu: &gpu, available: count, gpus: Some(count), version: &version(spec) };
    let wanted = Wanted { context: spec.context, memory: spec.memory, args: &spec.args };
    choose(recipe, ask, wanted).map(|chosen| chosen.choice.reasons).unwrap_or_default()
}

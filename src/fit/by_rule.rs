//! How a model outside the catalog is spread over GPUs, and how much context it gets: what fits decides, and nothing
//! else.

use super::choose::Wanted;
use super::estimate::{Fit, SHORTEST, Verdict, fit};
use super::setup::Setup;
use super::shape::Shape;
use crate::catalog::args;
use crate::catalog::recipe::{Ask, Parallel};
use crate::units::{Percent, Tokens};
use std::cmp::Reverse;
use std::iter::successors;

/// A way to run a model, and how it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// How it will be run, with the context that `fit` is about.
    pub setup: Setup,
    /// The context to name on the command line: the wanted one, else the largest of the usual sizes that fits. None
    /// where that is the model's own, and where the user's arguments name one.
    pub context: Option<Tokens>,
    /// How it fits.
    pub fit: Fit,
}

impl Spread {
    /// GPUs it takes.
    #[must_use]
    pub fn gpus(&self) -> u32 {
        self.setup.parallel.gpus()
    }
}

/// The fewest GPUs on which the model surely fits with the wanted context, else with its own; where none do, those that
/// hold the largest usual context; where nothing fits, as many as there are. None where there are no GPUs.
#[must_use]
pub fn spread(shape: &Shape, ask: Ask<'_>, wanted: Wanted<'_>) -> Option<Spread> {
    let best = |it: &Spread| {
        let nothing = it.fit.verdict == Verdict::DoesNotFit;
        let gpus = if nothing { u32::MAX - it.gpus() } else { it.gpus() };
        (it.fit.verdict, Reverse(if nothing { Tokens(0) } else { it.fit.context }), gpus)
    };
    counts(shape, ask).into_iter().map(|gpus| on(shape, ask, wanted, gpus)).min_by_key(best)
}

/// The context in which the fewest GPUs are told: the size most work is done in.
const USEFUL: Tokens = Tokens(32_768);

/// The fewest GPUs on which the model surely fits with the wanted context, else with 32k or its own if less; whoever
/// recommends more has other reasons.
#[must_use]
pub fn fewest(shape: &Shape, ask: Ask<'_>, wanted: Wanted<'_>) -> Option<Spread> {
    let context = wanted.context.unwrap_or(USEFUL.min(shape.max_context));
    let wanted = Wanted { context: Some(context), ..wanted };
    counts(shape, ask)
        .into_iter()
        .map(|gpus| on(shape, ask, wanted, gpus))
        .find(|it| it.fit.verdict == Verdict::Fits)
}

/// The count that was asked for, else the powers of two that divide what vLLM cuts.
fn counts(shape: &Shape, ask: Ask<'_>) -> Vec<u32> {
    match ask.gpus {
        Some(gpus) => vec![gpus],
        None => [1, 2, 4, 8, 16]
            .into_iter()
            .filter(|gpus| *gpus <= ask.available && shape.can_be_cut(*gpus))
            .collect(),
    }
}

/// The model on exactly so many GPUs.
fn on(shape: &Shape, ask: Ask<'_>, wanted: Wanted<'_>, gpus: u32) -> Spread {
    let setup = setup(ask, wanted, gpus);
    let at = |tokens| {
        let setup = Setup { context: Some(tokens), ..setup };
        (setup, fit(shape, &setup))
    };
    let named = args::value(wanted.args, "--max-model-len").is_some();
    let whole = at(setup.context.unwrap_or(shape.max_context));
    if setup.context.is_some() || whole.1.verdict == Verdict::Fits {
        let (setup, fit) = whole;
        return Spread { context: wanted.context.filter(|_| !named), setup, fit };
    }
    let smaller: Vec<(Setup, Fit)> = usual(shape.max_context).map(at).collect();
    let surely = || smaller.iter().rfind(|(_, fit)| fit.verdict == Verdict::Fits);
    // the largest that may fit seldom does
    let likely = || smaller.iter().rfind(|(_, fit)| fit.needed_gib <= fit.per_gpu.kv_gib);
    let perhaps = || smaller.iter().find(|(_, fit)| fit.verdict == Verdict::Tight);
    match surely().or_else(likely).or_else(perhaps) {
        Some((setup, fit)) => Spread { context: Some(fit.context), setup: *setup, fit: fit.clone() },
        None => Spread { context: None, setup: whole.0, fit: whole.1 },
    }
}

/// Contexts as people write them, 4k, 8k, 16k …, below the model's own.
fn usual(own: Tokens) -> impl Iterator<Item = Tokens> {
    successors(Some(SHORTEST), |tokens| tokens.checked_mul(2))
        .take_while(move |tokens| *tokens < own.0)
        .map(Tokens)
}

/// How a server on so many GPUs would be run with what the user wants: whatever stages and copies leave is tensor
/// parallel.
fn setup(ask: Ask<'_>, wanted: Wanted<'_>, gpus: u32) -> Setup {
    let setup = Setup::new(&ask.gpu.smi_name, ask.gpu.torch_gib, ask.version).with_args(wanted.args);
    let Parallel { tp, pp, dp } = setup.parallel;
    let named = args::value(wanted.args, "--tensor-parallel-size").is_some();
    let tp = if named { tp } else { (gpus / (pp * dp).max(1)).max(1) };
    Setup {
        parallel: Parallel { tp, pp, dp },
        memory: wanted.memory.map_or(setup.memory, Percent::fraction),
        context: wanted.context.filter(|_| setup.context.is_none()).or(setup.context),
        ..setup
    }
}

#[cfg(test)]
mod tests;

//! The ways a model may be spread over a pod's GPUs, in a fixed order.

use super::{Ask, Parallel};
use crate::catalog::models::{Config, Recipe};

/// One way, known or derived.
pub(super) struct Way<'a> {
    /// How the work is spread.
    pub(super) parallel: Parallel,
    /// The configuration that is known to work so.
    pub(super) config: Option<&'a Config>,
    /// Whether the configuration is known on this kind of GPU and with this spread.
    pub(super) exact: bool,
}

/// Known ways on this kind of GPU, and powers of two beside them; fewest GPUs first, surest first, last
/// resorts last.
pub(super) fn ways<'a>(recipe: &'a Recipe, ask: Ask<'_>) -> Vec<Way<'a>> {
    let allowed = |gpus: u32| gpus <= ask.available && ask.gpus.is_none_or(|wanted| gpus == wanted);
    let here = |config: &&Config| config.on.iter().any(|key| key == ask.gpu.recipe_key());
    let known = recipe.configs.iter().filter(here).filter(|c| c.nodes == 1 && allowed(c.gpus));
    let mut ways: Vec<Way<'a>> =
        known.map(|config| Way { parallel: parallel(config), config: Some(config), exact: true }).collect();
    for gpus in counts(ask) {
        if !ways.iter().any(|way| way.parallel.gpus() == gpus) {
            ways.extend(derived(recipe, ask, gpus));
        }
    }
    ways.sort_by_key(|way| {
        let last_resort = way.exact && way.config.is_some_and(|config| config.last_resort);
        (last_resort, way.parallel.gpus(), way.config.map(|config| config.status), way.parallel.dp)
    });
    ways
}

fn parallel(config: &Config) -> Parallel {
    Parallel { tp: config.tp, pp: config.pp, dp: config.dp }
}

/// GPU counts worth deriving a way for: the one that was asked for, else the powers of two.
fn counts(ask: Ask<'_>) -> Vec<u32> {
    match ask.gpus {
        Some(gpus) => vec![gpus],
        None => [1, 2, 4, 8, 16].into_iter().filter(|gpus| *gpus <= ask.available).collect(),
    }
}

/// A way for `gpus` GPUs: tensor parallel as far as the attention heads divide, stages for the rest. Its further
/// arguments come from the configuration nearest to it.
fn derived<'a>(recipe: &'a Recipe, ask: Ask<'_>, gpus: u32) -> Option<Way<'a>> {
    let tp = match recipe.heads {
        Some(heads) => common_divisor(heads, gpus),
        // unknown heads: powers of two divide nearly every model's
        None if gpus.is_power_of_two() => gpus,
        None => 1 << gpus.trailing_zeros(),
    };
    let pp = gpus.checked_div(tp)?;
    // a stage more is a way to fit, not one to run by default: only when exactly this count was asked for
    if pp > 1 && ask.gpus.is_none() {
        return None;
    }
    let nearest = recipe.configs.iter().min_by_key(|c| (c.nodes, c.gpus.abs_diff(gpus), c.status));
    Some(Way { parallel: Parallel { tp, pp, dp: 1 }, config: nearest, exact: false })
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

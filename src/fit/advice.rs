//! What to try instead: each computed, none guessed.

use super::estimate::{Fit, SHORTEST, Verdict, fit, fit_pool};
use super::from_recipe;
use super::setup::Setup;
use super::shape::{Keeps, Shape};
use crate::catalog::gpus::Gpu;
use crate::catalog::models::{self, Recipe};
use crate::units::Tokens;

/// One thing that fits better. Absent fields stay as they were.
#[derive(Debug, Clone, PartialEq)]
pub struct Try {
    /// A shorter context.
    pub context: Option<Tokens>,
    /// So many GPUs.
    pub gpus: Option<u32>,
    /// Keys and values in FP8.
    pub kv_cache_dtype: Option<&'static str>,
    /// A variant with smaller weights, as its repository.
    pub model: Option<String>,
    /// What it comes to.
    pub fit: Fit,
}

/// For whom advice is sought.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The model.
    pub shape: &'a Shape,
    /// Its catalog entry, which knows its variants.
    pub recipe: Option<&'a Recipe>,
    /// The GPU, which decides what FP8 is good for.
    pub gpu: Option<&'a Gpu>,
    /// How it was to be run.
    pub setup: &'a Setup,
    /// The pool that the engine reported for this model on these GPUs, GiB; other GPUs and variants are estimated.
    pub pool_gib: Option<f64>,
}

impl Case<'_> {
    /// The same model on the same GPUs, run another way.
    fn fit(&self, setup: &Setup) -> Fit {
        self.pool_gib.map_or_else(|| fit(self.shape, setup), |gib| fit_pool(self.shape, setup, gib))
    }
}

/// GPU counts worth trying: up to two machines of eight.
const COUNTS: [u32; 4] = [2, 4, 8, 16];

/// The most of them that make sense for a kind: one machine of those that come in smaller ones (GH200, GB10, GB200).
fn most(gpu: Option<&Gpu>) -> u32 {
    gpu.map(|gpu| gpu.per_machine).filter(|gpus| *gpus < 8).unwrap_or(16)
}

/// Alternatives to something that does not surely fit, each better than it: FP8 cache, shorter context, smaller
/// variants, more GPUs; a shorter context with FP8 if nothing else helps. Empty when it fits.
#[must_use]
pub fn tries(case: Case<'_>, now: &Fit) -> Vec<Try> {
    if now.verdict == Verdict::Fits {
        return Vec::new();
    }
    let asked = Setup { context: Some(now.context), ..*case.setup };
    let case = Case { setup: &asked, ..case };
    let mut found: Vec<Try> =
        [fp8_cache(case), context(case), more_gpus(case)].into_iter().flatten().collect();
    found.extend(variants(case));
    if found.is_empty() {
        found.extend(both(case));
    }
    found.retain(|t| t.fit.verdict < now.verdict);
    // what surely fits comes first; the order above otherwise stays
    found.sort_by_key(|t| t.fit.verdict);
    found
}

fn nothing_changed(fit: Fit) -> Try {
    Try { context: None, gpus: None, kv_cache_dtype: None, model: None, fit }
}

fn fp8_cache(case: Case<'_>) -> Option<Try> {
    let setup = with_fp8(case)?;
    let fit = case.fit(&setup);
    (fit.verdict != Verdict::DoesNotFit).then(|| Try { kv_cache_dtype: Some("fp8"), ..nothing_changed(fit) })
}

/// The setup with an FP8 cache, where that helps and the GPU can.
fn with_fp8(case: Case<'_>) -> Option<Setup> {
    let can = case.gpu.is_none_or(|gpu| gpu.fp8);
    let measured = case.shape.layers.iter().any(|l| matches!(l.keeps, Keeps::Measured { .. }));
    (can && !measured && !case.setup.fp8_cache).then_some(Setup { fp8_cache: true, ..*case.setup })
}

fn context(case: Case<'_>) -> Option<Try> {
    let setup = Setup { context: None, ..*case.setup };
    let fit = case.fit(&setup);
    let shorter = case.setup.context.is_some_and(|asked| fit.context < asked);
    let useful = shorter && fit.context.0 >= SHORTEST && fit.verdict != Verdict::DoesNotFit;
    useful.then(|| Try { context: Some(fit.context), ..nothing_changed(fit) })
}

fn both(case: Case<'_>) -> Option<Try> {
    let setup = with_fp8(case)?;
    context(Case { setup: &setup, ..case }).map(|t| Try { kv_cache_dtype: Some("fp8"), ..t })
}

/// The fewest GPUs on which it surely fits, tensor parallel up to eight, then in stages of eight.
fn more_gpus(case: Case<'_>) -> Option<Try> {
    let now = case.setup.parallel;
    let spread = |gpus: u32| {
        let tp = gpus.min(8);
        let even = case.shape.can_be_cut(tp);
        even.then(|| crate::catalog::recipe::Parallel { tp, pp: gpus / tp, dp: 1 })
    };
    let worth = |gpus: &u32| *gpus > now.gpus() && *gpus <= most(case.gpu);
    COUNTS.into_iter().filter(worth).filter_map(spread).find_map(|parallel| {
        let fit = fit(case.shape, &Setup { parallel, ..*case.setup });
        let gpus = Some(parallel.gpus());
        (fit.verdict == Verdict::Fits).then(|| Try { gpus, ..nothing_changed(fit) })
    })
}

/// Smaller variants that fit as they are, largest first; FP4 only where the GPU computes in it.
fn variants(case: Case<'_>) -> Vec<Try> {
    let Some(recipe) = case.recipe else { return Vec::new() };
    let suits =
        |other: &&'static Recipe| !other.precision.ends_with("fp4") || case.gpu.is_none_or(|gpu| gpu.fp4);
    let tried = models::smaller(recipe).into_iter().filter(suits).filter_map(|other| {
        let fit = fit(&from_recipe::shape(other)?, case.setup);
        (fit.verdict != Verdict::DoesNotFit)
            .then(|| Try { model: Some(other.id.clone()), ..nothing_changed(fit) })
    });
    tried.take(3).collect()
}

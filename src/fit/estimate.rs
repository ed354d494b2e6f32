//! The estimate itself, item by item, and its verdict.

use super::overhead::{Load, band};
use super::pool::Pool;
use super::setup::Setup;
use super::shape::{Shape, Source};
use crate::catalog::recipe::Parallel;
use crate::units::{Bytes, Tokens};

/// Whether it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Also at the most overhead that was ever seen.
    Fits,
    /// Only if the overhead is less than the most that was ever seen.
    Tight,
    /// Not even at the least.
    DoesNotFit,
}

/// One GPU's memory, GiB. Everything but the KV cache is unknown when only the pool was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerGpu {
    /// As torch counts it.
    pub total_gib: f64,
    /// What vLLM may take of it.
    pub requested_gib: f64,
    /// The weights.
    pub weights_gib: f64,
    /// Activations, CUDA graphs and buffers: at least and at most.
    pub overhead_gib: (f64, f64),
    /// What is left for the KV cache: in the middle of that band, or as it was given. Never negative.
    pub kv_gib: f64,
}

/// What the estimate came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Whether it fits.
    pub verdict: Verdict,
    /// One GPU's memory.
    pub per_gpu: PerGpu,
    /// How the work is spread.
    pub parallel: Parallel,
    /// The context this is about: the one that was asked for, else the longest that fits.
    pub context: Tokens,
    /// The longest context that the model was made for.
    pub own: Tokens,
    /// Bytes that one more token takes on one GPU.
    pub kv_bytes_per_token: u64,
    /// GiB of KV cache that one request of that context needs on one GPU.
    pub needed_gib: f64,
    /// Tokens that the KV cache holds, over all data parallel copies.
    pub tokens: u64,
    /// Requests of that context side by side, over all data parallel copies.
    pub concurrency: f64,
    /// Bytes of the model's files.
    pub files: Bytes,
    /// Where the numbers come from.
    pub source: Source,
}

/// Estimates whether a model fits.
#[must_use]
pub fn fit(shape: &Shape, setup: &Setup) -> Fit {
    let pool = setup.pool(shape);
    let requested_gib = setup.total_gib * setup.memory;
    let weights_gib = setup.weights_gib(shape);
    let load = Load {
        bulk: shape.bulk,
        weights_gib,
        world: setup.parallel.tp * setup.parallel.pp,
        batched_tokens: setup.batched_tokens,
        graphs: !setup.without.graphs,
    };
    let (low, high) = band(load);
    let left = |overhead: f64| (requested_gib - weights_gib - overhead).max(0.0);
    let (most, least) = (left(low), left(high));
    let context = setup.context.unwrap_or_else(|| longest(shape, &pool, least, most));
    let per_gpu = PerGpu {
        total_gib: setup.total_gib,
        requested_gib,
        weights_gib,
        overhead_gib: (low, high),
        kv_gib: left(f64::midpoint(low, high)),
    };
    let needed = pool.least_bytes(context.0);
    let verdict = match needed {
        needed if needed <= bytes(least) => Verdict::Fits,
        needed if needed <= bytes(most) => Verdict::Tight,
        _ => Verdict::DoesNotFit,
    };
    sum_up(shape, setup, &pool, Found { verdict, per_gpu, context, source: shape.source })
}

/// What a pool of known size holds, GiB per GPU: as a start-up log says it, or `--available-kv`.
#[must_use]
pub fn fit_pool(shape: &Shape, setup: &Setup, kv_gib: f64) -> Fit {
    let pool = setup.pool(shape);
    let estimate = fit(shape, setup);
    let context = setup.context.unwrap_or_else(|| longest(shape, &pool, kv_gib, kv_gib));
    let holds = pool.least_bytes(context.0) <= bytes(kv_gib);
    let verdict = if holds { Verdict::Fits } else { Verdict::DoesNotFit };
    // what is neither weights nor pool was the overhead
    let rest = (estimate.per_gpu.requested_gib - estimate.per_gpu.weights_gib - kv_gib).max(0.0);
    let per_gpu = PerGpu { kv_gib, overhead_gib: (rest, rest), ..estimate.per_gpu };
    sum_up(shape, setup, &pool, Found { verdict, per_gpu, context, source: Source::Measured })
}

/// The longest context in whole thousands: one that surely fits, else one that may, else the model's own.
fn longest(shape: &Shape, pool: &Pool, least_gib: f64, most_gib: f64) -> Tokens {
    let limit = shape.max_context.0;
    let round = |tokens: u32| if tokens < limit { tokens / 1024 * 1024 } else { tokens };
    let found = [least_gib, most_gib].map(|gib| round(pool.longest(bytes(gib), limit)));
    Tokens(found.into_iter().find(|tokens| *tokens >= SHORTEST).unwrap_or(limit))
}

/// Tokens below which a context is not worth offering.
pub(super) const SHORTEST: u32 = 4096;

#[derive(Clone, Copy)]
struct Found {
    verdict: Verdict,
    per_gpu: PerGpu,
    context: Tokens,
    source: Source,
}

/// Adds what follows from the pool.
#[expect(clippy::cast_precision_loss, reason = "bytes of one GPU are far below 2^53")]
fn sum_up(shape: &Shape, setup: &Setup, pool: &Pool, found: Found) -> Fit {
    let Found { verdict, per_gpu, context, source } = found;
    let (kv, copies) = (bytes(per_gpu.kv_gib), setup.parallel.dp);
    Fit {
        verdict,
        per_gpu,
        parallel: setup.parallel,
        context,
        own: shape.max_context,
        kv_bytes_per_token: pool.token_bytes(),
        needed_gib: pool.least_bytes(context.0) as f64 / f64::from(1 << 30),
        tokens: pool.tokens(kv, context.0) * u64::from(copies),
        concurrency: pool.concurrency(kv, context.0) * f64::from(copies),
        files: shape.files,
        source,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "GiB of one GPU, never negative")]
fn bytes(gib: f64) -> u64 {
    (gib * f64::from(1 << 30)) as u64
}

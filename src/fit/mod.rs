//! Will it fit: weights, overhead and KV cache against one kind of GPU, item by item.
//!
//! In: a [`Shape`] (from the catalog or from a `config.json`), a [`Setup`] (parallelism, share of memory, context …)
//! and the GPU's memory, or the pool a start-up log printed. Out: a [`Fit`] with its verdict, and what to [`advice::tries`]
//! instead. The rules are those of vLLM 0.32, read in `vllm/v1/core/kv_cache_utils.py` and checked against published
//! start-up logs (`tests/data/kvcache-datapoints.json`).

pub mod shape;
pub mod from_recipe;
pub mod limit;
pub mod config;
pub mod pool;
pub mod overhead;
pub mod setup;
pub mod estimate;
pub mod advice;
pub mod choose;
pub mod by_rule;
pub mod report;
pub mod text;

pub use advice::{Case, Try, tries};
pub use by_rule::{Spread, fewest, spread};
pub use choose::{Chosen, Wanted, all, choose};
pub use estimate::{Fit, PerGpu, Verdict, fit, fit_pool};
pub use pool::Pool;
pub use setup::Setup;
pub use shape::{Shape, Source};

#[cfg(test)]
mod datapoints;
#[cfg(test)]
mod tests;

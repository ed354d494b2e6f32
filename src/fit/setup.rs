//! How a server will be run, as far as memory cares: vLLM's defaults, what the manifest says, what arguments say.

use super::pool::{Cut, Pool};
use super::shape::{Bulk, Shape};
use crate::catalog::args;
use crate::catalog::engines;
use crate::catalog::recipe::Parallel;
use crate::catalog::version::Version;
use crate::units::Tokens;

/// How the server will be run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// GiB of one GPU as torch counts them.
    pub total_gib: f64,
    /// How the work is spread.
    pub parallel: Parallel,
    /// Ranks over which `--decode-context-parallel-size` spreads the tokens; 1 without.
    pub dcp: u32,
    /// Share of the GPU's memory vLLM may take: 0.92.
    pub memory: f64,
    /// Tokens of context; `None` asks for the longest that fits.
    pub context: Option<Tokens>,
    /// Whether keys and values are kept in FP8.
    pub fp8_cache: bool,
    /// `--max-num-batched-tokens`
    pub batched_tokens: u32,
    /// Whether experts are spread over data parallel ranks (`--enable-expert-parallel`).
    pub expert_parallel: bool,
    /// What is switched off: CUDA graphs, prefix caching, overlapping steps.
    pub without: Without,
}

/// What vLLM does by default and may be told, or too old, not to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Without {
    /// `--enforce-eager`: no CUDA graphs.
    pub graphs: bool,
    /// `--no-enable-prefix-caching`
    pub prefix_caching: bool,
    /// Steps don't overlap: before 0.14, or `--no-async-scheduling`.
    pub overlap: bool,
}

impl Setup {
    /// vLLM's defaults for a GPU and a version, on one GPU.
    #[must_use]
    pub fn new(gpu_name: &str, total_gib: f64, version: &Version) -> Self {
        Self {
            total_gib,
            parallel: Parallel::ONE,
            dcp: 1,
            memory: engines::default_memory(version),
            context: None,
            fp8_cache: false,
            batched_tokens: default_batch(gpu_name, total_gib),
            expert_parallel: false,
            // asynchronous scheduling is the default since 0.14 (data/models.toml, gpt-oss)
            without: Without { overlap: !version.at_least(0, 14), ..Without::default() },
        }
    }

    /// The same, with what a command line says: FP8 cache, batch, parallelism, memory, eager mode, caching.
    #[must_use]
    pub fn with_args(mut self, list: &[String]) -> Self {
        let number =
            |flag: &str| args::value(list, flag).and_then(|text| text.parse::<u32>().ok()).filter(|n| *n > 0);
        let has = |flag: &str| args::value(list, flag).is_some();
        self.parallel.tp = number("--tensor-parallel-size").unwrap_or(self.parallel.tp);
        self.parallel.pp = number("--pipeline-parallel-size").unwrap_or(self.parallel.pp);
        self.parallel.dp = number("--data-parallel-size").unwrap_or(self.parallel.dp);
        self.dcp = number("--decode-context-parallel-size").unwrap_or(self.dcp);
        self.batched_tokens = number("--max-num-batched-tokens").unwrap_or(self.batched_tokens);
        self.context = number("--max-model-len").map(Tokens).or(self.context);
        let memory = args::value(list, "--gpu-memory-utilization").and_then(|text| text.parse::<f64>().ok());
        self.memory = memory.filter(|share| (0.0..=1.0).contains(share)).unwrap_or(self.memory);
        self.fp8_cache |= args::value(list, "--kv-cache-dtype").is_some_and(|kind| kind.contains("fp8"));
        self.expert_parallel |= has("--enable-expert-parallel");
        self.without.graphs |= has("--enforce-eager");
        self.without.prefix_caching |= has("--no-enable-prefix-caching");
        self.without.overlap |= has("--no-async-scheduling");
        self
    }

    pub(super) fn pool(&self, shape: &Shape) -> Pool {
        let Parallel { tp, pp, .. } = self.parallel;
        // one batch per stage, and one more where steps overlap (VllmConfig.max_concurrent_batches)
        let batches = if self.without.overlap { pp } else { pp + 1 };
        let cut = Cut {
            tp,
            pp,
            dcp: self.dcp,
            element_bytes: if self.fp8_cache { 1 } else { 2 },
            in_flight: batches.saturating_mul(self.batched_tokens),
            state_blocks: if self.without.prefix_caching { 1 } else { 2 },
        };
        Pool::new(&shape.layers, cut)
    }

    /// GiB of weights on the GPU that carries most: what tensor parallelism does not cut adds up to 3 %, which the
    /// overhead's band covers.
    pub(super) fn weights_gib(&self, shape: &Shape) -> f64 {
        let Parallel { tp, pp, dp } = self.parallel;
        let whole = shape.resident.gib() / f64::from(tp * pp);
        let copies = if self.expert_parallel { f64::from(dp) } else { 1.0 };
        let spread = whole * (shape.unspread + (1.0 - shape.unspread) / copies);
        if pp > 1 && shape.bulk == Bulk::Heavy { spread * PIPELINE_IMBALANCE } else { spread }
    }
}

/// The heaviest stage over the mean, where the first layers are dense and the others are not
/// (point 23: 58.0 and 51.29 GiB, mean 54.6; point 8, a dense model, comes out even).
const PIPELINE_IMBALANCE: f64 = 1.06;

/// `--max-num-batched-tokens` of the API server when nothing is said (`get_batch_defaults` in
/// `vllm/engine/arg_utils.py`): by the GPU's memory; A100s count as small.
fn default_batch(gpu_name: &str, total_gib: f64) -> u32 {
    let a100 = gpu_name.to_ascii_lowercase().contains("a100");
    match total_gib {
        gib if gib >= 160.0 => 16_384,
        gib if gib >= 70.0 && !a100 => 8192,
        _ => 2048,
    }
}

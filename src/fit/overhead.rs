//! What vLLM needs besides weights and KV cache: activations at their peak, CUDA graphs, communication buffers.
//!
//! There is no formula for it, so a band is given. Its edges are set by published start-up logs
//! (`tests/data/kvcache-datapoints.json`; the numbers in brackets are ids there); a test holds every one of them
//! inside. After the first start the pod's own log replaces the band.

use super::shape::Bulk;

/// What the band depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Which kind of model.
    pub bulk: Bulk,
    /// GiB of weights on one GPU, which stand for the model's width.
    pub weights_gib: f64,
    /// GPUs that talk to each other: tensor × pipeline parallel.
    pub world: u32,
    /// `--max-num-batched-tokens`
    pub batched_tokens: u32,
    /// Whether CUDA graphs are captured (not with `--enforce-eager`).
    pub graphs: bool,
}

/// `--max-num-batched-tokens` of an H100, at which most logs were written.
const USUAL_BATCH: f64 = 8192.0;

/// GiB on each GPU, at least and at most.
#[must_use]
pub fn band(load: Load) -> (f64, f64) {
    let batch = f64::from(load.batched_tokens) / USUAL_BATCH;
    let low = match load.bulk {
        // [20] 0.25 with 1.1 GiB of weights, [2] 1.70 with 15, [7] 1.66 with 30.6
        Bulk::Dense => 0.2 + 0.02 * load.weights_gib,
        // [11] 0.63 for a mixture of experts with 57 GiB
        Bulk::Heavy => 0.5,
    };
    // [55] 0.07 alone; [53] 1.84 at tensor parallel 4
    let buffers = match (load.world, load.bulk) {
        (..2, Bulk::Dense) => 0.4,
        // [31] 8.3 in all on one GPU, for gpt-oss-120b with a batch of 1024
        (_, Bulk::Dense | Bulk::Heavy) => 1.9,
    };
    let graphs = match load.bulk {
        _ if !load.graphs => 0.0,
        // [55] 0.67
        Bulk::Dense => 0.7,
        // [28] 1.72
        Bulk::Heavy => 1.8,
    };
    let activations = match load.bulk {
        // [55] 1.97 and [2] 1.44 with 15 GiB; the part that does not depend on the batch is the logits'
        Bulk::Dense => (1.0 + 0.06 * load.weights_gib) * (0.6 + 0.4 * batch),
        // [53] 4.71 with 38 GiB, [50] 2.35 and more with 17.6 and a batch of 2048, [22] 4.5 and more with 94
        Bulk::Heavy => (1.0 + 0.1 * load.weights_gib).min(4.75) * batch.max(1.0),
    };
    (low, (buffers + graphs + activations).max(low))
}

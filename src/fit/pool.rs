//! The pool of blocks that vLLM cuts the KV cache into, and how many a request takes.
//!
//! Rules of vLLM 0.32, `vllm/v1/core/kv_cache_utils.py` and `vllm/v1/kv_cache_interface.py`: layers that keep the same
//! form groups of equal size; all groups draw blocks of one size from one pool. Layers that only grow (full attention,
//! latent attention and its index) share a group. A window group holds what the window and the tokens in flight need,
//! a state group one block, or two with prefix caching.

use super::shape::{Keeps, Layers};

/// How the cache is cut and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Tensor parallel ranks, which share out KV heads.
    pub tp: u32,
    /// Pipeline stages, which share out layers.
    pub pp: u32,
    /// Ranks over which `--decode-context-parallel-size` spreads the tokens.
    pub dcp: u32,
    /// Bytes per element: 2, or 1 for FP8.
    pub element_bytes: u32,
    /// Tokens that may be scheduled and not yet settled.
    pub in_flight: u32,
    /// Blocks a state takes: 2 with prefix caching, else 1 (`MambaSpec.max_memory_usage_bytes`).
    pub state_blocks: u32,
}

/// The pool of one GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    block_bytes: u64,
    groups: Vec<Group>,
    token_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    /// Tokens per block.
    block: u32,
    need: Need,
}

/// Tokens of a sequence of some length that a group has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    All,
    Window(u32),
    Chunk(u32),
    Blocks(u32),
}

/// Tokens per block by default; latent attention takes 64 (`get_supported_kernel_block_sizes` of its kernels).
const BLOCK: u32 = 16;
const LATENT_BLOCK: u32 = 64;
/// What a block of latent attention is a multiple of beside recurrent layers (`vllm/platforms/interface.py`).
const LATENT_HYBRID_BLOCK: u32 = 128;
/// Bytes per token of the FP8 layout of sparse latent attention: 512 values, 4 scales of 4 bytes, 64 rotary values in
/// bfloat16 (`fp8_ds_mla`).
const SPARSE_FP8_BYTES: u64 = 656;

impl Pool {
    /// The pool for a model's layers. In flight are `cut.in_flight` tokens at most.
    #[must_use]
    pub fn new(layers: &[Layers], cut: Cut) -> Self {
        let stage: Vec<Layers> = layers
            .iter()
            .map(|l| Layers { count: l.count.div_ceil(cut.pp.max(1)), keeps: l.keeps })
            .filter(|l| l.count > 0)
            .collect();
        let grows = |l: &&Layers| token_bytes(l.keeps, cut) > 0 && need(l.keeps, cut) == Need::All;
        let growing: u64 =
            stage.iter().filter(grows).map(|l| u64::from(l.count) * token_bytes(l.keeps, cut)).sum();
        let token_bytes = growing.div_ceil(u64::from(cut.dcp.max(1)));
        if stage.iter().all(|l| grows(&l)) {
            let block = base_block(&stage);
            let group = Group { block: block * cut.dcp.max(1), need: Need::All };
            return Self { block_bytes: growing * u64::from(block), groups: vec![group], token_bytes };
        }
        let (block_bytes, groups) = hybrid(&stage, cut);
        Self { block_bytes, groups, token_bytes }
    }

    /// Bytes that one more token takes on one GPU, not counting what windows and states hold anyway.
    #[must_use]
    pub fn token_bytes(&self) -> u64 {
        self.token_bytes
    }

    /// Bytes of one block.
    #[must_use]
    pub fn block_bytes(&self) -> u64 {
        self.block_bytes
    }

    /// Tokens per block in the first group, and the number of groups: what vLLM before 0.21 counted tokens by.
    #[must_use]
    pub fn block_and_groups(&self) -> (u32, usize) {
        (self.groups.first().map_or(BLOCK, |group| group.block), self.groups.len())
    }

    /// Blocks that go into so many bytes.
    #[must_use]
    pub fn blocks(&self, bytes: u64) -> u64 {
        bytes.checked_div(self.block_bytes).unwrap_or(0)
    }

    /// Blocks that one request of so many tokens takes.
    #[must_use]
    pub fn blocks_for(&self, tokens: u32) -> u64 {
        self.groups.iter().map(|group| group.blocks_for(tokens)).sum()
    }

    /// Bytes that must be there for one request of so many tokens: its blocks, and one that vLLM keeps back.
    #[must_use]
    pub fn least_bytes(&self, tokens: u32) -> u64 {
        (self.blocks_for(tokens) + 1).saturating_mul(self.block_bytes)
    }

    /// Requests of so many tokens that go into so many bytes side by side (`Maximum concurrency` of the log).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of blocks are far below 2^53")]
    pub fn concurrency(&self, bytes: u64, tokens: u32) -> f64 {
        self.blocks(bytes) as f64 / self.blocks_for(tokens).max(1) as f64
    }

    /// Tokens that go into so many bytes when requests have so many tokens each (`GPU KV cache size` of the log since
    /// 0.21: concurrency × context, rounded down).
    #[must_use]
    pub fn tokens(&self, bytes: u64, context: u32) -> u64 {
        self.blocks(bytes).saturating_mul(u64::from(context)) / self.blocks_for(context).max(1)
    }

    /// The longest request that goes into so many bytes, 0 if none does; at most `limit`.
    #[must_use]
    pub fn longest(&self, bytes: u64, limit: u32) -> u32 {
        let fits = |tokens: u32| self.least_bytes(tokens) <= bytes;
        if fits(limit) {
            return limit;
        }
        let (mut good, mut bad) = (0, limit);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            if fits(middle) { good = middle } else { bad = middle }
        }
        good
    }
}

impl Group {
    fn blocks_for(self, tokens: u32) -> u64 {
        let blocks = |held: u32| u64::from(held.min(tokens).div_ceil(self.block.max(1)));
        match self.need {
            Need::All => blocks(tokens),
            // one more, because a window need not begin where a block does
            Need::Window(held) => blocks(held) + 1,
            Need::Chunk(held) => blocks(held),
            Need::Blocks(count) => u64::from(count),
        }
    }
}

/// Bytes per token of one layer on one rank; 0 for a state.
fn token_bytes(keeps: Keeps, cut: Cut) -> u64 {
    let rank_heads = |heads: u32| u64::from((heads / cut.tp.max(1)).max(1));
    let element = u64::from(cut.element_bytes);
    match keeps {
        Keeps::All { heads, elements }
        | Keeps::Window { heads, elements, .. }
        | Keeps::Chunk { heads, elements, .. } => rank_heads(heads) * u64::from(elements) * element,
        Keeps::Latent { sparse: true, .. } if cut.element_bytes == 1 => SPARSE_FP8_BYTES,
        Keeps::Latent { elements, .. } => u64::from(elements) * element,
        Keeps::Index { bytes } | Keeps::Measured { bytes } => u64::from(bytes),
        Keeps::State(_) => 0,
    }
}

fn need(keeps: Keeps, cut: Cut) -> Need {
    match keeps {
        Keeps::All { .. } | Keeps::Latent { .. } | Keeps::Index { .. } | Keeps::Measured { .. } => Need::All,
        Keeps::Window { window, .. } => Need::Window(window.saturating_sub(1).saturating_add(cut.in_flight)),
        Keeps::Chunk { chunk, .. } => Need::Chunk(chunk.saturating_add(cut.in_flight)),
        Keeps::State(_) => Need::Blocks(cut.state_blocks),
    }
}

fn base_block(stage: &[Layers]) -> u32 {
    let latent = stage.iter().any(|l| matches!(l.keeps, Keeps::Latent { .. }));
    if latent { LATENT_BLOCK } else { BLOCK }
}

/// Groups of layers of several kinds: bytes of a block of the pool, and the groups.
///
/// Pages are made equal first: beside a state, attention takes blocks so long that its page holds the state;
/// otherwise the smaller page takes more tokens where that comes out even, or is padded.
fn hybrid(stage: &[Layers], cut: Cut) -> (u64, Vec<Group>) {
    let widest = stage.iter().map(|l| token_bytes(l.keeps, cut)).max().unwrap_or(0).max(1);
    let block = hybrid_block(stage, widest, cut.tp);
    let size = group_size(stage);
    let groups = stage.iter().flat_map(|l| {
        let own = token_bytes(l.keeps, cut);
        let even = own > 0 && widest.is_multiple_of(own);
        let times = if even { u32::try_from(widest / own).unwrap_or(1) } else { 1 };
        let group = Group { block: block.saturating_mul(times), need: need(l.keeps, cut) };
        std::iter::repeat_n(group, l.count.div_ceil(size) as usize)
    });
    let page = widest.saturating_mul(u64::from(block));
    (page.saturating_mul(u64::from(size)), groups.collect())
}

/// Tokens per block of the widest layers: the usual, or as many as the largest state takes.
fn hybrid_block(stage: &[Layers], widest: u64, tp: u32) -> u32 {
    let step = if base_block(stage) == BLOCK { BLOCK } else { LATENT_HYBRID_BLOCK };
    let states = stage.iter().filter_map(|l| match l.keeps {
        Keeps::State(kept) => Some(kept.bytes(tp)),
        Keeps::All { .. }
        | Keeps::Latent { .. }
        | Keeps::Index { .. }
        | Keeps::Window { .. }
        | Keeps::Chunk { .. }
        | Keeps::Measured { .. } => None,
    });
    let Some(bytes) = states.max() else { return base_block(stage) };
    let steps = bytes.div_ceil(widest * u64::from(step)).max(1);
    u32::try_from(steps).map_or(u32::MAX, |steps| steps.saturating_mul(step))
}

/// Layers per group: as many as the rarest kind has, or as the commonest if that is less than half as much again
/// (`_get_kv_cache_groups_uniform_page_size`).
fn group_size(stage: &[Layers]) -> u32 {
    let counts = || stage.iter().map(|l| l.count);
    let (least, most) = (counts().min().unwrap_or(1).max(1), counts().max().unwrap_or(1));
    if most * 2 < least * 3 { most } else { least }
}

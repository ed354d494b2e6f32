//! The shape of a model as memory sees it: how heavy its weights are and what each layer keeps.

use crate::units::{Bytes, Tokens};

/// What the estimate needs to know of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Bytes of the safetensors files, as people know the model's size.
    pub files: Bytes,
    /// Bytes the weights take in GPU memory, over all tensor parallel ranks together.
    pub resident: Bytes,
    /// What the layers keep, kind by kind, counted over the whole model.
    pub layers: Vec<Layers>,
    /// The longest context it was made for.
    pub max_context: Tokens,
    /// Attention heads, which tensor parallelism shares out.
    pub heads: Option<u32>,
    /// Which overhead to expect.
    pub bulk: Bulk,
    /// The share of the weights that expert parallelism does not spread: attention, embeddings, shared experts.
    pub unspread: f64,
    /// Where this comes from.
    pub source: Source,
}

/// Where a shape, or an estimate, comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The embedded catalog.
    Recipe,
    /// The model's own `config.json` and file sizes.
    Config,
    /// The pool that the engine itself reported.
    Measured,
}

/// Which overhead to expect; see `overhead`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bulk {
    /// All parameters work on every token and every layer is plain attention.
    Dense,
    /// Mixtures of experts, latent attention, recurrent layers: their kernels need far more room.
    Heavy,
}

/// Layers that keep the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    /// How many, in the whole model.
    pub count: u32,
    /// What each keeps.
    pub keeps: Keeps,
}

/// What one layer keeps of a sequence. Elements, not bytes, where the type of the cache decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Keys and values of all tokens: `heads` KV heads of `elements` (key and value together).
    All {
        /// KV heads, shared out over tensor parallel ranks, at least one each.
        heads: u32,
        /// Elements of key and value of one head.
        elements: u32,
    },
    /// One latent vector of all tokens, on every tensor parallel rank alike.
    Latent {
        /// `kv_lora_rank + qk_rope_head_dim`
        elements: u32,
        /// Whether the model picks tokens by an index (`DeepSeek-V3.2`, GLM-5), which changes the FP8 layout.
        sparse: bool,
    },
    /// A search key of all tokens, on every rank alike, in a format of its own.
    Index {
        /// Bytes per token.
        bytes: u32,
    },
    /// Keys and values of the last `window` tokens.
    Window {
        /// KV heads.
        heads: u32,
        /// Elements of key and value of one head.
        elements: u32,
        /// Tokens.
        window: u32,
    },
    /// Keys and values of the current chunk.
    Chunk {
        /// KV heads.
        heads: u32,
        /// Elements of key and value of one head.
        elements: u32,
        /// Tokens.
        chunk: u32,
    },
    /// A state of fixed size.
    State(State),
    /// What was measured per token, on every rank alike, for architectures without a closed formula.
    Measured {
        /// Bytes per token.
        bytes: u32,
    },
}

/// The recurrent state of one layer and sequence, before it is shared out over tensor parallel ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Channels of the convolution, without the groups' part: that of heads × head dim.
    pub channels: u64,
    /// Groups whose two projections pass the convolution too; a group is copied rather than cut.
    pub groups: u32,
    /// Channels of one group's two projections.
    pub group_channels: u64,
    /// Width of the convolution; all but one step are kept.
    pub kernel: u32,
    /// Elements of the recurrent state.
    pub elements: u64,
    /// Bytes per element of the recurrent state; the convolution keeps 2.
    pub element_bytes: u32,
}

/// Bytes per element that the convolution keeps: the model's own type, bfloat16.
const CONV_BYTES: u64 = 2;

impl State {
    /// Bytes of one layer's state on one of `tp` ranks
    /// (`MambaStateShapeCalculator` in `vllm/model_executor/layers/mamba/mamba_utils.py`).
    #[must_use]
    pub fn bytes(self, tp: u32) -> u64 {
        let tp = tp.max(1);
        // groups that don't divide are copied until every rank has one
        let groups = if self.groups.is_multiple_of(tp) { self.groups } else { tp };
        let channels = self.channels + u64::from(groups) * self.group_channels;
        let conv = channels / u64::from(tp) * u64::from(self.kernel.saturating_sub(1)) * CONV_BYTES;
        conv + self.elements / u64::from(tp) * u64::from(self.element_bytes)
    }

    /// Gated delta net (Qwen3-Next, Qwen3.5): `[key heads, value heads]`, `[key dim, value dim]`.
    #[must_use]
    pub fn delta_net(heads: [u32; 2], dims: [u32; 2], kernel: u32, element_bytes: u32) -> Self {
        let ([k_heads, v_heads], [k_dim, v_dim]) = (heads.map(u64::from), dims.map(u64::from));
        Self {
            channels: 2 * k_heads * k_dim + v_heads * v_dim,
            groups: 0,
            group_channels: 0,
            kernel,
            elements: v_heads * v_dim * k_dim,
            element_bytes,
        }
    }

    /// Mamba 2 (Nemotron-H, Granite 4): `[heads, head dim, state size]` and groups.
    #[must_use]
    pub fn mamba2(dims: [u32; 3], groups: u32, kernel: u32, element_bytes: u32) -> Self {
        let [heads, head_dim, state] = dims.map(u64::from);
        Self {
            channels: heads * head_dim,
            groups,
            group_channels: 2 * state,
            kernel,
            elements: heads * head_dim * state,
            element_bytes,
        }
    }

    /// Kimi delta attention: three projections pass the convolution, the state is kept in float32.
    #[must_use]
    pub fn kda(heads: u32, head_dim: u32, kernel: u32) -> Self {
        let (heads, head_dim) = (u64::from(heads), u64::from(head_dim));
        Self {
            channels: 3 * heads * head_dim,
            groups: 0,
            group_channels: 0,
            kernel,
            elements: heads * head_dim * head_dim,
            element_bytes: 4,
        }
    }
}

impl Shape {
    /// Whether vLLM can cut it into so many pieces: the attention heads have to divide, and the KV heads, too, or each
    /// has to be on as many pieces (`ModelConfig.verify_with_parallel_config`, `QKVParallelLinear`).
    #[must_use]
    pub fn can_be_cut(&self, pieces: u32) -> bool {
        let kv_heads = self.layers.iter().filter_map(|layers| match layers.keeps {
            Keeps::All { heads, .. } | Keeps::Window { heads, .. } | Keeps::Chunk { heads, .. } => {
                Some(heads)
            }
            Keeps::Latent { .. } | Keeps::Index { .. } | Keeps::State(_) | Keeps::Measured { .. } => None,
        });
        let evenly = |heads: u32| heads.is_multiple_of(pieces) || pieces.is_multiple_of(heads);
        self.heads.is_none_or(|heads| heads.is_multiple_of(pieces)) && kv_heads.into_iter().all(evenly)
    }

    /// The share of the weights that expert parallelism leaves on every rank, from the share of parameters that work on
    /// one token: half of it. A rough rule: of Qwen3-Coder-480B-A35B's 35B active parameters about 16B are attention
    /// and embeddings, the rest are the chosen experts.
    #[must_use]
    pub fn unspread(active_share: f64) -> f64 {
        if active_share >= 1.0 { 1.0 } else { active_share / 2.0 }
    }

    /// Which overhead to expect of such layers.
    #[must_use]
    pub fn bulk(layers: &[Layers], active_share: f64) -> Bulk {
        let plain =
            |l: &Layers| matches!(l.keeps, Keeps::All { .. } | Keeps::Window { .. } | Keeps::Chunk { .. });
        if active_share >= 1.0 && layers.iter().all(plain) { Bulk::Dense } else { Bulk::Heavy }
    }
}

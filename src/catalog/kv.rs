//! What a model's layers keep for each token, as the catalog's files say it.

use serde::Deserialize;

/// What a model's layers keep for each token: the shape behind its KV cache. Counts are of the whole model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are config.json's own, under their usual names")]
pub enum Kv {
    /// Every layer keeps keys and values of all tokens.
    #[serde(rename = "gqa")]
    Gqa { layers: u32, kv_heads: u32, head_dim: u32 },
    /// Some layers keep only a window.
    #[serde(rename = "gqa+swa")]
    Sliding {
        full_layers: u32,
        sliding_layers: u32,
        kv_heads: u32,
        head_dim: u32,
        window: u32,
        sliding_kv_heads: Option<u32>,
    },
    /// Gemma 4: window layers and global layers of another shape.
    #[serde(rename = "gemma4")]
    Gemma4 {
        full_layers: u32,
        sliding_layers: u32,
        kv_heads: u32,
        head_dim: u32,
        global_kv_heads: u32,
        global_head_dim: u32,
        window: u32,
    },
    /// Some layers keep only the current chunk (Llama 4).
    #[serde(rename = "gqa+chunked")]
    Chunked { full_layers: u32, chunked_layers: u32, kv_heads: u32, head_dim: u32, chunk: u32 },
    /// One latent vector per layer, shared by all heads; `indexers` layers keep a search key besides.
    #[serde(rename = "mla")]
    Latent {
        layers: u32,
        latent_dim: u32,
        #[serde(default)]
        indexers: u32,
        #[serde(default)]
        indexer_bytes: u32,
    },
    /// Gated delta net: most layers keep a state of fixed size.
    #[serde(rename = "gqa+gdn")]
    DeltaNet {
        full_layers: u32,
        state_layers: u32,
        kv_heads: u32,
        head_dim: u32,
        lin_k_heads: u32,
        lin_v_heads: u32,
        lin_k_dim: u32,
        lin_v_dim: u32,
        conv_kernel: u32,
        state_bytes: u32,
    },
    /// Mamba 2: most layers keep a state of fixed size.
    #[serde(rename = "gqa+mamba2")]
    Mamba2 {
        full_layers: u32,
        state_layers: u32,
        kv_heads: u32,
        head_dim: u32,
        mamba_heads: u32,
        mamba_head_dim: u32,
        ssm_state: u32,
        n_groups: u32,
        conv_kernel: u32,
    },
    /// Kimi delta attention with latent full layers.
    #[serde(rename = "mla+kda")]
    Kda { full_layers: u32, state_layers: u32, latent_dim: u32, kda_heads: u32, kda_head_dim: u32 },
    /// No closed formula: bytes per token as measured, on every rank alike.
    #[serde(rename = "measured")]
    Measured { layers: u32, bytes_per_token: u32 },
}

//! Which layers a `config.json` describes, and what each kind keeps. One function per way of writing it down.

use super::{Config, NotRead};
use crate::fit::shape::{Keeps, Layers, State};
use serde_json::Value;

/// What a layer is, before its sizes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Window,
    Chunk,
    State,
    Nothing,
}

/// The layers of the whole model, kind by kind.
pub(super) fn layers(config: &Config<'_>) -> Result<Vec<Layers>, NotRead> {
    if config.get("compress_ratios").is_some() || config.model_type() == "deepseek_v4" {
        return Err(NotRead::Unknown(config.model_type().to_owned()));
    }
    let kinds = kinds(config)?;
    let count = |kind| u32::try_from(kinds.iter().filter(|k| **k == kind).count()).unwrap_or(u32::MAX);
    let mut layers = Vec::new();
    let mut add = |count: u32, keeps: Keeps| {
        if count > 0 {
            layers.push(Layers { count, keeps });
        }
    };
    if count(Kind::Full) > 0 {
        add(count(Kind::Full), full(config)?);
        add(indexers(config, count(Kind::Full)), index(config));
    }
    if count(Kind::Window) + count(Kind::Chunk) > 0 {
        add(count(Kind::Window), window(config)?);
        add(count(Kind::Chunk), chunk(config)?);
    }
    if count(Kind::State) > 0 {
        add(count(Kind::State), state(config)?);
    }
    Ok(layers)
}

/// Each layer's kind, from whichever field says it; layers that reuse another's cache keep nothing.
fn kinds(config: &Config<'_>) -> Result<Vec<Kind>, NotRead> {
    if let Some(pattern) = config.text("hybrid_override_pattern") {
        return Ok(pattern.chars().map(nemotron_kind).collect());
    }
    let layers = config.need("num_hidden_layers")?;
    let all = 0..layers;
    let mut kinds: Vec<Kind> = if let Some(types) = config.list("layer_types") {
        types.iter().map(typed_kind).collect::<Result<_, _>>()?
    } else if let Some(pattern) = config.list("hybrid_layer_pattern") {
        // MiMo-V2: 1 is a window
        pattern.iter().map(|v| if v.as_u64() == Some(1) { Kind::Window } else { Kind::Full }).collect()
    } else if let Some(linear) = config.get("linear_attn_config") {
        let full = linear.get("full_attn_layers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        // Kimi counts its layers from 1
        all.map(|at| if full.contains(&Value::from(at + 1)) { Kind::Full } else { Kind::State }).collect()
    } else if let Some(interval) = config.number("full_attention_interval").filter(|n| *n > 0) {
        all.map(|at| if (at + 1).is_multiple_of(interval) { Kind::Full } else { Kind::State }).collect()
    } else if config.tokens("attention_chunk_size").is_some() {
        // Llama 4: every fourth layer sees everything
        all.map(|at| if (at + 1).is_multiple_of(4) { Kind::Full } else { Kind::Chunk }).collect()
    } else {
        windows(config, layers)
    };
    let shared = config.number("num_kv_shared_layers").unwrap_or(0) as usize;
    let own = kinds.len().saturating_sub(shared);
    kinds.iter_mut().skip(own).for_each(|kind| *kind = Kind::Nothing);
    Ok(kinds)
}

/// Windows that repeat in a pattern, cover every layer, or are not used.
fn windows(config: &Config<'_>, layers: u32) -> Vec<Kind> {
    let window = config.tokens("sliding_window").filter(|w| *w > 0 && *w < config.max_context());
    let off = config.get("use_sliding_window").and_then(Value::as_bool) == Some(false);
    let kind = |at: u32| match (window, config.any(&["sliding_window_pattern", "_sliding_window_pattern"])) {
        (None, _) => Kind::Full,
        (Some(_), Some(every)) if every > 0 && (at + 1).is_multiple_of(every) => Kind::Full,
        // Gemma 2: every second layer
        (Some(_), None) if config.model_type() == "gemma2" && !at.is_multiple_of(2) => Kind::Full,
        (Some(_), _) if off => Kind::Full,
        (Some(_), _) => Kind::Window,
    };
    (0..layers).map(kind).collect()
}

/// Nemotron-H: `M` is Mamba, `*` attention, `E` and `-` are feed-forward layers.
fn nemotron_kind(letter: char) -> Kind {
    match letter {
        'M' => Kind::State,
        '*' => Kind::Full,
        _ => Kind::Nothing,
    }
}

fn typed_kind(value: &Value) -> Result<Kind, NotRead> {
    match value.as_str().unwrap_or_default() {
        "full_attention" | "attention" | "global_attention" | "deepseek_sparse_attention" => Ok(Kind::Full),
        "sliding_attention" => Ok(Kind::Window),
        "chunked_attention" => Ok(Kind::Chunk),
        "linear_attention" | "mamba" | "mamba2" => Ok(Kind::State),
        "moe" | "mlp" | "dense" => Ok(Kind::Nothing),
        other => Err(NotRead::Unknown(format!("a layer of type `{other}`"))),
    }
}

/// Elements of key and value of one head.
fn elements(config: &Config<'_>) -> Result<u32, NotRead> {
    let head_dim = match config.number("head_dim").filter(|n| *n > 0) {
        Some(head_dim) => head_dim,
        None => config.need("hidden_size")? / config.need("num_attention_heads")?,
    };
    Ok(head_dim + config.number("v_head_dim").unwrap_or(head_dim))
}

fn heads(config: &Config<'_>) -> Result<u32, NotRead> {
    config.number("num_key_value_heads").map_or_else(|| config.need("num_attention_heads"), Ok)
}

fn full(config: &Config<'_>) -> Result<Keeps, NotRead> {
    let sparse = config.number("index_topk").is_some();
    if let (Some(rank), Some(rope)) = (config.number("kv_lora_rank"), config.number("qk_rope_head_dim")) {
        return Ok(Keeps::Latent { elements: rank + rope, sparse });
    }
    // Gemma 4: global layers have a shape of their own, and keep keys and values even where both are equal
    let elements = config.number("global_head_dim").map_or_else(|| elements(config), |dim| Ok(2 * dim))?;
    let heads = config.number("num_global_key_value_heads").map_or_else(|| heads(config), Ok)?;
    Ok(Keeps::All { heads, elements })
}

fn window(config: &Config<'_>) -> Result<Keeps, NotRead> {
    let window = config.tokens("sliding_window").unwrap_or(0);
    let heads = config.number("swa_num_key_value_heads").map_or_else(|| heads(config), Ok)?;
    let elements = match (config.number("swa_head_dim"), config.number("swa_v_head_dim")) {
        (Some(key), value) => key + value.unwrap_or(key),
        (None, _) => elements(config)?,
    };
    Ok(Keeps::Window { heads, elements, window })
}

fn chunk(config: &Config<'_>) -> Result<Keeps, NotRead> {
    let chunk = config.tokens("attention_chunk_size").unwrap_or(0);
    Ok(Keeps::Chunk { heads: heads(config)?, elements: elements(config)?, chunk })
}

/// How many latent layers have an index of their own; the others reuse the one before
/// (`vllm/model_executor/models/deepseek_v2.py`, "`IndexCache` config").
fn indexers(config: &Config<'_>, layers: u32) -> u32 {
    if config.number("index_topk").is_none() {
        return 0;
    }
    if let Some(types) = config.list("indexer_types") {
        return u32::try_from(types.iter().filter(|t| t.as_str() != Some("shared")).count())
            .unwrap_or(layers);
    }
    let every = config.number("index_topk_freq").unwrap_or(1).max(1);
    let offset = config.number("index_skip_topk_offset").unwrap_or(2);
    let has = |at: &u32| (at + 1).saturating_sub(offset).is_multiple_of(every);
    u32::try_from((0..layers).filter(has).count()).unwrap_or(layers)
}

/// The index: a key in FP8 and a scale of 4 bytes for every 128 of it.
fn index(config: &Config<'_>) -> Keeps {
    let dim = config.number("index_head_dim").unwrap_or(128);
    Keeps::Index { bytes: dim + dim.div_ceil(128) * 4 }
}

fn state(config: &Config<'_>) -> Result<Keeps, NotRead> {
    if let Some(linear) = config.get("linear_attn_config") {
        let number = |name| {
            linear
                .get(name)
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
                .filter(|n| *n <= 1 << 16)
        };
        let heads = number("num_heads").map_or_else(|| config.need("num_attention_heads"), Ok)?;
        let dim = number("head_dim").ok_or(NotRead::Missing("linear_attn_config.head_dim"))?;
        return Ok(Keeps::State(State::kda(heads, dim, number("short_conv_kernel_size").unwrap_or(4))));
    }
    if config.number("linear_num_value_heads").is_some() {
        let heads = [config.need("linear_num_key_heads")?, config.need("linear_num_value_heads")?];
        let dims = [config.need("linear_key_head_dim")?, config.need("linear_value_head_dim")?];
        let kernel = config.number("linear_conv_kernel_dim").unwrap_or(4);
        return Ok(Keeps::State(State::delta_net(heads, dims, kernel, state_bytes(config, "qwen3_5"))));
    }
    let heads =
        config.any(&["mamba_num_heads", "mamba_n_heads"]).ok_or(NotRead::Missing("mamba_num_heads"))?;
    let dim = config.any(&["mamba_head_dim", "mamba_d_head"]).ok_or(NotRead::Missing("mamba_head_dim"))?;
    let state = config.any(&["ssm_state_size", "mamba_d_state"]).ok_or(NotRead::Missing("ssm_state_size"))?;
    let groups = config.any(&["n_groups", "mamba_n_groups"]).unwrap_or(1);
    let kernel = config.any(&["conv_kernel", "mamba_d_conv"]).unwrap_or(4);
    Ok(Keeps::State(State::mamba2([heads, dim, state], groups, kernel, state_bytes(config, "nemotron_h"))))
}

/// Bytes per element of the state: what the config says; float32 for the family that asks vLLM for it, else 2.
fn state_bytes(config: &Config<'_>, float32_family: &str) -> u32 {
    match config.text("mamba_ssm_dtype").or_else(|| config.text("mamba_ssm_cache_dtype")) {
        Some("float32") => 4,
        None if config.model_type().starts_with(float32_family) => 4,
        Some(_) | None => 2,
    }
}

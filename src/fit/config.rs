//! From a model's `config.json` and the bytes of its safetensors files to a [`Shape`].

mod layers;

use super::shape::{Shape, Source};
use crate::units::{Bytes, Tokens};
use serde_json::Value;
use thiserror::Error;

/// Why a `config.json` does not tell a shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotRead {
    /// It is not JSON, or not an object.
    #[error("config.json is not a JSON object")]
    NotJson,
    /// A field is missing.
    #[error("config.json has no `{0}`")]
    Missing(&'static str),
    /// What its layers keep follows rules that are not known here.
    #[error(
        "what {0} keeps per token follows no rule known to pi; `--available-kv` takes the engine's own number"
    )]
    Unknown(String),
}

/// Reads a `config.json`; `files` are the bytes of the safetensors files in the root of the repository.
///
/// Multimodal models keep the language model's numbers under `text_config` (or a name like it).
pub fn shape(config_json: &str, files: Bytes) -> Result<Shape, NotRead> {
    let root: Value = serde_json::from_str(config_json).map_err(|_| NotRead::NotJson)?;
    let config = Config::new(&root)?;
    let layers = layers::layers(&config)?;
    let active = config.active_share();
    Ok(Shape {
        files,
        resident: if config.is_stored_in_float32() { Bytes(files.0 / 2) } else { files },
        bulk: Shape::bulk(&layers, active),
        layers,
        max_context: Tokens(config.max_context()),
        heads: config.number("num_attention_heads"),
        unspread: Shape::unspread(active),
        source: Source::Config,
    })
}

/// A `config.json`, seen from the language model's part.
struct Config<'a> {
    root: &'a Value,
    text: &'a Value,
}

/// Names under which multimodal models keep their language model.
const TEXT: [&str; 4] = ["text_config", "llm_config", "language_config", "thinker_config"];

impl<'a> Config<'a> {
    fn new(root: &'a Value) -> Result<Self, NotRead> {
        if !root.is_object() {
            return Err(NotRead::NotJson);
        }
        let inner = |value: &'a Value| TEXT.iter().find_map(|name| value.get(name));
        // Qwen-Omni nests twice: thinker_config.text_config
        let text = inner(root).map_or(root, |text| inner(text).unwrap_or(text));
        Ok(Self { root, text })
    }

    /// A field of the language model, else of the whole.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.text.get(name).or_else(|| self.root.get(name)).filter(|value| !value.is_null())
    }

    /// A number of layers, heads or elements. Beyond 2^16 it is none: a file off the net must not make sums overflow.
    fn number(&self, name: &str) -> Option<u32> {
        self.tokens(name).filter(|n| *n <= 1 << 16)
    }

    /// A number of tokens; 64 million at most.
    fn tokens(&self, name: &str) -> Option<u32> {
        self.get(name)?.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= 1 << 26)
    }

    /// The first of several names that is there.
    fn any(&self, names: &[&str]) -> Option<u32> {
        names.iter().find_map(|name| self.number(name))
    }

    fn need(&self, name: &'static str) -> Result<u32, NotRead> {
        self.number(name).filter(|n| *n > 0).ok_or(NotRead::Missing(name))
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    fn list(&self, name: &str) -> Option<&'a [Value]> {
        self.get(name)?.as_array().map(Vec::as_slice)
    }

    fn model_type(&self) -> &'a str {
        self.text("model_type").unwrap_or_default()
    }

    fn max_context(&self) -> u32 {
        // vLLM's own fallback when the model does not say (`_get_and_verify_max_len`)
        let names = ["max_position_embeddings", "n_positions", "max_seq_len", "seq_length"];
        names.iter().find_map(|name| self.tokens(name)).filter(|n| *n > 0).unwrap_or(2048)
    }

    /// Parameters that work on one token, as a share: from the chosen experts; a tenth for what all tokens pass.
    fn active_share(&self) -> f64 {
        let experts = self.any(&["n_routed_experts", "num_local_experts", "num_experts"]).unwrap_or(0);
        if experts < 2 {
            return 1.0;
        }
        let chosen = self.any(&["num_experts_per_tok", "moe_topk", "num_experts_per_token"]).unwrap_or(1);
        (0.1 + 0.9 * f64::from(chosen) / f64::from(experts)).min(0.99)
    }

    /// Weights stored in float32 are served in half that (`dtype` auto of vLLM).
    fn is_stored_in_float32(&self) -> bool {
        let dtype = self.text("dtype").or_else(|| self.text("torch_dtype"));
        dtype == Some("float32") && self.get("quantization_config").is_none()
    }
}

#[cfg(test)]
mod tests;

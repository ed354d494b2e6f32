//! The longest context that vLLM starts a model with: `_get_and_verify_max_len` of `vllm/config/model.py`.
//!
//! In: a `config.json`, or what the catalog has of it, and the command line. Out: a [`Limit`], or none where it can't
//! be told: then nothing is said.

use crate::catalog::args;
use crate::units::Tokens;
use serde_json::{Map, Value, json};

/// A model's own limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Tokens; a factor may leave a fraction.
    tokens: f64,
    /// The field of `config.json` that sets it.
    pub key: &'static str,
    /// `model_max_length`: vLLM takes up to this even where `tokens` is less.
    most: f64,
}

/// Fields that may tell the longest context; the smallest counts.
const KEYS: [&str; 9] = [
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
];

/// Fields of rotary embeddings, before and since Transformers 5.
const ROPE: [&str; 2] = ["rope_scaling", "rope_parameters"];

/// Under which multimodal models keep their language model.
const TEXT: [&str; 4] = ["text_config", "llm_config", "language_config", "thinker_config"];

/// Whether the environment tells vLLM to take any length.
#[must_use]
pub fn is_lifted(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true")
}

/// The variable that does.
pub const LIFTED_BY: &str = "VLLM_ALLOW_LONG_MAX_MODEL_LEN";

impl Limit {
    /// The limit of a model with this `config.json`, started with these arguments.
    #[must_use]
    pub fn of_config(config_json: &str, list: &[String]) -> Option<Self> {
        let mut root: Value = serde_json::from_str(config_json).ok()?;
        let is_whole = text(&root).is_some_and(|text| Some(text) == root.as_object());
        for over in overrides(list)? {
            // whether an override of the whole reaches the language model's part can't be told
            if !is_whole
                && over.keys().any(|key| KEYS.contains(&key.as_str()) || ROPE.contains(&key.as_str()))
            {
                return None;
            }
            apply(root.as_object_mut()?, over);
        }
        let limit = derive(text(&root)?)?;
        let window = args::value(list, "--disable-sliding-window").and_then(|_| window(text(&root)?));
        Some(match window.filter(|window| *window < limit.tokens) {
            Some(window) => Self { tokens: window, key: "sliding_window", most: limit.most },
            None => limit,
        })
    }

    /// The same, where only the number is known that `config.json` comes to.
    #[must_use]
    pub fn of_tokens(tokens: u32, list: &[String]) -> Option<Self> {
        Self::of_config(&json!({ "max_position_embeddings": tokens }).to_string(), list)
    }

    /// Whether vLLM refuses to start with so many tokens.
    #[must_use]
    pub fn refuses(&self, context: Tokens) -> bool {
        f64::from(context.0) > self.tokens.max(self.most)
    }

    /// Whole tokens.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and so shall it"
    )]
    pub fn tokens(&self) -> Tokens {
        Tokens(self.tokens.max(self.most) as u32)
    }
}

/// Families whose publisher documents `YaRN` with factor 4 over 32k: beginnings of repositories.
///
/// Qwen2.5 and Qwen2.5-Coder: "Processing Long Texts" in the cards of their `-Instruct` models (the others' cards don't
/// have it). Qwen3: "Enabling Long Context" in `docs/source/inference/transformers.md` of QwenLM/Qwen3 @da3e645, and the
/// cards' "32,768 natively and 131,072 tokens with `YaRN`". Those of 2507 have 262,144 and need none.
const YARN: [&str; 13] = [
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen2.5-14B-Instruct",
    "Qwen/Qwen2.5-32B-Instruct",
    "Qwen/Qwen2.5-72B-Instruct",
    "Qwen/Qwen2.5-Coder-7B-Instruct",
    "Qwen/Qwen2.5-Coder-14B-Instruct",
    "Qwen/Qwen2.5-Coder-32B-Instruct",
    "Qwen/Qwen3-4B",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-14B",
    "Qwen/Qwen3-32B",
    "Qwen/Qwen3-30B-A3B",
    "Qwen/Qwen3-235B-A22B",
];

/// Tokens to which that takes them.
const YARN_MOST: Tokens = Tokens(131_072);

/// Why a context is refused, in the words of pi.toml.
#[must_use]
pub fn refusal(limit: &Limit, context: Tokens) -> String {
    let (tokens, key) = (limit.tokens(), limit.key);
    format!(
        "{context} of context is more than its own limit of {tokens} ({key} in its config.json): vLLM would not start"
    )
}

/// What to do about it.
#[must_use]
pub fn remedy(model: &str, limit: &Limit, context: Tokens) -> String {
    let tokens = limit.tokens();
    let shorter = format!("ask for {tokens} at most");
    if YARN.iter().any(|family| model.starts_with(family)) && tokens.0 <= 40_960 && context <= YARN_MOST {
        let rope = r#"{"rope_parameters": {"rope_type": "yarn", "rope_theta": 1000000, "factor": 4.0, "original_max_position_embeddings": 32768}}"#;
        return format!(
            "{shorter}; or stretch it to {YARN_MOST} as its publisher documents: args = [\"--hf-overrides\", '{rope}']"
        );
    }
    format!(
        "{shorter}; a longer one needs what its publisher documents for it, as `--hf-overrides` in `args`"
    )
}

/// The context that a command line asks for, as vLLM reads it: `131072`, `128K` (× 1024), `128k` (× 1000). None where
/// it asks for none, or for the longest that fits.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and so shall it"
)]
pub fn asked(list: &[String]) -> Option<Tokens> {
    let text = args::value(list, "--max-model-len")?.trim();
    let units = [("k", 1e3), ("m", 1e6), ("K", 1024.0), ("M", 1_048_576.0)];
    let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = unit.unwrap_or((text, &1.0));
    let tokens = number.parse::<f64>().ok()? * factor;
    (tokens >= 1.0).then_some(Tokens(tokens as u32))
}

/// What a command line puts over `config.json`; none where that can't be told.
fn overrides(list: &[String]) -> Option<Vec<Map<String, Value>>> {
    let elsewhere = ["--config", "--hf-config-path"].iter().any(|flag| args::value(list, flag).is_some());
    let format = args::value(list, "--config-format").is_some_and(|format| !matches!(format, "auto" | "hf"));
    let nested = list.iter().any(|word| word.replace('_', "-").starts_with("--hf-overrides."));
    if elsewhere || format || nested {
        return None;
    }
    let object = |flag| args::value(list, flag).map(serde_json::from_str::<Map<String, Value>>);
    let rope = object("--rope-scaling").transpose().ok()?;
    let rope = rope.map(|rope| Map::from_iter([(ROPE[0].to_owned(), Value::Object(rope))]));
    Some(object("--hf-overrides").transpose().ok()?.into_iter().chain(rope).collect())
}

/// Puts fields over those of a configuration: parts of a multimodal one field by field, all else as a whole.
fn apply(config: &mut Map<String, Value>, over: Map<String, Value>) {
    if ROPE.iter().any(|key| over.contains_key(*key)) {
        config.retain(|key, _| !ROPE.contains(&key.as_str()));
    }
    for (key, value) in over {
        match (config.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(over)) if TEXT.contains(&key.as_str()) => {
                apply(inner, over);
            }
            (_, value) => drop(config.insert(key, value)),
        }
    }
}

/// The language model's part, which alone counts.
fn text(root: &Value) -> Option<&Map<String, Value>> {
    fn inner(value: &Value) -> Option<&Value> {
        TEXT.iter().find_map(|name| value.get(name)).filter(|value| value.is_object())
    }
    // Qwen-Omni nests twice: thinker_config.text_config
    let text = inner(root).map_or(root, |text| inner(text).unwrap_or(text));
    text.as_object()
}

/// What the fields say. With "llama3", "longrope" and "su" `max_position_embeddings` is scaled already, and with Gemma 3
/// always; "default" and "mrope" have no factor.
fn derive(config: &Map<String, Value>) -> Option<Limit> {
    let number = |key: &str| config.get(key)?.as_f64().filter(|number| *number > 0.0);
    let least =
        KEYS.iter().filter_map(|key| Some((number(key)?, *key))).min_by(|one, two| one.0.total_cmp(&two.0));
    let own = number("model_max_length").map(|tokens| (tokens, "model_max_length"));
    let (mut tokens, key) = own.or(least)?;
    let most = number("model_max_length").unwrap_or(0.0);
    if config.get("model_type").and_then(Value::as_str).is_some_and(|kind| kind.contains("gemma3")) {
        return Some(Limit { tokens, key, most });
    }
    let mut factor: f64 = 1.0;
    for rope in ropes(config) {
        let field = |key: &str| rope.get(key).and_then(Value::as_f64);
        let kind = rope.get("rope_type").or_else(|| rope.get("type")).and_then(Value::as_str);
        if matches!(kind, Some("su" | "longrope" | "llama3")) {
            continue;
        }
        factor = factor.max(field("factor").unwrap_or(1.0));
        if kind == Some("yarn") {
            tokens = field("original_max_position_embeddings").unwrap_or(tokens);
        }
    }
    Some(Limit { tokens: tokens * factor, key, most })
}

/// Its rotary embeddings: one for all layers, or one for each type of layer.
fn ropes(config: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let Some(rope) = ROPE.iter().find_map(|key| config.get(*key)?.as_object()) else { return Vec::new() };
    let by_layer: Option<Vec<_>> = rope.values().map(Value::as_object).collect();
    by_layer.unwrap_or_else(|| vec![rope])
}

/// The window of its layers, where they have one.
fn window(config: &Map<String, Value>) -> Option<f64> {
    let off = config.get("use_sliding_window").and_then(Value::as_bool) == Some(false);
    config.get("sliding_window").filter(|_| !off)?.as_f64()
}

#[cfg(test)]
mod tests;

//! Models: sizes, what their layers keep per token, parsers, and GPU configurations that are known to work.
//!
//! In: `data/models.toml`. Out: [`Recipe`], found by its Hugging Face repository.

use super::kv::Kv;
use super::version::Version;
use crate::name::EnvName;
use crate::units::{Bytes, Percent, Tokens};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// What is known of one checkpoint.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Its Hugging Face repository.
    pub id: String,
    /// The checkpoint it is a variant of (quantised, or a sibling of the same shape).
    pub family: Option<String>,
    /// Parameters, as people say them: `480B`.
    pub total: String,
    /// Parameters that work on one token; differs from `total` for mixtures of experts.
    pub active: String,
    /// How its weights are stored: `bf16`, `fp8`, `nvfp4` …
    pub precision: String,
    /// Decimal GB of its safetensors files.
    pub weight_gb: f64,
    /// GiB seen in GPU memory at tensor parallel 1, where a log tells and it differs from the files.
    pub resident_gib: Option<f64>,
    /// Where the sizes come from.
    pub weight_source: String,
    /// Its architecture, as in `config.json`.
    pub arch: Option<String>,
    /// The longest context it was made for.
    pub max_context: u32,
    /// Tokens beyond which vLLM refuses to start, by its `config.json`; absent where nobody has read that for us.
    pub limit: Option<u32>,
    /// Attention heads; tensor parallel sizes divide them.
    pub heads: Option<u32>,
    /// What its layers keep per token; absent where nobody has read its `config.json` for us.
    pub kv: Option<Kv>,
    /// Where `kv` comes from, if not from `config.json` itself.
    pub kv_source: Option<String>,
    /// `--tool-call-parser`
    pub tools: Option<String>,
    /// `--reasoning-parser`
    pub reasoning: Option<String>,
    /// The first vLLM that has its architecture and its parsers.
    pub min_vllm: Option<String>,
    /// `moe_intermediate_size`, where 128-blocks of it must not be cut by tensor parallelism.
    pub expert_ffn: Option<u32>,
    /// The tensor parallel size its publishers advise.
    pub tp: Option<u32>,
    /// The same, by GPU.
    #[serde(default)]
    pub tp_on: BTreeMap<String, u32>,
    /// The context its publishers advise.
    pub context: Option<u32>,
    /// The share of memory its publishers advise.
    #[serde(default, deserialize_with = "percent")]
    pub memory: Option<Percent>,
    /// Further arguments; parsers, parallelism, context and memory have fields of their own.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment variables, also such as only some versions know.
    #[serde(default)]
    pub env: BTreeMap<EnvName, String>,
    /// GPUs on which its publishers or vLLM's recipes have seen it run.
    #[serde(default)]
    pub verified: Vec<String>,
    /// What one should know, in sentences.
    pub notes: Option<String>,
    /// Where this was read.
    pub source: String,
    /// GPU configurations that are known to work.
    #[serde(default, rename = "config")]
    pub configs: Vec<Config>,
}

/// One configuration that is known to work.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How many GPUs it takes, over all nodes.
    pub gpus: u32,
    /// On which kinds.
    pub on: Vec<String>,
    /// Tensor parallel size.
    #[serde(default = "one")]
    pub tp: u32,
    /// Pipeline parallel size.
    #[serde(default = "one")]
    pub pp: u32,
    /// Data parallel size.
    #[serde(default = "one")]
    pub dp: u32,
    /// Machines it spans.
    #[serde(default = "one")]
    pub nodes: u32,
    /// Its context; the model's own if absent.
    pub context: Option<u32>,
    /// Its share of memory; the engine's default if absent.
    #[serde(default, deserialize_with = "percent")]
    pub memory: Option<Percent>,
    /// Further arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Whether it works but any other that fits is better.
    #[serde(default)]
    pub last_resort: bool,
    /// How sure one can be of it.
    pub status: Status,
    /// How its source puts that.
    pub status_source: Option<String>,
    /// What one should know.
    pub note: Option<String>,
}

/// How sure one can be of a configuration, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// vLLM's recipes list the GPU as verified.
    RecipeVerified,
    /// A start-up log was published.
    LogVerified,
    /// vLLM's recipes give it.
    Recipe,
    /// It fits by arithmetic.
    Computed,
    /// The ancestor of pi shipped it (August 2025).
    Ancestor,
    /// Nobody has checked it.
    Unverified,
}

impl Recipe {
    /// Bytes of its safetensors files.
    #[must_use]
    pub fn weights(&self) -> Bytes {
        bytes(self.weight_gb * 1e9)
    }

    /// Bytes its weights take in GPU memory at tensor parallel 1: as seen in a log, else those of the files.
    #[must_use]
    pub fn resident(&self) -> Bytes {
        self.resident_gib.map_or_else(|| self.weights(), |gib| bytes(gib * f64::from(1 << 30)))
    }

    /// Parameters that work on one token, as a share of all: 1 for dense models and where nobody says.
    #[must_use]
    pub fn active_share(&self) -> f64 {
        match (billions(&self.active), billions(&self.total)) {
            (Some(active), Some(total)) if total > 0.0 => (active / total).clamp(0.0, 1.0),
            _ => 1.0,
        }
    }

    /// The longest context it was made for.
    #[must_use]
    pub fn max_context(&self) -> Tokens {
        Tokens(self.max_context)
    }

    /// Whether this version of vLLM can serve it: by its architecture and its parsers.
    #[must_use]
    pub fn served_by(&self, version: &Version) -> bool {
        self.min_vllm.as_deref().and_then(Version::parse).is_none_or(|least| *version >= least)
    }

    /// The name without its owner.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    fn root(&self) -> &str {
        self.family.as_deref().unwrap_or(&self.id)
    }
}

#[derive(Deserialize)]
struct File {
    model: Vec<Recipe>,
}

struct Catalog {
    all: Vec<Recipe>,
    by_id: HashMap<String, usize>,
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    // a test reads the embedded file, so that it can't be broken for a user
    let all =
        toml::from_str::<File>(include_str!("../../data/models.toml")).map(|f| f.model).unwrap_or_default();
    let by_id = all.iter().enumerate().map(|(at, recipe)| (recipe.id.to_ascii_lowercase(), at)).collect();
    Catalog { all, by_id }
});

/// Every model known, in the file's order: the best known first.
#[must_use]
pub fn all() -> &'static [Recipe] {
    &CATALOG.all
}

/// Finds a model by its repository, compared without case as the hub does.
#[must_use]
pub fn find(repo: &str) -> Option<&'static Recipe> {
    CATALOG.by_id.get(&repo.to_ascii_lowercase()).and_then(|at| CATALOG.all.get(*at))
}

/// Variants of the same model with smaller weights, largest first.
#[must_use]
pub fn smaller(recipe: &Recipe) -> Vec<&'static Recipe> {
    let smaller = |other: &&Recipe| other.root() == recipe.root() && other.weight_gb < recipe.weight_gb * 0.9;
    let mut found: Vec<_> = CATALOG.all.iter().filter(smaller).collect();
    found.sort_by(|a, b| b.weight_gb.total_cmp(&a.weight_gb).then_with(|| a.id.cmp(&b.id)));
    found
}

/// `480B`, `2.4T`, `500M`, `~744B` in billions.
fn billions(text: &str) -> Option<f64> {
    let text = text.trim_start_matches('~');
    let number = |unit: char, factor: f64| {
        text.strip_suffix(unit).and_then(|n| n.parse::<f64>().ok()).map(|n| n * factor)
    };
    number('B', 1.0).or_else(|| number('T', 1000.0)).or_else(|| number('M', 0.001))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^53")]
fn bytes(number: f64) -> Bytes {
    Bytes(number.round() as u64)
}

fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Percent>, D::Error> {
    Option::<String>::deserialize(from)?
        .map(|text| Percent::parse(&text).map_err(D::Error::custom))
        .transpose()
}

fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests;

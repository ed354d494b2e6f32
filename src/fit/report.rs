//! The estimate as data, for `pi fit --json`.

use super::advice::Try;
use super::estimate::{Fit, PerGpu, Verdict};
use super::shape::Source;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

/// The estimate and what to try instead, in a form that scripts may rely on. GiB and requests have two decimals.
#[must_use]
pub fn report(fit: &Fit, tries: &[Try]) -> Value {
    let PerGpu { total_gib, requested_gib, weights_gib, overhead_gib: (low, high), kv_gib } = fit.per_gpu;
    json!({
        "verdict": fit.verdict,
        "per_gpu": {
            "total_gib": round(total_gib),
            "requested_gib": round(requested_gib),
            "weights_gib": round(weights_gib),
            "overhead_gib": [round(low), round(high)],
            "kv_gib": round(kv_gib),
        },
        "kv_bytes_per_token": fit.kv_bytes_per_token,
        "tokens": fit.tokens,
        "concurrency": round(fit.concurrency),
        "source": fit.source,
        "try": tries,
    })
}

impl Serialize for Try {
    /// Only what is to be changed, and what it comes to.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { context, gpus, kv_cache_dtype, model, fit } = self;
        let mut changes = Map::new();
        let mut set = |name: &str, value: Option<Value>| changes.extend(value.map(|v| (name.to_owned(), v)));
        set("model", model.as_ref().map(|id| json!(id)));
        set("gpus", gpus.map(|n| json!(n)));
        set("context", context.map(|tokens| json!(tokens.0)));
        set("kv_cache_dtype", kv_cache_dtype.map(|kind| json!(kind)));
        set("verdict", Some(json!(fit.verdict)));
        set("tokens", Some(json!(fit.tokens)));
        set("concurrency", Some(json!(round(fit.concurrency))));
        let mut map = to.serialize_map(Some(changes.len()))?;
        for (name, value) in &changes {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Verdict {
    /// As people and programs read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::Tight => "tight",
            Self::DoesNotFit => "does-not-fit",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl Source {
    /// As people and programs read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recipe => "recipe",
            Self::Config => "config.json",
            Self::Measured => "measured",
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

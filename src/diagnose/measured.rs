//! What vLLM measured at a start, for later plans: better than any estimate.

use super::line;
use crate::units::{Bytes, Tokens};
use serde::{Deserialize, Serialize};

/// What the log said; none where it did not. Per GPU, the least favorable of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// `Model loading took X GiB`: the weights on one GPU.
    pub weights: Option<Bytes>,
    /// `Available KV cache memory: X GiB`, of one GPU.
    pub kv_cache: Option<Bytes>,
    /// `GPU KV cache size: N tokens`, of the whole server.
    pub kv_tokens: Option<u64>,
    /// The context that `concurrency` is for.
    pub context: Option<Tokens>,
    /// `Maximum concurrency for N tokens per request: Yx`: how many requests of a whole context fit at once.
    pub concurrency: Option<f64>,
}

/// Reads vLLM's log; none when nothing was measured.
#[must_use]
pub fn measured(log: &[String]) -> Option<Measured> {
    let mut all = Measured::default();
    for raw in log.iter().filter(|raw| SIGNS.iter().any(|sign| raw.contains(sign))) {
        let text = line::clean(raw);
        let after = |label: &str| text.split_once(label).map(|(_, rest)| rest.trim_start());
        let weights = after(SIGNS[0]).and_then(gib);
        let kv_cache = after(SIGNS[1]).and_then(gib);
        let kv_tokens = after(SIGNS[2]).and_then(whole);
        let concurrency = after(SIGNS[3]);
        all.weights = all.weights.max(weights);
        all.kv_cache = least(all.kv_cache, kv_cache);
        all.kv_tokens = least(all.kv_tokens, kv_tokens);
        all.context = all.context.or(concurrency.and_then(whole).and_then(tokens));
        all.concurrency = all.concurrency.or(concurrency.and_then(times));
    }
    (all != Measured::default()).then_some(all)
}

const SIGNS: [&str; 4] =
    ["Model loading took ", "Available KV cache memory: ", "KV cache size: ", "Maximum concurrency for "];

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

/// `39.21 GiB …`
fn gib(text: &str) -> Option<Bytes> {
    let (number, rest) = text.split_once(' ')?;
    if rest.starts_with("GiB") { Bytes::parse(&format!("{number} GiB")).ok() } else { None }
}

/// `4,194,304 tokens …`
fn whole(text: &str) -> Option<u64> {
    text.split_once(" tokens")?.0.replace(',', "").parse().ok()
}

fn tokens(number: u64) -> Option<Tokens> {
    u32::try_from(number).ok().map(Tokens)
}

/// `… per request: 9.80x`
fn times(text: &str) -> Option<f64> {
    let number = text.split_once("per request: ")?.1.split_once('x')?.0;
    number.parse().ok().filter(|times: &f64| times.is_finite() && *times >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measurements_of_a_start_are_read() {
        let log = [
            "(Worker_TP0 pid=1) INFO 11-22 08:30:03 [gpu_model_runner.py:5150] Model loading took 30.5 GiB memory and 12.1 seconds",
            "(Worker_TP1 pid=2) INFO 11-22 08:30:03 [gpu_model_runner.py:5150] Model loading took 30.71 GiB memory and 12.1 seconds",
            "(Worker_TP0 pid=1) INFO 11-22 08:30:03 [gpu_worker.py:760] Available KV cache memory: 39.2 GiB",
            "(Worker_TP1 pid=2) INFO 11-22 08:30:03 [gpu_worker.py:760] Available KV cache memory: 38.94 GiB",
            "(EngineCore pid=3) INFO 11-22 08:30:04 [kv_cache_utils.py:2327] GPU KV cache size: 321,120 tokens, Maximum concurrency for 32,768 tokens per request: 9.80x",
        ]
        .map(str::to_owned);
        let all = measured(&log).unwrap();
        assert_eq!(all.weights, Bytes::parse("30.71 GiB").ok());
        assert_eq!(all.kv_cache, Bytes::parse("38.94 GiB").ok());
        assert_eq!((all.kv_tokens, all.context), (Some(321_120), Some(Tokens(32_768))));
        assert_eq!(all.concurrency, Some(9.8));
        assert_eq!(measured(&["nothing".to_owned()]), None);
    }
}

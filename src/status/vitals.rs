//! What servers say of themselves: their requests, and the end of the log of those that are not up.
//!
//! In: the records of `templates/vitals.sh`. Out: [`Vitals`]. Pure; what can't be read is not there.

use crate::name::{ModelName, PodPath};
use serde::Serialize;
use std::collections::BTreeMap;

/// The values of the script, named as there.
#[derive(Debug, Serialize)]
pub struct VitalsAsk<'a> {
    /// Where pi keeps servers.
    pub pi: &'a PodPath,
}

/// Of every server that said something.
pub type Vitals = BTreeMap<ModelName, ServerVitals>;

/// What one server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerVitals {
    /// What it works on, if it tells.
    pub requests: Option<Requests>,
    /// The end of its log.
    pub log: Vec<String>,
}

/// What a server works on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// Requests that it answers now.
    pub running: u64,
    /// Requests that wait for their turn.
    pub waiting: u64,
}

/// Names of gauges: running, waiting.
const GAUGES: [(&str, &str); 2] = [
    ("vllm:num_requests_running", "vllm:num_requests_waiting"),
    ("llamacpp:requests_processing", "llamacpp:requests_deferred"),
];

/// Reads what the script printed.
#[must_use]
pub fn vitals(text: &str) -> Vitals {
    let mut all = Vitals::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, '\t');
        let (Some(key), Some(name), Some(value)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let Ok(name) = ModelName::parse(name) else { continue };
        match key {
            "log" => all.entry(name).or_default().log.push(value.to_owned()),
            "metric" => count(all.entry(name).or_default(), value),
            _ => {}
        }
    }
    all
}

/// Adds one line of a server's metrics: `vllm:num_requests_running{engine="0"} 3.0`. Engines side by side add up.
fn count(vitals: &mut ServerVitals, line: &str) {
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    let value = line.rsplit(' ').next().and_then(|value| value.parse().ok()).and_then(whole);
    let Some(value) = value else { return };
    for (running, waiting) in GAUGES {
        let requests = || vitals.requests.unwrap_or_default();
        if name == running {
            vitals.requests = Some(Requests { running: requests().running + value, ..requests() });
        } else if name == waiting {
            vitals.requests = Some(Requests { waiting: requests().waiting + value, ..requests() });
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked: a count, of which u64 holds any that a server has"
)]
fn whole(value: f64) -> Option<u64> {
    (0.0..1e9).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_others_passed_over() {
        let text = "metric\tqwen\tvllm:num_requests_running{engine=\"0\",model_name=\"a b\"} 3.0\n\
                    metric\tqwen\tvllm:num_requests_running{engine=\"1\",model_name=\"a b\"} 1.0\n\
                    metric\tqwen\tvllm:num_requests_waiting{engine=\"0\"} 2.0\n\
                    metric\tqwen\tvllm:num_requests_waiting_by_reason{reason=\"x\"} 9.0\n\
                    metric\tsmall\tllamacpp:requests_processing 1\n\
                    metric\todd\tllamacpp:requests_processing NaN\n\
                    log\tnew\tLoading\tweights\nlog\tnew\t\nlog\t../x\ty\nnonsense\nend";
        let vitals = vitals(text);
        let of = |name: &str| vitals[&name.parse::<ModelName>().unwrap()].clone();
        assert_eq!(of("qwen").requests, Some(Requests { running: 4, waiting: 2 }));
        assert_eq!(of("small").requests, Some(Requests { running: 1, waiting: 0 }));
        assert_eq!(of("odd").requests, None);
        assert_eq!(of("new").log, ["Loading\tweights", ""]);
        assert_eq!(vitals.len(), 4);
    }
}

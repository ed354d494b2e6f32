//! What commands print for machines: each form as written down in `tests/json`, and nothing else on standard output.

mod everywhere;
mod fit;
mod looks;
mod starts;

use crate::golden::Golden;
use crate::workplace::Ran;
use serde_json::{Value, json};
use std::path::Path;

/// The one document that a command printed.
#[track_caller]
pub(crate) fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.out, ran.err))
}

/// The events that a command printed, one a line.
#[track_caller]
pub(crate) fn events(ran: &Ran) -> Vec<Value> {
    let event = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}\n{line}\n{}", ran.err))
    };
    ran.out.lines().map(event).collect()
}

/// The kinds of events, in their order.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(kind).collect()
}

fn kind(event: &Value) -> &str {
    event["event"].as_str().unwrap_or_default()
}

/// Compares one document with what is written down in `tests/json`; what differs from run to run stands there as its
/// name: `{dir}`.
#[track_caller]
pub(crate) fn written_down(name: &str, told: &Value, names: &[(&str, &str)]) {
    compare(name, &format!("{:#}\n", same(told, names)));
}

/// The same with events, but for what a script or an engine says: how often depends on how long it took.
#[track_caller]
pub(crate) fn events_written_down(name: &str, told: &[Value], names: &[(&str, &str)]) {
    let told = told.iter().filter(|event| !["said", "log", "phase", "progress"].contains(&kind(event)));
    compare(name, &told.map(|event| format!("{}\n", same(event, names))).collect::<String>());
}

#[track_caller]
fn compare(name: &str, text: &str) {
    let mut golden = Golden::default();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/json").join(name);
    golden.compare(&file, text);
    golden.all_as_written();
}

/// The same in every run: what a clock, a process table or a machine decides is 0, texts have their names.
fn same(value: &Value, names: &[(&str, &str)]) -> Value {
    let by_name =
        |text: &str| names.iter().fold(text.to_owned(), |text, (real, name)| text.replace(real, name));
    match value {
        Value::String(text) => by_name(text).into(),
        Value::Array(list) => list.iter().map(|value| same(value, names)).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                (
                    "seconds" | "pid" | "cpus" | "port" | "idle_seconds" | "seen_seconds_ago",
                    Value::Number(_),
                ) => (key.clone(), json!(0)),
                ("since" | "spec", Value::String(_)) => (key.clone(), json!("…")),
                (_, value) => (by_name(key), same(value, names)),
            };
            fields.iter().map(field).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

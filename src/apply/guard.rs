//! Whether a server that others can reach is closed to whoever has no key.

use crate::apply::asker::Asker;
use crate::apply::event::Failure;
use crate::manifest::EngineKind;
use crate::remote::Way;
use crate::spec::{KeyUse, ServerSpec};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// The code of its failure.
pub(super) const OPEN: &str = "open-to-anybody";
/// For one answer: a refusal takes no time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether others than the pod itself reach the server, and need the key.
pub(super) fn is_guarded(spec: &ServerSpec) -> bool {
    spec.key == KeyUse::Required && !spec.listen.is_loopback()
}

/// Asks what must not be answered without the key; a failure names what was answered.
pub(super) async fn prove_closed(way: &Way, spec: &ServerSpec) -> Result<(), Failure> {
    let asker = Asker::new(way, None, PATIENCE)?;
    for (method, path, body) in questions(spec) {
        let (status, _) = asker.send(method, path, body.as_ref()).await?;
        if is_open(spec.kind, status) {
            return Err(open(spec, path, status));
        }
    }
    Ok(())
}

/// Whole questions: a server that looks at the key last would answer a half one with another error.
fn questions(spec: &ServerSpec) -> [(Method, &'static str, Option<Value>); 5] {
    let chat =
        json!({ "model": spec.name, "max_tokens": 1, "messages": [{ "role": "user", "content": "Hello" }] });
    let text = json!({ "model": spec.name, "prompt": "Hello", "content": "Hello" });
    [
        (Method::POST, "/v1/chat/completions", Some(chat.clone())),
        (Method::POST, "/invocations", Some(chat)),
        (Method::POST, "/tokenize", Some(text)),
        (Method::GET, "/metrics", None),
        (Method::GET, "/docs", None),
    ]
}

/// Engines that pi knows refuse or do not know a path; of a server of one's own only an answer counts.
fn is_open(kind: EngineKind, status: StatusCode) -> bool {
    match kind {
        EngineKind::Command => status.is_success(),
        EngineKind::Vllm | EngineKind::LlamaCpp => !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
        ),
    }
}

fn open(spec: &ServerSpec, path: &str, status: StatusCode) -> Failure {
    let message = format!(
        "anybody who reaches port {} may use it: without the API key {path} says {status}",
        spec.port
    );
    let help = match spec.kind {
        EngineKind::Command => {
            "it has to want the key in PI_API_KEY as a bearer token on every path but /health; or set `listen = \"127.0.0.1\"`"
        }
        EngineKind::Vllm | EngineKind::LlamaCpp => {
            "take out of `args` and `env` what opens it, or set `listen = \"127.0.0.1\"`"
        }
    };
    Failure::new(OPEN, message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_counts_as_closed() {
        let table = [
            (200, true, true),
            (400, true, false),
            (401, false, false),
            (403, false, false),
            (404, false, false),
            (405, false, false),
            (422, true, false),
            (500, true, false),
        ];
        for (status, engine, own) in table {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_open(EngineKind::Vllm, status), engine, "{status}");
            assert_eq!(is_open(EngineKind::Command, status), own, "{status}");
        }
    }
}

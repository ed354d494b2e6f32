//! The ladder's rung for models with a tool parser: does a tool call come out?

use crate::apply::asker::{Asker, said};
use crate::apply::event::Failure;
use crate::manifest::EngineKind;
use crate::spec::ServerSpec;
use reqwest::Method;
use serde_json::{Value, json};

/// How a server is expected to call tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Its arguments say that it can: that it refuses to is a failure.
    Named,
    /// It may, by what its template knows.
    Perhaps,
    /// Nobody asked for it.
    No,
}

/// Asks for one tool call; what is to be said about it, if none came.
pub(super) async fn ask_tool(
    asker: &Asker<'_>,
    spec: &ServerSpec,
    model: &str,
) -> Result<Option<String>, Failure> {
    let expected = expected(spec);
    if expected == Expected::No {
        return Ok(None);
    }
    let (status, answer) = asker.send(Method::POST, PATH, Some(&question(spec, model))).await?;
    if status.is_success() {
        return Ok(complaint(&answer));
    }
    let message = format!("it refuses tools: {PATH} says {status}{}", said(&answer));
    match expected {
        Expected::Perhaps | Expected::No => Ok(Some(message)),
        Expected::Named => Err(Failure::new("tools-refused", message).help(
            "is its tool parser or template the one of this model? take it out of `args` if no client uses tools",
        )),
    }
}

const PATH: &str = "/v1/chat/completions";

fn expected(spec: &ServerSpec) -> Expected {
    let has = |flag: &str| {
        spec.args
            .iter()
            .any(|arg| arg == flag || arg.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
    };
    match spec.kind {
        EngineKind::Vllm if has("--tool-call-parser") && has("--enable-auto-tool-choice") => Expected::Named,
        EngineKind::LlamaCpp if has("--jinja") => Expected::Named,
        EngineKind::LlamaCpp if !has("--no-jinja") && !has("--embedding") => Expected::Perhaps,
        EngineKind::Vllm | EngineKind::LlamaCpp | EngineKind::Command => Expected::No,
    }
}

fn question(spec: &ServerSpec, model: &str) -> Value {
    // a model that thinks first needs some; on a CPU, where each takes its time, enough for the call alone
    let tokens = if spec.gpus.is_empty() { 48 } else { 256 };
    let parameters = json!({
        "type": "object", "properties": { "command": { "type": "string" } }, "required": ["command"],
    });
    let tool = json!({ "name": "bash", "description": "Runs a command in bash", "parameters": parameters });
    json!({
        "model": model, "max_tokens": tokens, "temperature": 0, "tool_choice": "auto",
        "messages": [{ "role": "user", "content": "List the files in this directory with the tool bash." }],
        "tools": [{ "type": "function", "function": tool }],
    })
}

/// What to say where no tool was called. A model that was cut off while it thought may yet have called one.
fn complaint(answer: &Value) -> Option<String> {
    let choice = &answer["choices"][0];
    let calls = choice["message"]["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
    if calls || choice["finish_reason"] == "length" {
        return None;
    }
    Some(
        "asked to call a tool, it answered with text: clients that need tools may not work with it"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_of_a_server_is_in_its_arguments() {
        let spec = |kind: &str, args: &[&str]| -> ServerSpec {
            serde_json::from_value(json!({
                "name": "m", "project": "p", "kind": kind, "engine": null, "model": "o/a", "commit": null,
                "context": null, "memory": null, "gpus": [], "listen": "127.0.0.1", "port": 8001, "key": "open",
                "args": args, "command": [], "env": {},
            }))
            .unwrap()
        };
        let table = [
            ("vllm", &["--enable-auto-tool-choice", "--tool-call-parser", "hermes"][..], Expected::Named),
            ("vllm", &["--enable-auto-tool-choice", "--tool-call-parser=hermes"], Expected::Named),
            ("vllm", &["--tool-call-parser", "hermes"], Expected::No),
            ("vllm", &[], Expected::No),
            ("llama.cpp", &["--jinja"], Expected::Named),
            ("llama.cpp", &[], Expected::Perhaps),
            ("llama.cpp", &["--no-jinja"], Expected::No),
            ("command", &["--jinja"], Expected::No),
        ];
        for (kind, args, wanted) in table {
            assert_eq!(expected(&spec(kind, args)), wanted, "{kind} {args:?}");
        }
    }

    #[test]
    fn only_an_answer_without_a_call_is_worth_a_word() {
        let answer = |message: Value, reason: &str| json!({ "choices": [{ "message": message, "finish_reason": reason }] });
        let call = json!({ "tool_calls": [{ "function": { "name": "bash" } }] });
        assert_eq!(complaint(&answer(call, "tool_calls")), None);
        assert_eq!(complaint(&answer(json!({ "content": "Hm, " }), "length")), None);
        assert!(complaint(&answer(json!({ "content": "Hello" }), "stop")).is_some());
        assert!(complaint(&json!({})).is_some());
    }
}

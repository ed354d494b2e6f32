//! The last rungs of the ladder: does the server name its model, and does a token come out?

use crate::apply::asker::{Asker, said};
use crate::apply::event::Failure;
use crate::apply::tools::ask_tool;
use crate::manifest::EngineKind;
use crate::remote::Way;
use crate::secret::Secret;
use crate::spec::ServerSpec;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// What a server that answers is good for.
pub(super) enum Answer {
    /// A token came out.
    Token,
    /// A token came out, and this is to be said of its tool calls.
    NoTool(String),
    /// It is up, and does not generate text.
    NoChat(String),
}

/// Asks for the models, then for one token, then for a tool call where one is expected. `patience` is for the first
/// token: engines compile on first use.
pub(super) async fn ask(
    way: &Way,
    spec: &ServerSpec,
    key: Option<&Secret>,
    patience: Duration,
) -> Result<Answer, Failure> {
    let asker = Asker::new(way, key, patience)?;
    let (status, models) = asker.send(Method::GET, "/v1/models", None).await?;
    if spec.kind == EngineKind::Command && !status.is_success() {
        return Ok(Answer::NoChat(format!("/v1/models says {status}")));
    }
    accepted(status, "/v1/models", &models)?;
    let model = named(&models, spec)?;
    let chat =
        json!({ "model": model, "max_tokens": 1, "messages": [{ "role": "user", "content": "Hello" }] });
    let (status, answer) = asker.send(Method::POST, "/v1/chat/completions", Some(&chat)).await?;
    if status.is_success() {
        token(&answer, "/v1/chat/completions")?;
        let complaint = ask_tool(&asker, spec, &model).await?;
        return Ok(complaint.map_or(Answer::Token, Answer::NoTool));
    }
    // a base model without a chat template completes
    let complete = json!({ "model": model, "max_tokens": 1, "prompt": "Hello" });
    let (second, completion) = asker.send(Method::POST, "/v1/completions", Some(&complete)).await?;
    if second.is_success() {
        return token(&completion, "/v1/completions").map(|()| Answer::Token);
    }
    let absent = |status| status == StatusCode::NOT_FOUND || status == StatusCode::METHOD_NOT_ALLOWED;
    if absent(status) && absent(second) {
        return Ok(Answer::NoChat("no chat and no completions".to_owned()));
    }
    accepted(status, "/v1/chat/completions", &answer)?;
    Ok(Answer::Token)
}

/// What a server calls its model, by its `/v1/models`; none if it does not tell within `patience`.
pub async fn served(
    way: &Way,
    spec: &ServerSpec,
    key: Option<&Secret>,
    patience: Duration,
) -> Option<String> {
    let asker = Asker::new(way, key, patience).ok()?;
    let (status, models) = asker.send(Method::GET, "/v1/models", None).await.ok()?;
    if status.is_success() { named(&models, spec).ok() } else { None }
}

fn accepted(status: StatusCode, path: &str, body: &Value) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(Failure::new("key-refused", "it refuses the API key of this machine")
            .help("someone started it with another key: run `pi apply` again"));
    }
    Err(Failure::new("bad-answer", format!("{path} says {status}{}", said(body))))
}

/// The id under which the server serves its model: its name, if it knows that; `command` servers may call it as they like.
fn named(models: &Value, spec: &ServerSpec) -> Result<String, Failure> {
    let ids: Vec<&str> =
        models["data"].as_array().into_iter().flatten().filter_map(|m| m["id"].as_str()).collect();
    let wanted = spec.name.as_str();
    if ids.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    match spec.kind {
        EngineKind::Command => Ok((*ids.first().unwrap_or(&wanted)).to_owned()),
        EngineKind::Vllm | EngineKind::LlamaCpp => {
            let serves = if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
            Err(Failure::new("wrong-model", format!("it serves {serves}, not `{wanted}`")))
        }
    }
}

fn token(answer: &Value, path: &str) -> Result<(), Failure> {
    if answer["choices"].as_array().is_some_and(|choices| !choices.is_empty()) {
        return Ok(());
    }
    Err(Failure::new("bad-answer", format!("{path} answers without any choice")))
}

//! The last rungs of the ladder: does the server name its model, and does a token come out?

use crate::apply::event::Failure;
use crate::manifest::EngineKind;
use crate::remote::Way;
use crate::secret::Secret;
use crate::spec::ServerSpec;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// The code of a failure to answer at all.
pub(super) const NO_ANSWER: &str = "no-answer";

/// What a server that answers is good for.
pub(super) enum Answer {
    /// A token came out.
    Token,
    /// It is up, and does not generate text.
    NoChat(String),
}

/// Asks for the models, then for one token. `patience` is for the first token: engines compile on first use.
pub(super) async fn ask(
    way: &Way,
    spec: &ServerSpec,
    key: Option<&Secret>,
    patience: Duration,
) -> Result<Answer, Failure> {
    let asker = Asker { client: client(way, patience)?, base: base(way), key };
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
        return token(&answer, "/v1/chat/completions");
    }
    // a base model without a chat template completes
    let complete = json!({ "model": model, "max_tokens": 1, "prompt": "Hello" });
    let (second, completion) = asker.send(Method::POST, "/v1/completions", Some(&complete)).await?;
    if second.is_success() {
        return token(&completion, "/v1/completions");
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
    let asker = Asker { client: client(way, patience).ok()?, base: base(way), key };
    let (status, models) = asker.send(Method::GET, "/v1/models", None).await.ok()?;
    if status.is_success() { named(&models, spec).ok() } else { None }
}

struct Asker<'a> {
    client: Client,
    base: String,
    key: Option<&'a Secret>,
}

impl Asker<'_> {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = self.key {
            request = request.bearer_auth(key.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let failed = |error: reqwest::Error| {
            Failure::new(NO_ANSWER, format!("{path} does not answer: {}", root(&error.without_url())))
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = response.text().await.map_err(failed)?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}

fn client(way: &Way, patience: Duration) -> Result<Client, Failure> {
    let builder = Client::builder().no_proxy().timeout(patience);
    let builder = match way {
        Way::Socket(path) => builder.unix_socket(path.clone()),
        Way::Address(_) => builder,
    };
    builder.build().map_err(|error| Failure::new("no-client", error.to_string()))
}

fn base(way: &Way) -> String {
    match way {
        Way::Socket(_) => "http://pod".to_owned(),
        Way::Address(address) => format!("http://{address}"),
    }
}

fn accepted(status: StatusCode, path: &str, body: &Value) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(Failure::new("key-refused", "it refuses the API key of this machine")
            .help("someone started it with another key: run pi apply again"));
    }
    let said = body.pointer("/error/message").or_else(|| body.get("message")).and_then(Value::as_str);
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    Err(Failure::new("bad-answer", format!("{path} says {status}{said}")))
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

fn token(answer: &Value, path: &str) -> Result<Answer, Failure> {
    if answer["choices"].as_array().is_some_and(|choices| !choices.is_empty()) {
        return Ok(Answer::Token);
    }
    Err(Failure::new("bad-answer", format!("{path} answers without any choice")))
}

/// The innermost cause: `Connection refused` says more than `error sending request`.
fn root(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

//! Asking a server over HTTP, through whatever way leads to it.

use crate::apply::event::Failure;
use crate::remote::Way;
use crate::secret::Secret;
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// The code of a failure to answer at all.
pub(super) const NO_ANSWER: &str = "no-answer";

/// Asks one server.
pub(super) struct Asker<'a> {
    client: Client,
    base: String,
    key: Option<&'a Secret>,
}

impl<'a> Asker<'a> {
    /// Asks with this key, or without any; `patience` is for one answer.
    pub(super) fn new(way: &Way, key: Option<&'a Secret>, patience: Duration) -> Result<Self, Failure> {
        let builder = Client::builder().no_proxy().timeout(patience);
        let (builder, base) = match way {
            Way::Socket(path) => (builder.unix_socket(path.clone()), "http://pod".to_owned()),
            Way::Address(address) => (builder, format!("http://{address}")),
        };
        let client = builder.build().map_err(|error| Failure::new("no-client", error.to_string()))?;
        Ok(Self { client, base, key })
    }

    /// The status and the body; the body as text where it is no JSON.
    pub(super) async fn send(
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

/// What a server says of its own error, behind a colon; nothing where it does not say.
pub(super) fn said(body: &Value) -> String {
    let said = body.pointer("/error/message").or_else(|| body.get("message")).and_then(Value::as_str);
    said.map(|said| format!(": {}", shown(said))).unwrap_or_default()
}

/// At most 300 characters, without any that a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The innermost cause: `Connection refused` says more than `error sending request`.
fn root(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

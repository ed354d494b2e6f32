//! Asking a server over HTTP.

use crate::apply::event::Failure;
use crate::bounded::{ANSWER, BodyError, body as whole};
use crate::remote::Way;
use crate::secret::Secret;
use crate::units::Seconds;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// The code of a failure to answer at all, which may be the connection's.
pub(super) const NO_ANSWER: &str = "no-answer";
/// The code of an answer that did not end in time, or is too large: asking once more would only take as long again.
const ENDLESS: &str = "endless-answer";

/// Asks one server.
pub(super) struct Asker<'a> {
    client: Client,
    base: String,
    key: Option<&'a Secret>,
    patience: Duration,
}

impl<'a> Asker<'a> {
    /// Asks with this key, or without any; `patience` is for one answer.
    pub(super) fn new(way: &Way, key: Option<&'a Secret>, patience: Duration) -> Result<Self, Failure> {
        // where a redirect leads is not the server that was started, and must not be told the key
        let builder = Client::builder().no_proxy().timeout(patience).redirect(Policy::none());
        let (builder, base) = match way {
            Way::Socket(path) => (builder.unix_socket(path.clone()), "http://pod".to_owned()),
            Way::Address(address) => (builder, format!("http://{address}")),
        };
        let client = builder.build().map_err(|error| Failure::new("no-client", error.to_string()))?;
        Ok(Self { client, base, key, patience })
    }

    /// The status and the body; the body as text where it is no JSON.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let failed = |why: &str| Failure::new(NO_ANSWER, format!("{path} does not answer: {why}"));
        let broken = |error: reqwest::Error| {
            if error.is_timeout() { self.late(path) } else { failed(&root(&error.without_url())) }
        };
        let response = self.request(method, path, body).send().await.map_err(broken)?;
        let status = response.status();
        let body = whole(response, ANSWER).await.map_err(|error| match error {
            BodyError::Over(over) => Failure::new(ENDLESS, format!("{path} does not end its answer: {over}")),
            BodyError::Lost(error) => broken(error),
        })?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn late(&self, path: &str) -> Failure {
        let patience = Seconds(self.patience.as_secs());
        Failure::new(ENDLESS, format!("{path} did not end its answer within {patience}"))
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = self.key {
            request = request.bearer_auth(key.expose());
        }
        match body {
            Some(body) => request.json(body),
            None => request,
        }
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

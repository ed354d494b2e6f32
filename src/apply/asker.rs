//! Asking a server over HTTP, through whatever way leads to it, and to it alone.

use crate::apply::event::Failure;
use crate::bounded::{ANSWER, BodyError, body as whole};
use crate::remote::{Exit, Line, Way};
use crate::secret::Secret;
use crate::units::Seconds;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use std::pin::Pin;
use std::time::Duration;

/// The code of a failure to answer at all, which may be the connection's.
pub(super) const NO_ANSWER: &str = "no-answer";
/// The code of an answer that did not end in time, or is too large: asking once more would only take as long again.
const ENDLESS: &str = "endless-answer";

/// How a server is reached.
#[derive(Clone, Copy)]
pub(super) enum Door<'a> {
    /// By its port.
    Way(&'a Way),
    /// By a script on the pod, which takes a request and tells the answer: where two servers share a port.
    Own(&'a (dyn Fn(Secret) -> Answering<'a> + Sync)),
}

/// What the script tells.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Result<(Exit, Vec<Line>), Failure>> + Send + 'a>>;

/// Asks one server.
pub(super) struct Asker<'a> {
    client: Client,
    base: String,
    door: Door<'a>,
    key: Option<&'a Secret>,
    patience: Duration,
}

impl<'a> Asker<'a> {
    /// Asks with this key, or without any; `patience` is for one answer.
    pub(super) fn new(door: Door<'a>, key: Option<&'a Secret>, patience: Duration) -> Result<Self, Failure> {
        // where a redirect leads is not the server that was started, and must not be told the key
        let builder = Client::builder().no_proxy().timeout(patience).redirect(Policy::none());
        let (builder, base) = match door {
            Door::Way(Way::Socket(path)) => (builder.unix_socket(path.clone()), "http://pod".to_owned()),
            Door::Way(Way::Address(address)) => (builder, format!("http://{address}")),
            Door::Own(_) => (builder, String::new()),
        };
        let client = builder.build().map_err(|error| Failure::new("no-client", error.to_string()))?;
        Ok(Self { client, base, door, key, patience })
    }

    /// The status and the body; the body as text where it is no JSON.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let failed = |why: &str| Failure::new(NO_ANSWER, format!("{path} does not answer: {why}"));
        let (status, text) = match self.door {
            Door::Way(_) => {
                let broken = |error: reqwest::Error| {
                    if error.is_timeout() { self.late(path) } else { failed(&root(&error.without_url())) }
                };
                let response = self.request(method, path, body).send().await.map_err(broken)?;
                let status = response.status();
                let body = whole(response, ANSWER).await.map_err(|error| match error {
                    BodyError::Over(over) => {
                        Failure::new(ENDLESS, format!("{path} does not end its answer: {over}"))
                    }
                    BodyError::Lost(error) => broken(error),
                })?;
                (status, String::from_utf8_lossy(&body).into_owned())
            }
            Door::Own(ask) => {
                let (exit, lines) = ask(written(&method, path, body, self.key)).await?;
                told(exit, lines).map_err(failed)?
            }
        };
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

/// A whole request, after whose answer the connection ends.
fn written(method: &Method, path: &str, body: Option<&Value>, key: Option<&Secret>) -> Secret {
    let key = key.map(|key| format!("Authorization: Bearer {}\r\n", key.expose())).unwrap_or_default();
    let body = body.map(Value::to_string).unwrap_or_default();
    Secret::new(format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\n{key}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// The answer as `ask_own.sh` tells it; the error is why there is none.
fn told(exit: Exit, lines: Vec<Line>) -> Result<(StatusCode, String), &'static str> {
    match exit {
        Exit(0) => {}
        Exit(3) => return Err("its process is gone"),
        Exit(7) => return Err("no connection reached it, but the one beside which it was started"),
        Exit(124) => return Err("it takes too long"),
        Exit(_) => return Err("the connection broke off"),
    }
    let mut lines = lines.into_iter().filter_map(|line| match line {
        Line::Out(text) => Some(text),
        Line::Err(_) => None,
    });
    let status = lines.next().and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
    let status = status.ok_or("it does not speak HTTP")?;
    Ok((status, lines.collect::<Vec<_>>().join("\n")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_written_whole() {
        let key = Secret::new("k".to_owned());
        let body = json!({ "a": "ä" });
        let text = written(&Method::POST, "/x", Some(&body), Some(&key));
        let head = "POST /x HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\n";
        assert_eq!(text.expose(), format!("{head}Content-Length: 10\r\n\r\n{{\"a\":\"ä\"}}"));
    }

    #[test]
    fn an_answer_is_what_was_printed_or_why_there_is_none() {
        let out = |lines: &[&str]| lines.iter().map(|line| Line::Out((*line).to_owned())).collect::<Vec<_>>();
        let (status, body) = told(Exit(0), out(&["404", "{", "}"])).unwrap();
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "{\n}"));
        assert_eq!(told(Exit(0), out(&["tls"])), Err("it does not speak HTTP"));
        assert_eq!(told(Exit(0), Vec::new()), Err("it does not speak HTTP"));
        assert_eq!(told(Exit(3), Vec::new()), Err("its process is gone"));
        assert_eq!(told(Exit(124), out(&["200"])), Err("it takes too long"));
        assert_eq!(told(Exit(1), out(&["200"])), Err("the connection broke off"));
    }
}

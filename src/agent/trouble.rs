//! What goes wrong with a model's server, and what to do next. Statuses and words come in, a [`Trouble`] goes out.

use crate::agent::gather::Fault;
use serde_json::Value;
use thiserror::Error;

/// How the person named the server: what to do about trouble depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// By its name in pi.toml.
    Model(String),
    /// By its address.
    Url,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error, miette::Diagnostic)]
#[error("{message}")]
pub struct Trouble {
    /// What failed, on what.
    pub message: String,
    /// What to do next.
    #[help]
    pub help: String,
}

impl Trouble {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// Who is asked for what, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) url: &'a str,
    pub(super) model: &'a str,
    pub(super) origin: &'a Origin,
}

impl Asked<'_> {
    /// As the person called it.
    fn who(&self) -> String {
        match self.origin {
            Origin::Model(name) => format!("`{name}`"),
            Origin::Url => self.url.to_owned(),
        }
    }
}

/// A status that is no success.
pub(super) fn refused(asked: Asked<'_>, status: u16, body: &str, wait: Option<&str>) -> Trouble {
    let said = words(body);
    let (who, model) = (asked.who(), asked.model);
    let quoted = if said.is_empty() { String::new() } else { format!(": {said}") };
    if let Some(trouble) = by_words(asked, status, &said) {
        return trouble;
    }
    match status {
        401 | 403 => {
            Trouble::new(format!("{who} refuses the API key ({status}){quoted}"), other_key(asked.origin))
        }
        404 if said.contains(model) && !model.is_empty() => {
            Trouble::new(format!("{who} does not serve `{model}`{quoted}"), other_model(asked.origin))
        }
        404 | 405 => Trouble::new(
            format!("there is nothing at {} ({status}){quoted}", asked.url),
            other_address(asked.origin),
        ),
        429 => {
            let when = wait.map_or_else(|| "in a while".to_owned(), |wait| format!("in {wait} s"));
            Trouble::new(
                format!("{who} has too much to do, or too much was asked (429){quoted}"),
                format!("try again {when}"),
            )
        }
        503 => Trouble::new(format!("{who} is not ready (503){quoted}"), not_ready(asked.origin)),
        300..=399 => Trouble::new(
            format!("{who} sends requests elsewhere ({status})"),
            "give the address it means with --base-url",
        ),
        500.. => Trouble::new(format!("{who} failed ({status}){quoted}"), look(asked.origin)),
        _ => Trouble::new(
            format!("{who} refuses the request ({status}){quoted}"),
            "if the tools are what it minds: --no-tools; if it is the API: --api chat or --api responses",
        ),
    }
}

/// Refusals that servers give one status for, and tell apart in words.
fn by_words(asked: Asked<'_>, status: u16, said: &str) -> Option<Trouble> {
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let who = asked.who();
    if has(&[
        "context length",
        "context size",
        "context window",
        "context_length_exceeded",
        "maximum model length",
    ]) {
        let more = match asked.origin {
            Origin::Model(name) => {
                format!("give `{name}` more with `context` in pi.toml, then `pi apply`; or ")
            }
            Origin::Url => String::new(),
        };
        let help = format!("{more}ask for less: a new session (without -c), a shorter message, --no-tools");
        return Some(Trouble::new(format!("this does not fit into the model's context: {said}"), help));
    }
    if has(&["tool-call-parser", "tool choice requires", "--jinja", "does not support tools"]) {
        let more = match asked.origin {
            Origin::Model(name) => {
                format!(
                    ", or give `{name}` in pi.toml args = [\"--enable-auto-tool-choice\", \"--tool-call-parser\", \"…\"]"
                )
            }
            Origin::Url => String::new(),
        };
        let help = format!("talk without them: --no-tools{more}");
        return Some(Trouble::new(format!("{who} was not started for tools: {said}"), help));
    }
    (status == 503 && has(&["loading"]))
        .then(|| Trouble::new(format!("{who} is still loading the model"), "try again in a while"))
}

/// A connection that could not be made.
pub(super) fn unreachable(asked: Asked<'_>, why: &str) -> Trouble {
    Trouble::new(format!("{} does not answer: {why}", asked.who()), not_ready(asked.origin))
}

/// A stream that is no answer.
pub(super) fn broken(asked: Asked<'_>, fault: Fault) -> Trouble {
    let who = asked.who();
    match fault {
        Fault::Said { code, message } => {
            let body = serde_json::json!({ "error": { "message": message } }).to_string();
            refused(asked, code.filter(|code| *code >= 400).unwrap_or(500), &body, None)
        }
        Fault::Garbled(what) => Trouble::new(
            format!("{who} answers with something else than a model's stream: {}", short(&what)),
            "is it an OpenAI-compatible server? its base URL usually ends in /v1",
        ),
        Fault::Over(over) => Trouble::new(
            format!("{who} does not end its answer: {over}"),
            format!("--max-tokens N limits an answer; {}", look(asked.origin)),
        ),
        Fault::Cut => Trouble::new(format!("{who} ended in the middle of its answer"), look(asked.origin)),
    }
}

/// A connection that was lost before the answer was whole.
pub(super) fn lost(asked: Asked<'_>, why: &str) -> Trouble {
    Trouble::new(format!("{} ended in the middle of its answer: {why}", asked.who()), look(asked.origin))
}

/// The server's own words for an error, from its body.
fn words(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let places = [&value["error"]["message"], &value["message"], &value["detail"], &value["error"]];
    let told = places.into_iter().find_map(Value::as_str);
    // a page of HTML tells nobody anything
    let told = told.unwrap_or(if body.trim_start().starts_with('<') { "" } else { body });
    short(told)
}

/// One line of at most 300 characters, without what could steer a terminal.
fn short(text: &str) -> String {
    let harmless: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = harmless.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 300 { line } else { line.chars().take(299).chain(['…']).collect() }
}

fn other_key(origin: &Origin) -> String {
    match origin {
        Origin::Model(_) => {
            "the key comes from [secrets] api_key; `pi plan` says whether the pod has another".to_owned()
        }
        Origin::Url => "set OPENAI_API_KEY, or name another variable with --api-key-env".to_owned(),
    }
}

fn other_model(origin: &Origin) -> String {
    match origin {
        Origin::Model(_) => "the server calls its model otherwise; see what runs: pi list".to_owned(),
        Origin::Url => "without --model, pi asks which model it serves".to_owned(),
    }
}

fn other_address(origin: &Origin) -> String {
    let api = "a server without the Responses API wants --api chat";
    match origin {
        Origin::Model(_) => api.to_owned(),
        Origin::Url => format!("a base URL usually ends in /v1; {api}"),
    }
}

fn not_ready(origin: &Origin) -> String {
    match origin {
        Origin::Model(_) => "see whether it runs: pi list".to_owned(),
        Origin::Url => "is the server up, and --base-url right?".to_owned(),
    }
}

fn look(origin: &Origin) -> String {
    match origin {
        Origin::Model(name) => format!("its last words: pi logs {name}"),
        Origin::Url => "see the server's log, then try again".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounded::CALLS;
    use std::fmt::Write;

    #[test]
    fn every_refusal_says_what_to_do_next() {
        let vllm_context = r#"{"object":"error","message":"This model's maximum context length is 2048 tokens. However, you requested 5000 tokens.","code":400}"#;
        let llama_context = r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error"}}"#;
        let table: &[(u16, &str)] = &[
            (401, r#"{"error":{"message":"Invalid API Key"}}"#),
            (401, r#"{"error":"Unauthorized"}"#),
            (404, r#"{"error":{"message":"The model `qwen` does not exist."}}"#),
            (404, r#"{"detail":"Not Found"}"#),
            (404, "<html><body>nginx</body></html>"),
            (429, r#"{"error":{"message":"Rate limit reached"}}"#),
            (400, vllm_context),
            (400, llama_context),
            (
                400,
                r#"{"error":{"message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"}}"#,
            ),
            (500, r#"{"error":{"message":"tools param requires --jinja flag"}}"#),
            (503, r#"{"error":{"message":"Loading model"}}"#),
            (502, "Bad \u{1b}[31mGateway\n"),
            (308, ""),
            (418, "no"),
        ];
        let mut text = String::new();
        for origin in [Origin::Url, Origin::Model("chat".to_owned())] {
            let asked = Asked { url: "http://h:8001/v1", model: "qwen", origin: &origin };
            for (status, body) in table {
                let Trouble { message, help } = refused(asked, *status, body, Some("7"));
                writeln!(text, "{message}\n  {help}").unwrap();
            }
            for fault in [Fault::Cut, Fault::Garbled("expected value: hello".to_owned()), Fault::Over(CALLS)]
            {
                let Trouble { message, help } = broken(asked, fault);
                writeln!(text, "{message}\n  {help}").unwrap();
            }
        }
        insta::assert_snapshot!(text);
    }
}

//! Requests to the hub.

use super::answer::{Resolved, TokenSent, files, next_page, refused, resolved};
use super::facts::{HubFile, NoAnswer};
use super::here::Here;
use crate::name::HfRepo;
use reqwest::header::{HeaderMap, LINK, RANGE};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// A hub that takes longer to accept a connection is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// The most that is read of one answer.
const LONGEST: u64 = 64 << 20;
/// The most pages of 1000 files that are read.
const PAGES: usize = 100;

/// The hub, ready to be asked.
pub(super) struct Hub<'a> {
    client: Client,
    here: &'a Here,
}

struct Reply {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'a> Hub<'a> {
    pub(super) fn new(here: &'a Here) -> Result<Self, NoAnswer> {
        let mut builder =
            Client::builder().connect_timeout(CONNECT).user_agent(concat!("pi/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&here.endpoint) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| NoAnswer::Unreached(innermost(&error)))?;
        Ok(Self { client, here })
    }

    /// What a revision means now.
    pub(super) async fn resolve(&self, repo: &HfRepo, revision: &str) -> Result<Resolved, NoAnswer> {
        let url = format!("{}/api/models/{repo}/revision/{}", self.here.endpoint, escaped(revision, ""));
        resolved(&self.get(&url, Part::All).await?.body)
    }

    /// Every file of a commit.
    pub(super) async fn files(
        &self,
        repo: &HfRepo,
        commit: &str,
    ) -> Result<BTreeMap<String, HubFile>, NoAnswer> {
        let mut url = format!("{}/api/models/{repo}/tree/{commit}?recursive=true", self.here.endpoint);
        let mut all = BTreeMap::new();
        for _ in 0..PAGES {
            let reply = self.get(&url, Part::All).await?;
            all.extend(files(&reply.body)?);
            let link = reply.headers.get(LINK).and_then(|link| link.to_str().ok()).and_then(next_page);
            match link {
                // the token goes to the hub alone
                Some(next) if next.starts_with(&self.here.endpoint) => next.clone_into(&mut url),
                Some(_) | None => return Ok(all),
            }
        }
        Err(NoAnswer::Failed(format!("{repo} has too many files")))
    }

    /// The repository's `config.json`; nothing if it can't be read as JSON.
    pub(super) async fn config(&self, repo: &HfRepo, commit: &str) -> Result<Option<Value>, NoAnswer> {
        let reply = self.get(&self.file(repo, commit, "config.json"), Part::All).await?;
        Ok(serde_json::from_slice(&reply.body).ok())
    }

    /// Whether files are given to us: the first byte of one.
    pub(super) async fn may_have(&self, repo: &HfRepo, commit: &str, path: &str) -> Result<(), NoAnswer> {
        self.get(&self.file(repo, commit, path), Part::First).await.map(drop)
    }

    fn file(&self, repo: &HfRepo, commit: &str, path: &str) -> String {
        format!("{}/{repo}/resolve/{commit}/{}", self.here.endpoint, escaped(path, "/"))
    }

    async fn get(&self, url: &str, part: Part) -> Result<Reply, NoAnswer> {
        let mut request = self.client.get(url);
        if let Some(token) = &self.here.token {
            request = request.bearer_auth(token.expose());
        }
        if part == Part::First {
            request = request.header(RANGE, "bytes=0-0");
        }
        let response = request.send().await.map_err(lost)?;
        let (status, headers) = (response.status(), response.headers().clone());
        // an empty file has no first byte
        if !status.is_success() && status != StatusCode::RANGE_NOT_SATISFIABLE {
            let code = headers.get("x-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
            let token = if self.here.token.is_some() { TokenSent::Yes } else { TokenSent::No };
            return Err(refused(status.as_u16(), code, token));
        }
        if response.content_length().is_some_and(|length| length > LONGEST) {
            return Err(NoAnswer::Failed("its answer is too long".to_owned()));
        }
        let body =
            if part == Part::First { Vec::new() } else { response.bytes().await.map_err(lost)?.to_vec() };
        Ok(Reply { headers, body })
    }
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    First,
}

/// A connection that fails is the net's fault, anything else the hub's.
fn lost(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    let why = innermost(&error);
    if error.is_connect() || error.is_timeout() || error.is_request() {
        NoAnswer::Unreached(why)
    } else {
        NoAnswer::Failed(why)
    }
}

/// `Connection refused` says more than `error sending request`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| host.starts_with(name))
}

/// Percent-encoded, but for letters, digits, `-._~` and what `also` holds.
fn escaped(text: &str, also: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "-._~".contains(c) || also.contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_into_addresses_escaped() {
        assert_eq!(escaped("refs/pr/1", ""), "refs%2Fpr%2F1");
        assert_eq!(escaped("a b/ü.json", "/"), "a%20b/%C3%BC.json");
    }
}

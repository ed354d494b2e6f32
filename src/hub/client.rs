//! Requests to the hub.

use super::answer::{Resolved, TokenSent, files, next_page, refused, resolved};
use super::facts::{HubFile, NoAnswer};
use super::here::Here;
use crate::bounded::{BodyError, HUB_CONFIG, HUB_LIST, HUB_PAGE, HUB_REVISION, Limit, Over, body};
use crate::name::HfRepo;
use crate::origin::{is_loopback, is_same};
use reqwest::header::{HeaderMap, LINK, LOCATION, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// A hub that takes longer to accept a connection is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// How often the hub may send a request elsewhere: it does so once or twice.
const REDIRECTS: usize = 10;

/// The hub, ready to be asked.
pub(super) struct Hub<'a> {
    client: Client,
    here: &'a Here,
    endpoint: Url,
}

struct Reply {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl<'a> Hub<'a> {
    pub(super) fn new(here: &'a Here) -> Result<Self, NoAnswer> {
        let endpoint = Url::parse(&here.endpoint);
        let endpoint = endpoint.map_err(|why| NoAnswer::Failed(format!("HF_ENDPOINT is no URL: {why}")))?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT)
            // the token must not follow to where somebody else points
            .redirect(Policy::none())
            .user_agent(concat!("pi/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&here.endpoint) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| NoAnswer::Unreached(innermost(&error)))?;
        Ok(Self { client, here, endpoint })
    }

    /// What a revision means now.
    pub(super) async fn resolve(&self, repo: &HfRepo, revision: &str) -> Result<Resolved, NoAnswer> {
        let url = self.url(&format!("api/models/{repo}/revision/{}", escaped(revision, "")))?;
        resolved(&self.get(url, Part::All(HUB_REVISION)).await?.body)
    }

    /// Every file of a commit.
    pub(super) async fn files(
        &self,
        repo: &HfRepo,
        commit: &str,
    ) -> Result<BTreeMap<String, HubFile>, NoAnswer> {
        let mut url = self.url(&format!("api/models/{repo}/tree/{commit}?recursive=true"))?;
        let (mut all, mut bytes) = (BTreeMap::new(), 0);
        loop {
            let reply = self.get(url.clone(), Part::All(HUB_PAGE)).await?;
            // an empty page with a next one counts, too
            bytes += reply.body.len() as u64 + 1000;
            if bytes > HUB_LIST.bytes {
                return Err(over(&url, Over::Bytes(HUB_LIST)));
            }
            all.extend(files(&reply.body)?);
            let link = reply.headers.get(LINK).and_then(|link| link.to_str().ok()).and_then(next_page);
            let Some(next) = link else { return Ok(all) };
            // half a list is none, and the hub's list is at the hub
            url = match url.join(next) {
                Ok(next) if is_same(&self.endpoint, &next) => next,
                Ok(_) | Err(_) => {
                    return Err(NoAnswer::Failed(format!("its list of files goes on elsewhere, at {next}")));
                }
            };
        }
    }

    /// The repository's `config.json`; nothing if it can't be read as JSON.
    pub(super) async fn config(&self, repo: &HfRepo, commit: &str) -> Result<Option<Value>, NoAnswer> {
        let reply = self.get(self.file(repo, commit, "config.json")?, Part::All(HUB_CONFIG)).await?;
        Ok(serde_json::from_slice(&reply.body).ok())
    }

    /// Whether files are given to us: the first byte of one.
    pub(super) async fn may_have(&self, repo: &HfRepo, commit: &str, path: &str) -> Result<(), NoAnswer> {
        self.get(self.file(repo, commit, path)?, Part::First).await.map(drop)
    }

    fn file(&self, repo: &HfRepo, commit: &str, path: &str) -> Result<Url, NoAnswer> {
        self.url(&format!("{repo}/resolve/{commit}/{}", escaped(path, "/")))
    }

    fn url(&self, path: &str) -> Result<Url, NoAnswer> {
        let url = Url::parse(&format!("{}/{path}", self.here.endpoint));
        url.map_err(|why| NoAnswer::Failed(format!("{path} makes no URL: {why}")))
    }

    async fn get(&self, url: Url, part: Part) -> Result<Reply, NoAnswer> {
        let response = self.follow(url, part).await?;
        let (status, headers, url) = (response.status(), response.headers().clone(), response.url().clone());
        // an empty file has no first byte
        if !status.is_success() && status != StatusCode::RANGE_NOT_SATISFIABLE {
            let code = headers.get("x-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
            let token = if self.here.token.is_some() { TokenSent::Yes } else { TokenSent::No };
            return Err(refused(status.as_u16(), code, token));
        }
        let body = match part {
            Part::First => Vec::new(),
            Part::All(limit) => body(response, limit).await.map_err(|error| match error {
                BodyError::Over(why) => over(&url, why),
                BodyError::Lost(error) => lost(error),
            })?,
        };
        Ok(Reply { headers, body })
    }

    /// Asks, and asks again where the hub points: without the token unless that is the hub itself.
    async fn follow(&self, mut url: Url, part: Part) -> Result<Response, NoAnswer> {
        for _ in 0..=REDIRECTS {
            let mut request = self.client.get(url.clone());
            if let Some(token) = self.here.token.as_ref().filter(|_| is_same(&self.endpoint, &url)) {
                request = request.bearer_auth(token.expose());
            }
            if part == Part::First {
                request = request.header(RANGE, "bytes=0-0");
            }
            let response = request.send().await.map_err(lost)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let next = to.and_then(|to| url.join(to).ok());
            let encrypted = |next: &Url| next.scheme() == "https" || next.scheme() == url.scheme();
            url = next.filter(encrypted).ok_or_else(|| {
                NoAnswer::Failed(format!("it sends the request to {}", to.unwrap_or("nowhere")))
            })?;
        }
        Err(NoAnswer::Failed(format!("it sends the request elsewhere more than {REDIRECTS} times")))
    }
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All(Limit),
    First,
}

fn over(url: &Url, why: Over) -> NoAnswer {
    NoAnswer::Failed(format!("{}: {why}", url.path()))
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

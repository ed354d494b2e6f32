//! The door to a model's server: requests go out, streams come in.

use crate::agent::api::{Api, Fold};
use crate::agent::gather::Fault;
use crate::agent::message::{Answer, Finish, Message, Piece};
use crate::agent::patience::{Part, Patience};
use crate::agent::sse::Sse;
use crate::agent::trouble::{Asked, Origin, Trouble, broken, lost, refused, unreachable};
use crate::bounded::{self, BodyError, EVENT, LISTING, Over, REFUSAL, TURN, whole_after};
use crate::origin::is_loopback;
use crate::secret::Secret;
use futures_util::StreamExt;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A server that takes longer to accept a connection is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// A model's server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Up to and with `/v1`.
    pub base_url: String,
    /// The Unix socket that leads to it; then the host in the URL means nothing.
    pub socket: Option<PathBuf>,
    /// Its name there.
    pub model: String,
    /// What it wants as a bearer token.
    pub key: Option<Secret>,
    /// Which API to speak.
    pub api: Api,
    /// How it was named.
    pub origin: Origin,
    /// How it should answer.
    pub sampling: Sampling,
}

/// How answers are made; the server's own defaults where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sampling {
    /// Zero gives the same answer each time.
    pub temperature: Option<f64>,
    /// The most tokens of one answer.
    pub max_tokens: Option<NonZeroU32>,
}

/// What a turn is made from.
pub(super) struct Request<'a> {
    pub(super) system: &'a str,
    pub(super) messages: &'a [Message],
    pub(super) tools: &'a [Value],
}

/// An answer, and how long it took.
pub(super) struct Timed {
    pub(super) answer: Answer,
    /// Until the first event, and until the last.
    pub(super) first: Option<Duration>,
    pub(super) whole: Duration,
}

/// A server, ready to be asked.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Server,
}

impl Client {
    /// Prepares everything; nothing is sent yet.
    pub fn new(mut server: Server) -> Result<Self, Trouble> {
        let trimmed = server.base_url.trim_end_matches('/').len();
        server.base_url.truncate(trimmed);
        let builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(TURN.time)
            // servers close what is idle just when the next turn would use it
            .pool_max_idle_per_host(0)
            // a token must not follow to where somebody else points
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pi/", env!("CARGO_PKG_VERSION")));
        let builder = match &server.socket {
            Some(socket) => builder.unix_socket(socket.as_path()),
            None if is_loopback(&server.base_url) => builder.no_proxy(),
            None => builder,
        };
        let http = builder.build().map_err(|error| {
            Trouble::new(
                format!("cannot speak HTTP: {}", innermost(&error)),
                "see the proxies in the environment",
            )
        })?;
        Ok(Self { http, server })
    }

    /// The server that is asked.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Takes another model of the same server, and the API that suits it unless one was chosen.
    pub fn use_model(&mut self, model: String, api: Option<Api>) {
        self.server.api = api.unwrap_or_else(|| Api::for_model(&model));
        self.server.model = model;
    }

    /// The names of the models that it serves.
    pub async fn models(&self) -> Result<Vec<String>, Trouble> {
        let url = format!("{}/models", self.server.base_url);
        let response = self.send(self.http.get(&url), &url).await?;
        let asked = self.asked(&url);
        let body = bounded::body(response, LISTING).await.map_err(|error| without_end(asked, &error))?;
        let value: Value = serde_json::from_slice(&body)
            .map_err(|error| broken(asked, Fault::Garbled(error.to_string())))?;
        let models = value["data"].as_array().into_iter().flatten();
        Ok(models.filter_map(|model| model["id"].as_str().map(str::to_owned)).collect())
    }

    /// One turn: the model's answer, its pieces told as they come. If it is stopped, what has come by then.
    pub(super) async fn turn(
        &self,
        request: &Request<'_>,
        stop: &CancellationToken,
        tell: &mut dyn FnMut(Piece),
    ) -> Result<Timed, Trouble> {
        let url = format!("{}/{}", self.server.base_url, self.server.api.path());
        let begun = Instant::now();
        let mut first = None;
        let mut fold = Fold::new(self.server.api);
        let work = async {
            let response = self.send(self.http.post(&url).json(&self.body(request)), &url).await?;
            let mut hear = |data: &str| {
                first.get_or_insert_with(|| begun.elapsed());
                fold.hear(data).map(|pieces| pieces.into_iter().for_each(&mut *tell))
            };
            self.read(response, &url, &mut hear).await
        };
        let whole = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            done = work => Some(done?),
        };
        let ended = match whole {
            Some(()) => fold.end(),
            None => Ok(fold.so_far()),
        };
        let (pieces, mut answer) = ended.map_err(|fault| broken(self.asked(&url), self.safe(fault)))?;
        if whole.is_none() {
            answer.finish = Finish::Interrupted;
            // half a call is none
            answer.calls.clear();
        }
        let calls = |piece: &Piece| !matches!(piece, Piece::Call(_));
        pieces.into_iter().filter(|piece| whole.is_some() || calls(piece)).for_each(tell);
        Ok(Timed { answer, first, whole: begun.elapsed() })
    }

    /// A text, without the key: what tools read and servers say is shown and written to files.
    pub(super) fn without_key(&self, text: &str) -> String {
        match self.server.key.as_ref().map(Secret::expose) {
            // a short word might be part of anything
            Some(key) if key.len() >= 8 => text.replace(key, "(the API key)"),
            _ => text.to_owned(),
        }
    }

    fn body(&self, request: &Request<'_>) -> Value {
        let Request { system, messages, tools } = request;
        let mut body = self.server.api.body(system, messages, tools);
        body["model"] = json!(self.server.model);
        let Sampling { temperature, max_tokens } = self.server.sampling;
        if let Some(most) = max_tokens {
            body[self.server.api.limit()] = json!(most);
        }
        if let Some(temperature) = temperature {
            body["temperature"] = json!(temperature);
        }
        body
    }

    /// Sends a request; anything but success is trouble.
    async fn send(&self, request: RequestBuilder, url: &str) -> Result<Response, Trouble> {
        let request = match &self.server.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        };
        let asked = self.asked(url);
        let response = request.send().await.map_err(|error| {
            let why = innermost(&error);
            if error.is_connect() { unreachable(asked, &why) } else { lost(asked, &why) }
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()).map(str::to_owned);
        let body = bounded::body(response, REFUSAL).await.unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        // some servers quote the key that they refuse
        let wait = wait.filter(|wait| wait.bytes().all(|byte| byte.is_ascii_digit()));
        Err(refused(asked, status, &self.without_key(&body), wait.as_deref()))
    }

    async fn read(
        &self,
        response: Response,
        url: &str,
        hear: &mut dyn FnMut(&str) -> Result<(), Fault>,
    ) -> Result<(), Trouble> {
        let asked = self.asked(url);
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/html") {
            return Err(broken(asked, Fault::Garbled("a page for browsers".to_owned())));
        }
        let streams = !kind.starts_with("application/json");
        let mut hear = |data: &str| hear(data).map_err(|fault| broken(asked, self.safe(fault)));
        if !streams {
            // a server that can't stream sends the same all at once
            let body = whole_after(response, EVENT).await.map_err(|error| without_end(asked, &error))?;
            return hear(&String::from_utf8_lossy(&body));
        }
        let over = |over| broken(asked, Fault::Over(over));
        let (mut sse, mut size) = (Sse::default(), 0);
        let mut bytes = response.bytes_stream();
        let mut patience = Patience::new(Instant::now());
        loop {
            let (time, limit) = patience.left(Instant::now());
            let next = timeout(time, bytes.next()).await.map_err(|_| over(Over::Time(limit)))?;
            let Some(portion) = next else { break };
            let portion = portion.map_err(|error| lost(asked, &innermost(&error)))?;
            size += portion.len() as u64;
            if size > TURN.bytes {
                return Err(over(Over::Bytes(TURN)));
            }
            let events = sse.push(&portion).map_err(over)?;
            let part = |is_there| if is_there { Part::Some } else { Part::None };
            patience.heard(Instant::now(), part(!events.is_empty()), part(sse.is_within()));
            events.iter().try_for_each(|data| hear(data))?;
        }
        sse.end().iter().try_for_each(|data| hear(data))
    }

    fn asked<'a>(&'a self, url: &'a str) -> Asked<'a> {
        Asked { url, model: &self.server.model, origin: &self.server.origin }
    }

    fn safe(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Said { code, message } => Fault::Said { code, message: self.without_key(&message) },
            Fault::Garbled(what) => Fault::Garbled(self.without_key(&what)),
            Fault::Over(over) => Fault::Over(over),
            Fault::Cut => Fault::Cut,
        }
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

fn without_end(asked: Asked<'_>, error: &BodyError) -> Trouble {
    match error {
        BodyError::Over(over) => broken(asked, Fault::Over(*over)),
        BodyError::Lost(error) => lost(asked, &innermost(error)),
    }
}

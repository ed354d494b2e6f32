//! A server as clients find it: where it is, what it is called there, and whether this machine gets to it.
//!
//! What `pods.json` says is enough if something listens there; else the pod is looked at.

use crate::apply::served;
use crate::cli::context::full::Context;
use crate::cli::context::place::Places;
use crate::cli::terminal::exit::away;
use crate::manifest::{EngineKind, Manifest, State};
use crate::name::{ModelName, PodName};
use crate::observe::{Life, PodFacts, ProbeResult, ServerSeen};
use crate::remote::{Reach, Remote, Way};
use crate::secret::Secret;
use crate::spec::{KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;
use crate::status::{Address, address};
use miette::{Report, Result, miette};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a port may take to accept a connection.
const KNOCK: Duration = Duration::from_millis(1500);
/// How long a server may take to list its models.
const ASK: Duration = Duration::from_secs(3);

/// A server that runs.
#[derive(Debug)]
pub(in crate::cli) struct Endpoint {
    pub(in crate::cli) pod: PodName,
    pub(in crate::cli) spec: ServerSpec,
    /// Where clients elsewhere would look for it.
    pub(in crate::cli) address: Address,
    pub(in crate::cli) access: Access,
}

/// Whether this machine gets to a server's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Access {
    /// Something listens there.
    Direct,
    /// Only through the pod's SSH connection: it listens on loopback, or a firewall is between.
    Tunnel,
    /// Nobody gets to it yet: it is starting, or does not answer.
    Silent,
}

/// A way to send it requests from here, open as long as this lives.
#[derive(Debug)]
pub(in crate::cli) struct Line {
    /// `http://1.2.3.4:8001/v1`; over a Unix socket the host in it means nothing.
    pub(in crate::cli) base_url: String,
    /// Through the pod's SSH connection.
    pub(in crate::cli) reach: Option<Reach>,
}

/// The key that requests need.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Key<'a> {
    /// None.
    Open,
    /// This one.
    Known(&'a Secret),
    /// The pod has one that this machine has not.
    Unknown,
}

/// Finds a running server by its name.
pub(in crate::cli) async fn endpoint(context: &Context, name: &str) -> Result<Endpoint> {
    let places = Places { manifest: &context.manifest, memory: &context.memory, scope: &context.scope };
    let (pod, name) = places.find(name)?;
    let host = context.remote.host(&pod).await;
    let at = |facts: &PodFacts, spec: &ServerSpec| {
        let pod = context.manifest.pods.get(&pod).ok_or_else(|| miette!("there is no pod `{pod}`"))?;
        let provider = facts
            .provider
            .seen()
            .ok_or_else(|| miette!("which ports the provider maps could not be looked at"))?;
        Ok::<_, Report>(address(pod, provider, spec, host.as_deref()))
    };
    if let Some(known) = places.remembered(&pod)
        && let Ok(spec) = running(known.facts.servers.get(&name), &name, &pod, "")
        && !is_hidden(context, &pod, &spec)
        && let Ok(address) = at(&known.facts, &spec)
        && knock(&address).await
    {
        return Ok(Endpoint { pod, spec, address, access: Access::Direct });
    }
    let facts = look(context, &pod).await?;
    let seen = facts.servers.get(&name);
    let start = how_to_start(&context.manifest, &name);
    let spec = running(seen, &name, &pod, &start)?;
    let address = at(&facts, &spec)?;
    let healthy = seen.is_some_and(|seen| matches!(seen.life, Life::Running { health: Some(200), .. }));
    let access = match (is_hidden(context, &pod, &spec), healthy) {
        (false, _) if knock(&address).await => Access::Direct,
        (_, true) => Access::Tunnel,
        (_, false) => Access::Silent,
    };
    Ok(Endpoint { pod, spec, address, access })
}

impl Endpoint {
    /// Opens a way to it, whatever that takes.
    pub(in crate::cli) async fn line(&self, context: &Context) -> Result<Line> {
        if self.access == Access::Direct {
            return Ok(Line { base_url: self.address.base_url(), reach: None });
        }
        let reach = context.remote.reach(&self.pod, self.spec.port).await;
        let reach = reach.map_err(|error| away(&self.pod, &error.to_string(), error.help()))?;
        let base_url = match reach.way() {
            Way::Socket(_) => format!("http://{}/v1", self.spec.name),
            Way::Address(address) => format!("http://{address}/v1"),
        };
        Ok(Line { base_url, reach: Some(reach) })
    }

    /// The key that its requests need.
    pub(in crate::cli) fn key<'a>(&self, context: &'a Context) -> Key<'a> {
        let found = || context.secrets.iter().find(|(name, _)| name.as_str() == "api_key");
        match self.spec.key {
            KeyUse::Open => Key::Open,
            KeyUse::Required => found().map_or(Key::Unknown, |(_, key)| Key::Known(key)),
        }
    }

    /// What clients call its model. Servers of `engine = "command"` may call it as they like: they are asked, over
    /// the pod's own connection, so that the key goes to no stranger.
    pub(in crate::cli) async fn model(&self, context: &Context) -> String {
        let name = self.spec.name.to_string();
        if self.spec.kind != EngineKind::Command || self.access == Access::Silent {
            return name;
        }
        let asked = async {
            let reach = context.remote.reach(&self.pod, self.spec.port).await.ok()?;
            let key = match self.key(context) {
                Key::Known(key) => Some(key),
                Key::Open | Key::Unknown => None,
            };
            served(reach.way(), &self.spec, key, ASK).await
        };
        asked.await.unwrap_or(name)
    }
}

/// What starts a server that does not run, going by what pi.toml says of it.
pub(in crate::cli) fn how_to_start(manifest: &Manifest, name: &ModelName) -> String {
    match manifest.models.get(name).map(|model| model.state) {
        Some(State::Running) => format!("`pi apply --target {name}` starts it"),
        Some(State::Stopped) => format!("`pi start {name}` starts it"),
        None => format!("pi.toml has no [models.{name}]: with one, `pi apply` starts it"),
    }
}

/// The spec of a server that runs, or what to do about one that does not.
fn running(seen: Option<&ServerSeen>, name: &ModelName, pod: &PodName, start: &str) -> Result<ServerSpec> {
    let logs = format!("`pi logs {name}` shows its last words; {start}");
    let Some(ServerSeen { spec, life, .. }) = seen else {
        return Err(miette!(help = start, "`{name}` is not there: {pod} has no server of that name"));
    };
    match life {
        Life::Running { .. } => spec
            .clone()
            .map_err(|why| miette!(help = start, "the record of `{name}` on {pod} can't be read: {why}")),
        Life::Dead { .. } => Err(miette!(help = logs, "`{name}` does not run: its process on {pod} is gone")),
        Life::Stopped => Err(miette!(help = start, "`{name}` does not run: it is stopped on {pod}")),
    }
}

/// Whether nobody outside its pod gets to a server.
fn is_hidden(context: &Context, pod: &PodName, spec: &ServerSpec) -> bool {
    let local = context.manifest.pods.get(pod).is_some_and(|pod| pod.ssh == SshTarget::Local);
    spec.listen.is_loopback() && !local
}

async fn knock(address: &Address) -> bool {
    let connect = TcpStream::connect((address.host.as_str(), address.port.get()));
    matches!(timeout(KNOCK, connect).await, Ok(Ok(_)))
}

async fn look(context: &Context, pod: &PodName) -> Result<PodFacts> {
    let mut observed = context.observe_these(vec![pod.clone()]).await;
    match observed.pods.remove(pod) {
        Some(ProbeResult::Seen(facts)) => Ok(*facts),
        Some(ProbeResult::Unreachable(why)) => Err(away(pod, &why.why, why.help)),
        None => Err(miette!("{pod} was not looked at")),
    }
}

//! Ports: the manifest's, else the one it had, else the first free of those that are mapped to the outside, else from
//! 8001.

use super::asked::Asked;
use crate::name::{ModelName, Port};
use crate::observe::{Life, Listener, ServerSeen, mapped_ports};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::{PodContext, is_live};
use std::collections::{BTreeMap, BTreeSet};

/// Where the search for a free port begins.
pub(super) const FIRST: u16 = 8001;
/// Ports below are the machine's own: SSH, and what only root may listen on.
const UNPRIVILEGED: u16 = 1024;

pub(super) fn ports<'a>(
    site: &PodContext<'a>,
    asked: &[Asked<'a>],
    pinned: &Pinned<'a>,
) -> BTreeMap<&'a ModelName, Result<Port, Finding>> {
    let held = held(site, pinned);
    let mut places = BTreeMap::new();
    let mut taken: BTreeSet<Port> = held.keys().copied().collect();
    taken.extend(site.models.iter().filter_map(|(_, model)| model.port));
    for asked in asked {
        let Some(port) = asked.candidate.model.port else { continue };
        let name = asked.candidate.name;
        let holder = held.get(&port).filter(|holder| !is_with_itself(asked, port, holder));
        let place = holder.map_or(Ok(port), |holder| Err(port_taken(site, name, port, holder)));
        places.insert(name, place);
    }
    // who need not restart goes first
    for former in [content, recorded, remembered] {
        for asked in asked {
            let name = asked.candidate.name;
            let port = if places.contains_key(name) { None } else { former(asked) };
            let fixed = |port| site.models.iter().any(|(_, model)| model.port == Some(port));
            let shared = |port| held.get(&port).is_some_and(|holder| is_with_itself(asked, port, holder));
            if let Some(port) = port.filter(|port| taken.insert(*port) || shared(*port) && !fixed(*port)) {
                places.insert(name, Ok(port));
            }
        }
    }
    let (mapped, inside) = (mapped(site), BTreeSet::new());
    for asked in asked {
        let name = asked.candidate.name;
        if !places.contains_key(name) {
            // what listens on loopback leaves them to those that clients come to
            let first = if asked.candidate.listen.is_loopback() { &inside } else { &mapped };
            let any = (FIRST..=u16::MAX).filter_map(Port::new).filter(|port| !mapped.contains(port));
            let port = first.iter().copied().chain(any).find(|port| !taken.contains(port));
            taken.extend(port);
            places.insert(name, port.ok_or_else(|| none_left(site, name)));
        }
    }
    places
}

/// Ports that servers may have and that clients reach from outside: by the provider's map, or by the manifest's.
pub(in crate::plan) fn mapped(site: &PodContext<'_>) -> BTreeSet<Port> {
    let by_provider = site.facts.provider.seen().map(mapped_ports).unwrap_or_default();
    let all = by_provider.into_iter().chain(site.pod.ports.keys().copied());
    all.filter(|port| port.get() >= UNPRIVILEGED).collect()
}

/// Whether nobody has the port but what it is to replace there, or what is to replace it.
fn is_with_itself(asked: &Asked<'_>, port: Port, holder: &Holder<'_>) -> bool {
    matches!(holder, Holder::Server(name) if *name == asked.candidate.name) && recorded(asked) == Some(port)
}

fn content(asked: &Asked<'_>) -> Option<Port> {
    recorded(asked).filter(|_| asked.content)
}

fn recorded(asked: &Asked<'_>) -> Option<Port> {
    asked.record.map(|spec| spec.port)
}

fn remembered(asked: &Asked<'_>) -> Option<Port> {
    asked.remembered.map(|known| known.port)
}

/// Who has a port that stays taken.
pub(super) enum Holder<'a> {
    Server(&'a ModelName),
    Stranger(&'a Listener),
}

/// Ports that are not given up: those of strangers, and of servers that stay, also of those that do not listen yet.
/// A server that this plan removes or moves frees its port before anybody else starts there.
pub(super) fn held<'a>(site: &PodContext<'a>, pinned: &Pinned<'a>) -> BTreeMap<Port, Holder<'a>> {
    let mut held = BTreeMap::new();
    // where nobody can tell who listens, nothing is started
    for listener in site.facts.listeners.seen().into_iter().flatten() {
        let both = |server: &ServerSeen| server.both().any(|server| owns(server, listener));
        let mut owners = site.facts.servers.iter().filter(|(_, server)| both(server)).peekable();
        let holder = match owners.peek() {
            None => Some(Holder::Stranger(listener)),
            Some(_) => owners.find(|(name, _)| pinned.contains(name)).map(|(name, _)| Holder::Server(name)),
        };
        held.extend(holder.map(|holder| (listener.port, holder)));
    }
    for name in pinned {
        let spec = site.live(name).and_then(|seen| seen.spec.as_ref().ok());
        held.extend(spec.map(|spec| (spec.port, Holder::Server(name))));
    }
    for (name, seen) in &site.facts.servers {
        let spec = seen.beside.as_deref().filter(|beside| is_live(beside)).map(|beside| &beside.spec);
        held.extend(spec.and_then(|spec| Some((spec.as_ref().ok()?.port, Holder::Server(name)))));
    }
    held
}

/// Whether a port is this server's, as far as can be seen.
pub(in crate::plan) fn owns(server: &ServerSeen, listener: &Listener) -> bool {
    let known = |id: u32| id != 0 && (listener.session == Some(id) || listener.pid == Some(id));
    let port = || server.spec.as_ref().is_ok_and(|spec| spec.port == listener.port);
    match &server.life {
        Life::Running { pid, .. } => {
            // not everybody may see whose a port is; and what has answered there may have left its session
            let hidden = listener.session.is_none() && listener.pid.is_none();
            known(*pid) || ((hidden || server.answered) && port())
        }
        Life::Dead { left } => left.iter().any(|pid| known(*pid)),
        Life::Stopped => false,
    }
}

fn port_taken(site: &PodContext<'_>, model: &ModelName, port: Port, holder: &Holder<'_>) -> Finding {
    let (who, help) = match holder {
        Holder::Server(name) => (format!("the server `{name}`"), "leave `port` out and pi takes a free one"),
        Holder::Stranger(listener) => {
            let help = "leave `port` out and pi takes a free one, or end that process";
            match (&listener.pid, listener.command.as_str()) {
                (Some(pid), command) if !command.is_empty() => (format!("`{command}` (PID {pid})"), help),
                _ => ("another process".to_owned(), help),
            }
        }
    };
    let message = format!("port {port} is taken by {who}");
    Finding::on(Severity::Error, Code::PortTaken, site.name, message).of(model).help(help)
}

pub(super) fn none_left(site: &PodContext<'_>, model: &ModelName) -> Finding {
    let message = format!("no port from {FIRST} on is free");
    Finding::on(Severity::Error, Code::NoFreePort, site.name, message).of(model).help("name one with `port`")
}

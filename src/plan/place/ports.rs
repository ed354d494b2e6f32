//! Ports: the manifest's, else the one it had, else the first free from 8001.

use crate::manifest::Model;
use crate::name::{ModelName, Port};
use crate::observe::{Life, Listener, ServerSeen};
use crate::plan::finding::{Finding, Severity};
use crate::plan::{Inputs, Site};
use std::collections::{BTreeMap, BTreeSet};

/// Where the search for a free port begins.
const FIRST: u16 = 8001;

pub(super) fn ports(
    inputs: &Inputs<'_>,
    site: &Site<'_>,
    running: &[(&ModelName, &Model)],
) -> BTreeMap<ModelName, Result<Port, Finding>> {
    let strangers = strangers(site);
    let mut places = BTreeMap::new();
    let mut taken: BTreeSet<Port> = strangers.keys().copied().collect();
    taken.extend(site.models.iter().filter_map(|(_, model)| model.port));
    for (name, model) in running {
        if let Some(port) = model.port {
            let place = match strangers.get(&port) {
                Some(listener) => Err(port_taken(site, name, listener)),
                None => Ok(port),
            };
            places.insert((*name).clone(), place);
        }
    }
    let free_choice = || running.iter().filter(|(_, model)| model.port.is_none());
    for (name, _) in free_choice() {
        if let Some(port) = former(inputs, site, name).filter(|port| !taken.contains(port)) {
            taken.insert(port);
            places.insert((*name).clone(), Ok(port));
        }
    }
    for (name, _) in free_choice() {
        if !places.contains_key(*name) {
            let free = (FIRST..=u16::MAX).filter_map(Port::new).find(|port| !taken.contains(port));
            taken.extend(free);
            places.insert((*name).clone(), free.ok_or_else(|| none_left(name)));
        }
    }
    places
}

/// The port that this server had: by its record on the pod, else by `pods.json`.
fn former(inputs: &Inputs<'_>, site: &Site<'_>, model: &ModelName) -> Option<Port> {
    let seen = site.facts.servers.get(model).and_then(|s| s.spec.as_ref().ok()).map(|spec| spec.port);
    seen.or_else(|| inputs.memory.port(site.name, model))
}

/// Listeners that are not this manifest's own servers, by port. A server that this plan removes counts as its own:
/// it frees its port before anything starts.
fn strangers<'a>(site: &Site<'a>) -> BTreeMap<Port, &'a Listener> {
    let ours = |listener: &Listener| site.own_servers().any(|(_, server)| owns(server, listener));
    site.facts.listeners.iter().filter(|listener| !ours(listener)).map(|l| (l.port, l)).collect()
}

/// Whether this server's session holds the port, as far as can be seen.
fn owns(server: &ServerSeen, listener: &Listener) -> bool {
    let in_session = |pid: u32| listener.session == Some(pid) || listener.pid == Some(pid);
    match &server.life {
        Life::Running { pid, .. } => match (listener.session, listener.pid) {
            (None, None) => server.spec.as_ref().is_ok_and(|spec| spec.port == listener.port),
            _ => in_session(*pid),
        },
        Life::Dead { left } => listener.pid.is_some_and(|pid| left.contains(&pid)),
        Life::Stopped => false,
    }
}

fn port_taken(site: &Site<'_>, model: &ModelName, listener: &Listener) -> Finding {
    let who = match (&listener.pid, listener.command.as_str()) {
        (Some(pid), command) if !command.is_empty() => format!("`{command}` (PID {pid})"),
        _ => "another process".to_owned(),
    };
    let message = format!("port {} is taken by {who}", listener.port);
    let help = "leave `port` out and pi takes a free one, or end that process".to_owned();
    Finding::on(Severity::Error, "port-taken", site.name, message).of(model).help(help)
}

pub(super) fn none_left(model: &ModelName) -> Finding {
    Finding {
        severity: Severity::Error,
        code: "no-free-port",
        pod: None,
        model: Some(model.clone()),
        message: format!("no port from {FIRST} on is free"),
        help: Some("name one with `port`".to_owned()),
    }
}

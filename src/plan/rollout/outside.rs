//! Servers that their provider lets no client through to.

use crate::name::Port;
use crate::observe::mapped_ports;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;
use crate::plan::place::mapped;
use crate::plan::rollout::run::Run;
use crate::spec::ServerSpec;

/// What is to be said of servers that start on a port that is not mapped, where others are.
pub(in crate::plan) fn unmapped(site: &PodContext<'_>, runs: &[Run<'_>]) -> Vec<Finding> {
    let Some(listeners) = site.facts.listeners.seen() else { return Vec::new() };
    let by_provider = site.facts.provider.seen().map(mapped_ports).unwrap_or_default();
    if by_provider.is_empty() || site.pod.host.is_some() {
        return Vec::new();
    }
    let is_free = |port: &Port| {
        !listeners.iter().any(|listener| listener.port == *port)
            && !runs.iter().any(|run| run.wanted.spec.port == *port)
    };
    let free: Vec<String> = mapped(site).iter().filter(|port| is_free(port)).map(Port::to_string).collect();
    let hidden = |spec: &&ServerSpec| {
        !spec.listen.is_loopback()
            && !by_provider.contains(&spec.port)
            && !site.pod.ports.contains_key(&spec.port)
    };
    let starting = runs.iter().filter(|run| run.starts()).map(|run| &run.wanted.spec);
    starting.filter(hidden).map(|spec| finding(site, spec, &free)).collect()
}

fn finding(site: &PodContext<'_>, spec: &ServerSpec, free: &[String]) -> Finding {
    let ServerSpec { name, port, .. } = spec;
    let message = format!("port {port} is not mapped to the outside");
    let other = match free {
        [] => "let the provider map it".to_owned(),
        [one] => format!("write `port = {one}`, which is"),
        many => format!("choose one of {} as its `port`", many.join(", ")),
    };
    let help = format!("reach it by `pi tunnel {name}`, or {other}");
    Finding::on(Severity::Note, Code::PortNotMapped, site.name, message).of(name).help(help)
}

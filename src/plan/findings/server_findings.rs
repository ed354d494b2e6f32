//! What is worth saying of a server that is started: that it failed before, that its address changes.

use crate::name::{ModelName, Port};
use crate::observe::ServerSeen;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::{PodContext, is_live};
use crate::plan::model::rollout::Rollout;
use crate::plan::place::owns;
use crate::plan::resolve::wanted::Candidate;
use crate::plan::server_diff::ServerDiff;
use crate::spec::ServerSpec;
use crate::units::times;

/// What is worth saying of one server.
pub(in crate::plan) fn server_findings(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    (candidate, spec): (&Candidate<'_>, &ServerSpec),
    (diff, rollout): (&ServerDiff, &Rollout),
) -> Vec<Finding> {
    if matches!(diff, ServerDiff::UpToDate) {
        return Vec::new();
    }
    let moved = match rollout {
        Rollout::SideBySide => follows(site, candidate, spec.port),
        Rollout::Recreate(_) | Rollout::Resumed => moved(inputs, site, candidate, spec.port),
    };
    failed(site, candidate, spec).into_iter().chain(moved).collect()
}

/// The same start has failed already.
fn failed(site: &PodContext<'_>, candidate: &Candidate<'_>, spec: &ServerSpec) -> Option<Finding> {
    let failed = candidate.seen?.past.failed.as_ref().filter(|failed| failed.digest == spec.digest())?;
    let times = times(failed.count);
    let message = format!("it failed to start {times}: {}", failed.cause);
    // the one that ran before it runs again
    let serves = candidate.seen.is_some_and(|seen| seen.answered && is_live(seen));
    let previous = if serves { " --previous" } else { "" };
    let help = format!("pi tries it again; `pi logs {}{previous}` shows what it said", candidate.name);
    Some(Finding::on(Severity::Warning, Code::FailedBefore, site.name, message).of(candidate.name).help(help))
}

/// Its port changes, since it is started beside the one that has it.
fn follows(site: &PodContext<'_>, candidate: &Candidate<'_>, to: Port) -> Option<Finding> {
    let from = candidate.seen?.spec.as_ref().ok().filter(|_| candidate.model.port.is_none())?.port;
    if from == to {
        return None;
    }
    let message = format!("its address changes from :{from} to :{to}, where the new one starts");
    let help = format!(
        "clients have to follow; with `port = {from}` in pi.toml it keeps its address, and is down meanwhile"
    );
    Some(Finding::on(Severity::Warning, Code::PortMoved, site.name, message).of(candidate.name).help(help))
}

/// Its port, which pi chose, is no longer the one that its clients know.
fn moved(inputs: &Inputs<'_>, site: &PodContext<'_>, candidate: &Candidate<'_>, to: Port) -> Option<Finding> {
    let recorded = candidate.seen.and_then(|seen| seen.spec.as_ref().ok()).map(|spec| spec.port);
    let from = recorded.or_else(|| inputs.memory.port(site.name, candidate.name))?;
    if candidate.model.port.is_some() || from == to {
        return None;
    }
    let stranger = site.facts.listeners.seen().into_iter().flatten().find(|listener| {
        listener.port == from
            && !site.facts.servers.values().flat_map(ServerSeen::both).any(|server| owns(server, listener))
    });
    let holder = match stranger {
        Some(listener) => match (listener.pid, listener.command.as_str()) {
            (Some(pid), command) if !command.is_empty() => format!("`{command}` (PID {pid})"),
            (Some(pid), _) => format!("PID {pid}"),
            (None, _) => "another process".to_owned(),
        },
        None => "another server".to_owned(),
    };
    let message = format!("its port changes from {from} to {to}: {holder} has {from}");
    let help = format!(
        "clients have to follow; with `port = {from}` in pi.toml the plan fails instead, until {from} is free"
    );
    Some(Finding::on(Severity::Warning, Code::PortMoved, site.name, message).of(candidate.name).help(help))
}

/// A server that would be touched and may not.
pub(in crate::plan) fn protected(site: &PodContext<'_>, name: &ModelName, would: &str) -> Finding {
    Finding::on(Severity::Error, Code::Protected, site.name, format!("it is protected and would {would}"))
        .of(name)
        .help("run again with --allow-protected, or take `protect` out of pi.toml")
}

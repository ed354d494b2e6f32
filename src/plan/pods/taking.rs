//! The names behind `--take-over`. A name that exists nowhere is a usage error. A server that already belongs to this
//! project gets a note only, so that an interrupted command can be run again as it is.

use crate::manifest::near;
use crate::name::{ModelName, PodName};
use crate::observe::{PodFacts, ProbeResult, ServerSeen, Whose};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use std::collections::BTreeSet;

/// How many servers of others are named where the right one can't be guessed.
const NAMED: usize = 8;

/// The error and its help for a name that neither a server nor a model has. None if a pod could not be examined: the
/// server may be there.
#[must_use]
pub fn nowhere(inputs: &Inputs<'_>) -> Option<(String, String)> {
    let (seen, unseen) = pods(inputs);
    let is_somewhere = |name: &ModelName| {
        inputs.manifest.models.contains_key(name)
            || seen.iter().any(|(_, facts)| facts.servers.contains_key(name))
    };
    let name = inputs.take_over.iter().find(|name| unseen.is_empty() && !is_somewhere(name))?;
    let at = match seen.as_slice() {
        [(pod, _)] => format!("on `{pod}`"),
        pods => format!("on any of the {} pods that were looked at", pods.len()),
    };
    let servers = seen.iter().flat_map(|(_, facts)| &facts.servers);
    let others: BTreeSet<&str> = servers
        .filter(|(name, seen)| can_be_taken(inputs, name, seen))
        .map(|(name, _)| name.as_str())
        .collect();
    let help = match near(name.as_str(), others.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if others.is_empty() => "no server of others is there: leave --take-over out".to_owned(),
        None => {
            let more = if others.len() > NAMED { ", …" } else { "" };
            let names: Vec<&str> = others.into_iter().take(NAMED).collect();
            format!("servers of others there: {}{more}", names.join(", "))
        }
    };
    Some((format!("--take-over `{name}`: there is no such server {at}, and no such model in pi.toml"), help))
}

/// What is to be said of names for which there is nothing to take over.
pub(in crate::plan) fn findings(inputs: &Inputs<'_>) -> Vec<Finding> {
    let (seen, unseen) = pods(inputs);
    let mut findings = Vec::new();
    for name in inputs.take_over {
        let servers = seen.iter().filter_map(|(pod, facts)| Some((*pod, facts.servers.get(name)?)));
        let servers: Vec<(&PodName, &ServerSeen)> = servers.collect();
        if servers.iter().any(|(_, seen)| can_be_taken(inputs, name, seen)) {
            continue;
        }
        let homes = inputs.manifest.models.get(name).map(|model| model.pods.as_slice()).unwrap_or_default();
        let home = seen.iter().map(|(pod, _)| *pod).find(|pod| homes.contains(pod));
        let (severity, pod, message) = match (servers.first(), unseen.first(), home) {
            (Some((pod, _)), ..) => {
                (Severity::Note, *pod, "it is this project's already: there is nothing to take over")
            }
            (None, Some(pod), _) => {
                (Severity::Warning, *pod, "whether there is a server to take over could not be seen")
            }
            (None, None, Some(pod)) => (Severity::Note, pod, "there is no server to take over"),
            (None, None, None) => continue,
        };
        findings.push(Finding::on(severity, Code::NothingToTakeOver, pod, message.to_owned()).of(name));
    }
    findings
}

/// The pods in scope of which it is known what runs there, and the others.
fn pods<'a>(inputs: &Inputs<'a>) -> (Vec<(&'a PodName, &'a PodFacts)>, Vec<&'a PodName>) {
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for pod in inputs.manifest.pods.keys().filter(|pod| inputs.scope.has_pod(inputs.manifest, pod)) {
        match inputs.observed.pods.get(pod) {
            Some(ProbeResult::Seen(facts)) => seen.push((pod, facts.as_ref())),
            Some(ProbeResult::Unreachable(_)) | None => unseen.push(pod),
        }
    }
    (seen, unseen)
}

/// Whether a server becomes this project's by being named, and would not be so otherwise.
fn can_be_taken(inputs: &Inputs<'_>, name: &ModelName, seen: &ServerSeen) -> bool {
    match seen.whose(&inputs.manifest.project) {
        Whose::Other { .. } => true,
        Whose::Ours => seen.renamed().is_some(),
        Whose::Unnamed => !inputs.manifest.models.contains_key(name),
        Whose::Nobodys => false,
    }
}

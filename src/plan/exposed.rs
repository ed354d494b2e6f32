//! Servers that start where anybody can listen on the way to them.

use crate::plan::finding::{Finding, Severity};
use crate::plan::order::Unnumbered;
use crate::plan::step::Action;
use crate::plan::{Draft, Site};
use crate::spec::{KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;

/// Clients of what starts now send the key in the clear: a note, once for the pod.
pub(super) fn plain_http(site: &Site<'_>, draft: &Draft) -> Option<Finding> {
    if site.pod.ssh == SshTarget::Local {
        return None;
    }
    let exposed = draft.steps.iter().filter_map(started).filter(|spec| is_exposed(spec));
    let names: Vec<_> = exposed.map(|spec| format!("`{}`", spec.name)).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!("clients of {} send the key over plain HTTP", names.join(", "));
    let help = "`pi tunnel NAME` encrypts it, with `listen = \"127.0.0.1\"`";
    Some(Finding::on(Severity::Note, "plain-http", site.name, message).help(help))
}

fn started(step: &Unnumbered) -> Option<&ServerSpec> {
    match &step.action {
        Action::StartServer(spec) | Action::RestartServer { to: spec, .. } => Some(spec),
        Action::MountStorage(_)
        | Action::InstallPackages(_)
        | Action::InstallEngine(_)
        | Action::WriteSecrets(_)
        | Action::FetchWeights(_)
        | Action::AwaitReady { .. }
        | Action::StopServer(_)
        | Action::RemoveServer(_)
        | Action::RemoveEngine(_)
        | Action::RemoveWeights(_)
        | Action::RemoveRest => None,
    }
}

fn is_exposed(spec: &ServerSpec) -> bool {
    spec.key == KeyUse::Required && !spec.listen.is_loopback()
}

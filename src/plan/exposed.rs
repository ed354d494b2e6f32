//! Servers that start where anybody can listen on the way to them.

use crate::plan::finding::{Finding, Severity};
use crate::plan::{Draft, Site};
use crate::spec::{KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;

/// Clients of what starts now send the key in the clear: a note, once for the pod.
pub(super) fn plain_http(site: &Site<'_>, draft: &Draft) -> Option<Finding> {
    if site.pod.ssh == SshTarget::Local {
        return None;
    }
    let exposed = draft.steps.iter().filter_map(|step| step.action.starts()).filter(|spec| is_exposed(spec));
    let names: Vec<_> = exposed.map(|spec| format!("`{}`", spec.name)).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!("clients of {} send the key over plain HTTP", names.join(", "));
    let help = "`pi tunnel NAME` encrypts it, with `listen = \"127.0.0.1\"`";
    Some(Finding::on(Severity::Note, "plain-http", site.name, message).help(help))
}

fn is_exposed(spec: &ServerSpec) -> bool {
    spec.key == KeyUse::Required && !spec.listen.is_loopback()
}

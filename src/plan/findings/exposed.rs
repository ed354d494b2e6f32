//! Servers that start where anybody can listen on the way to them.

use crate::name::ModelName;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::spec::{KeyUse, ServerSpec};
use crate::ssh_target::SshTarget;

/// Clients of what starts now send the key in the clear: a note, once for the pod.
pub(in crate::plan) fn plain_http(site: &PodContext<'_>, draft: &PodPlan) -> Option<Finding> {
    if site.pod.ssh == SshTarget::Local {
        return None;
    }
    let exposed = draft.steps.iter().filter_map(|step| step.action.starts());
    let exposed = exposed.filter(|spec| is_exposed(spec) && !is_meant(site, spec));
    let servers: Vec<ModelName> = exposed.map(|spec| spec.name.clone()).collect();
    if servers.is_empty() {
        return None;
    }
    let names: Vec<_> = servers.iter().map(|name| format!("`{name}`")).collect();
    let message = plain_http_of(&names.join(", "));
    let help = "`pi tunnel NAME` encrypts it, with `listen = \"127.0.0.1\"`";
    let finding = Finding::on(Severity::Note, Code::PlainHttp, site.name, message).help(help);
    Some(Finding { servers, ..finding })
}

/// The note about these servers.
#[must_use]
pub fn plain_http_of(servers: &str) -> String {
    format!("clients of {servers} send the key over plain HTTP")
}

fn is_exposed(spec: &ServerSpec) -> bool {
    spec.key == KeyUse::Required && !spec.listen.is_loopback()
}

/// Whether pi.toml says where it listens: then it is public on purpose.
fn is_meant(site: &PodContext<'_>, spec: &ServerSpec) -> bool {
    site.models.iter().any(|(name, model)| **name == spec.name && model.listen.is_some())
}

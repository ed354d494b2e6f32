//! Pods: what every one needs, and defaults.

use crate::manifest::raw::PodTable;
use crate::manifest::types::Pod;
use crate::manifest::value::Named;
use crate::name::{PodName, PodPath};
use crate::problem::Problem;
use crate::ssh_target::SshTarget;
use std::collections::BTreeMap;
use toml::Spanned;

/// Every pod that can be built.
pub(super) fn all(pods: &Named<PodName, PodTable>, problems: &mut Vec<Problem>) -> BTreeMap<PodName, Pod> {
    let build =
        |(name, table): (&PodName, &Spanned<PodTable>)| Some((name.clone(), build(name, table, problems)?));
    let all = pods.entries.iter().filter_map(build).collect();
    twins(pods, &all, problems);
    all
}

fn build(name: &PodName, table: &Spanned<PodTable>, problems: &mut Vec<Problem>) -> Option<Pod> {
    let raw = table.get_ref();
    if raw.ssh.is_absent() {
        let help = r#"add ssh = "ssh -p 2222 root@1.2.3.4", as the provider prints it, or ssh = "local""#;
        let message = format!("pod `{name}` does not say how it is reached");
        problems.push(Problem::new(message, table.span(), "has no `ssh`").help(help));
    }
    let mount = raw.mount.value().map(|mount| mount.0.clone());
    let models_path = raw.models_path.value().cloned();
    // a provider's mount line says where the weights are: two keys for one path would only drift apart
    let models_path = models_path.or_else(|| PodPath::parse(mount.as_ref()?.target.as_str()).ok());
    Some(Pod {
        ssh: raw.ssh.value()?.clone(),
        pi_path: raw.pi_path.value().cloned().or_else(|| PodPath::parse("~/.pi").ok())?,
        models_path: models_path.or_else(|| PodPath::parse("~/.cache/huggingface").ok())?,
        mount,
        vllm: raw.vllm.value().cloned(),
        gpus: raw.gpus.value().cloned(),
        host: raw.host.value().map(|host| host.0.clone()),
        ports: raw.ports.value().map(|ports| ports.0.clone()).unwrap_or_default(),
        price: raw.price.value().map(|price| price.0),
        labels: raw.labels.value().cloned().unwrap_or_default(),
        env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
    })
}

/// Two pods that are one machine: each would remove what the other one starts.
fn twins(pods: &Named<PodName, PodTable>, built: &BTreeMap<PodName, Pod>, problems: &mut Vec<Problem>) {
    let place =
        |name| pods.entries.get(name).and_then(|table: &Spanned<PodTable>| table.get_ref().ssh.given());
    let mut seen: Vec<(&PodName, &SshTarget, &PodPath)> = Vec::new();
    for (name, pod) in built {
        let twin = seen.iter().find(|(_, ssh, path)| (*ssh, *path) == (&pod.ssh, &pod.pi_path));
        if let (Some((other, ..)), Some(here)) = (twin, place(name)) {
            let message = format!("pods `{other}` and `{name}` are the same machine");
            let help = "give one machine one pod; what shall differ on it can differ by model";
            let problem = Problem::new(message, here.span(), format!("`{name}`")).help(help);
            let there = place(other).map(Spanned::span);
            problems.push(there.into_iter().fold(problem, |p, at| p.also(at, format!("`{other}`"))));
        }
        seen.push((name, &pod.ssh, &pod.pi_path));
    }
}

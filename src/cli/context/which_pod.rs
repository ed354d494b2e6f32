//! Which pod a verb means that works on one.
//!
//! In: `--pod`, the manifest, what is remembered. Out: a pod of the manifest, or what to say instead.

use crate::cli::context::flags::Global;
use crate::cli::terminal::exit::usage;
use crate::manifest::{Manifest, near};
use crate::memory::Memory;
use crate::name::PodName;
use miette::{Report, Result};

/// `--pod`, else the active pod if the manifest has it, else the only pod.
pub(in crate::cli) fn which_pod(global: &Global, manifest: &Manifest, memory: &Memory) -> Result<PodName> {
    if let Some(pod) = &global.pod {
        return named(manifest, pod);
    }
    if let Some(active) = memory.active.as_ref().filter(|active| manifest.pods.contains_key(active)) {
        return Ok(active.clone());
    }
    let mut pods = manifest.pods.keys();
    match (pods.next(), pods.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(no_pods(manifest)),
        (Some(_), Some(_)) => {
            let message = format!("which pod? pi.toml has {}", listed(manifest));
            Err(usage(
                message,
                "name one with --pod NAME, or choose one for all commands: pi pods active NAME",
            ))
        }
    }
}

/// The pod of the manifest with this name.
pub(in crate::cli) fn named(manifest: &Manifest, name: &str) -> Result<PodName> {
    if let Some(pod) = manifest.pods.keys().find(|pod| pod.as_str() == name) {
        return Ok(pod.clone());
    }
    if manifest.pods.is_empty() {
        return Err(no_pods(manifest));
    }
    let help = match near(name, manifest.pods.keys().map(PodName::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", listed(manifest)),
    };
    Err(usage(format!("there is no pod `{}` in pi.toml", name.escape_default()), help))
}

fn no_pods(manifest: &Manifest) -> Report {
    let message = format!("there is no pod in {}", manifest.path.display());
    usage(message, "add one: pi pods setup NAME \"ssh root@1.2.3.4\"")
}

fn listed(manifest: &Manifest) -> String {
    manifest.pods.keys().map(PodName::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;
    use std::path::Path;

    /// The pod that is meant, or the message and its help.
    fn meant(pods: &[&str], flag: Option<&str>, active: Option<&str>) -> String {
        let tables: Vec<String> =
            pods.iter().map(|pod| format!("[pods.{pod}]\nssh = \"root@{pod}\"\n")).collect();
        let manifest = parse("pi.toml", &tables.concat(), Path::new("/work/team")).unwrap();
        let global = Global { pod: flag.map(str::to_owned), ..Global::default() };
        let memory = Memory { active: active.map(|name| name.parse().unwrap()), ..Memory::default() };
        match which_pod(&global, &manifest, &memory) {
            Ok(pod) => pod.to_string(),
            Err(report) => format!("{report} / {}", report.help().unwrap()),
        }
    }

    #[test]
    fn the_flag_wins_then_the_active_pod_then_the_only_one() {
        let two = &["dc1", "dc2"][..];
        let which = "which pod? pi.toml has dc1, dc2 / name one with --pod NAME, or choose one for all commands: pi pods active NAME";
        let none = "there is no pod in pi.toml / add one: pi pods setup NAME \"ssh root@1.2.3.4\"";
        let table = [
            (two, Some("dc2"), Some("dc1"), "dc2"),
            (two, None, Some("dc1"), "dc1"),
            (two, None, None, which),
            // chosen for another manifest
            (two, None, Some("elsewhere"), which),
            (&["dc1"], None, Some("elsewhere"), "dc1"),
            (&["dc1"], None, None, "dc1"),
            (two, Some("dc3"), Some("dc1"), "there is no pod `dc3` in pi.toml / did you mean `dc1`?"),
            (two, Some("other"), None, "there is no pod `other` in pi.toml / there are: dc1, dc2"),
            (&[], None, Some("dc1"), none),
            (&[], Some("dc1"), None, none),
        ];
        for (pods, flag, active, expected) in table {
            assert_eq!(meant(pods, flag, active), expected, "{pods:?} {flag:?} {active:?}");
        }
    }
}

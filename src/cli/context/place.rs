//! A server's name on the command line: which pod it runs on.
//!
//! In: the name, the manifest, what is remembered. Out: the pod, or what to say instead. Nothing is looked at.

use crate::cli::terminal::exit::usage;
use crate::manifest::{Manifest, near};
use crate::memory::{Memory, PodMemory};
use crate::name::{ModelName, PodName};
use crate::observe::Life;
use crate::plan::Scope;
use miette::{Report, Result};
use std::collections::BTreeSet;

/// Where names are looked up.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Places<'a> {
    pub(in crate::cli) manifest: &'a Manifest,
    pub(in crate::cli) memory: &'a Memory,
    /// What `--pod` leaves over.
    pub(in crate::cli) scope: &'a Scope,
}

impl<'a> Places<'a> {
    /// The pod of the server with this name: a model of the manifest, or a server that was seen on one of its pods.
    pub(in crate::cli) fn find(self, name: &str) -> Result<(PodName, ModelName)> {
        let model = ModelName::parse(name).map_err(|_| self.unknown(name))?;
        let pods = self.pods_of(&model);
        let running: Vec<&PodName> = pods.iter().copied().filter(|pod| self.runs(pod, &model)).collect();
        let active = pods.iter().find(|pod| self.memory.active.as_ref() == Some(**pod));
        match (pods.as_slice(), active, running.as_slice()) {
            ([], ..) => Err(self.unknown(name)),
            ([only], ..) | (_, Some(only), _) | (_, None, [only]) => Ok(((*only).clone(), model)),
            (many, None, _) => {
                let names: Vec<&str> = many.iter().map(|pod| pod.as_str()).collect();
                let message = format!("which one? `{model}` is on {}", names.join(", "));
                Err(usage(message, format!("name the pod: --pod {}", names[0])))
            }
        }
    }

    /// What was last seen of a pod, if it is still the same machine.
    pub(in crate::cli) fn remembered(self, pod: &PodName) -> Option<&'a PodMemory> {
        let ssh = self.manifest.pods.get(pod)?.ssh.to_string();
        self.memory.pods.get(pod).filter(|known| known.ssh == ssh)
    }

    fn pods_of(self, model: &ModelName) -> Vec<&'a PodName> {
        let declared = |pod: &PodName| self.manifest.models.get(model).is_some_and(|m| m.pods.contains(pod));
        let seen =
            |pod: &PodName| self.remembered(pod).is_some_and(|known| known.facts.servers.contains_key(model));
        let here = |pod: &&PodName| self.scope.has_pod(self.manifest, pod) && (declared(pod) || seen(pod));
        self.manifest.pods.keys().filter(here).collect()
    }

    fn runs(self, pod: &PodName, model: &ModelName) -> bool {
        let seen = self.remembered(pod).and_then(|known| known.facts.servers.get(model));
        seen.is_some_and(|seen| matches!(seen.life, Life::Running { .. }))
    }

    fn unknown(self, name: &str) -> Report {
        let elsewhere = ModelName::parse(name).ok().map(|model| {
            let all = Places { scope: &Scope::All, ..self };
            all.pods_of(&model).into_iter().map(PodName::as_str).collect::<Vec<_>>().join(", ")
        });
        if let Some(pods) = elsewhere.filter(|pods| !pods.is_empty()) {
            return usage(format!("`{name}` is not on that pod"), format!("it is on {pods}"));
        }
        let seen = self.manifest.pods.keys().filter_map(|pod| self.remembered(pod));
        let seen = seen.flat_map(|known| known.facts.servers.keys());
        let known: BTreeSet<&str> = self.manifest.models.keys().chain(seen).map(ModelName::as_str).collect();
        let help = match near(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "pi.toml declares none: pi start MODEL --name NAME".to_owned(),
            None => format!("there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
        };
        let name = name.escape_default();
        usage(format!("there is no model `{name}` in pi.toml, and no server of that name was seen"), help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;
    use std::path::Path;

    const TEAM: &str = r#"
[pods.dc1]
ssh = "root@1.2.3.4"
[pods.dc2]
ssh = "root@5.6.7.8"
[models.qwen]
model = "a/b"
pod = "dc1"
[models.both]
model = "a/b"
pod = ["dc1", "dc2"]
"#;

    /// A server `old` that was seen on dc2 when that had this ssh line.
    fn memory(ssh: &str, active: Option<&str>) -> Memory {
        let server = serde_json::json!({ "spec": { "Err": "x" }, "life": "Stopped", "answered": false, "secrets": {} });
        let pod = serde_json::json!({ "ssh": ssh, "seen": 0, "facts": { "servers": { "old": server } } });
        serde_json::from_value(serde_json::json!({ "format": 1, "active": active, "pods": { "dc2": pod } }))
            .unwrap()
    }

    #[test]
    fn a_name_leads_to_its_pod_or_to_what_was_meant() {
        let manifest = parse("pi.toml", TEAM, Path::new("/work/team")).unwrap();
        let there = "root@5.6.7.8";
        let gone =
            "there is no model `old` in pi.toml, and no server of that name was seen / there are: both, qwen";
        let table = [
            ("qwen", None, there, None, "dc1"),
            ("old", None, there, None, "dc2"),
            ("old", None, "root@another", None, gone),
            ("both", None, there, None, "which one? `both` is on dc1, dc2 / name the pod: --pod dc1"),
            ("both", None, there, Some("dc2"), "dc2"),
            ("both", Some("dc1"), there, Some("dc2"), "dc1"),
            ("qwen", Some("dc2"), there, None, "`qwen` is not on that pod / it is on dc1"),
            (
                "qwn",
                None,
                there,
                None,
                "there is no model `qwn` in pi.toml, and no server of that name was seen / did you mean `qwen`?",
            ),
            (
                "../x",
                None,
                there,
                None,
                "there is no model `../x` in pi.toml, and no server of that name was seen / there are: both, old, qwen",
            ),
        ];
        for (name, pod, ssh, active, expected) in table {
            let only = |pod: &str| Scope::Only { pods: [pod.parse().unwrap()].into(), models: [].into() };
            let scope = pod.map_or(Scope::All, only);
            let memory = memory(ssh, active);
            let got = match (Places { manifest: &manifest, memory: &memory, scope: &scope }).find(name) {
                Ok((pod, _)) => pod.to_string(),
                Err(report) => format!("{report} / {}", report.help().unwrap()),
            };
            assert_eq!(got, expected, "{name} {pod:?} {active:?}");
        }
    }
}

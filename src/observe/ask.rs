//! What a pod is asked. In: the manifest. Out: the values of `templates/probe.sh`.

use crate::manifest::{EngineKind, GpuAsk, Manifest, Model, Pod};
use crate::model_ref::ModelRef;
use crate::name::{AbsPath, HfRepo, PodName, PodPath};
use serde::Serialize;
use std::collections::BTreeSet;

/// Programs that plans ask about.
pub const PROGRAMS: [&str; 9] =
    ["apk", "apt-get", "curl", "dnf", "gcc", "llama-server", "python3", "uv", "wget"];

/// The values of the probe's template, named as there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ask {
    /// Where pi keeps engines and servers.
    pub pi_path: PodPath,
    /// Where weights live.
    pub models_path: PodPath,
    /// Directories that storage shall be mounted on.
    pub mount_targets: Vec<AbsPath>,
    /// Models that are paths on the pod.
    pub model_paths: Vec<AbsPath>,
    /// Repositories to look for in the HF cache. Only these: a shared cache may hold hundreds.
    pub repos: Vec<HfRepo>,
    /// Programs to look for.
    pub programs: Vec<String>,
    /// Whether which GPUs are neighbors may matter.
    pub topology: bool,
    /// The project whose secrets are looked at; empty while it has no id.
    pub project: String,
    /// Makes the digests of secrets worthless to anybody else; new for every run.
    pub salt: String,
}

/// What this manifest wants to know about one of its pods; `None` for a pod it does not declare.
#[must_use]
pub fn ask_of(manifest: &Manifest, name: &PodName, salt: &str) -> Option<Ask> {
    let pod = manifest.pods.get(name)?;
    let models = || manifest.models.values().filter(|model| model.pods.contains(name));
    Some(Ask {
        pi_path: pod.pi_path.clone(),
        models_path: pod.models_path.clone(),
        mount_targets: targets(pod),
        model_paths: models().filter_map(path).collect::<BTreeSet<_>>().into_iter().collect(),
        repos: models().filter_map(repo).collect::<BTreeSet<_>>().into_iter().collect(),
        programs: PROGRAMS.map(str::to_owned).to_vec(),
        topology: models().any(may_choose_gpus),
        project: manifest.identity.id().map(ToString::to_string).unwrap_or_default(),
        salt: salt.to_owned(),
    })
}

/// Whether pi chooses GPUs for it.
fn may_choose_gpus(model: &Model) -> bool {
    match &model.gpus {
        GpuAsk::Any => model.engine.kind != EngineKind::Command,
        GpuAsk::Count(_) => true,
        GpuAsk::Cpu | GpuAsk::Ids(_) => false,
    }
}

fn targets(pod: &Pod) -> Vec<AbsPath> {
    pod.mount.iter().map(|mount| mount.target.clone()).collect()
}

fn path(model: &Model) -> Option<AbsPath> {
    match &model.model {
        ModelRef::Path(path) => Some(path.clone()),
        ModelRef::Hub { .. } => None,
    }
}

fn repo(model: &Model) -> Option<HfRepo> {
    match &model.model {
        ModelRef::Hub { repo, .. } => Some(repo.clone()),
        ModelRef::Path(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;

    #[test]
    fn neighbors_matter_where_pi_chooses_gpus() {
        let table = [
            ("", true),
            ("gpus = 1", true),
            ("gpus = 2", true),
            ("gpus = 0", false),
            ("gpus = [0, 1]", false),
            ("pod = \"other\"", false),
            ("engine = \"command\"\ncommand = [\"true\"]", false),
            ("engine = \"command\"\ncommand = [\"true\"]\ngpus = 1", true),
        ];
        for (line, expected) in table {
            let pods = "[pods.pod]\nssh = \"ssh pod\"\n[pods.other]\nssh = \"ssh other\"\n";
            let text = format!("{pods}[models.m]\nmodel = \"/weights\"\n{line}\n");
            let text = if line.starts_with("pod") { text } else { text + "pod = \"pod\"\n" };
            let manifest = parse("pi.toml", &text, std::path::Path::new("/")).unwrap();
            let name = PodName::parse("pod").unwrap();
            assert_eq!(ask_of(&manifest, &name, "salt").unwrap().topology, expected, "{text}");
        }
    }
}

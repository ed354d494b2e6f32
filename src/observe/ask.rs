//! What a pod is asked. In: the manifest. Out: the values of `templates/probe.sh`.

use crate::manifest::{Manifest, Model, Pod};
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
        salt: salt.to_owned(),
    })
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

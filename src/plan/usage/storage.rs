//! Storage: whether it has to be mounted, and what is expected on it.

use crate::manifest::{Model, State};
use crate::model_ref::ModelRef;
use crate::name::{AbsPath, ModelName};
use crate::observe::{MountSeen, Section};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::not_looked_at;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::step::{Action, Storage};

/// The step that mounts the pod's storage, if nothing is mounted there and anything in scope shall be there.
pub(in crate::plan) fn mount(inputs: &Inputs<'_>, site: &PodContext<'_>) -> Option<Unnumbered> {
    let runs = |(name, _): (&ModelName, &Model)| inputs.scope.has_server(site.name, name);
    let keeps_an_engine = site.pod.vllm.is_some() && inputs.scope.has_all_of(site.name);
    if !keeps_an_engine && !running(site).any(runs) {
        return None;
    }
    missing(site)
}

/// The step that mounts the pod's storage, if nothing is mounted there.
pub(in crate::plan) fn missing(site: &PodContext<'_>) -> Option<Unnumbered> {
    let mount = site.pod.mount.as_ref()?;
    match seen(site, &mount.target)? {
        MountSeen::Mounted { .. } => return None,
        MountSeen::Nothing => {}
    }
    let mut holds: Vec<AbsPath> =
        running(site).filter_map(|(_, model)| path(&model.model)).cloned().collect();
    holds.retain(|path| is_below(path.as_str(), &mount.target));
    holds.sort();
    holds.dedup();
    let action = Action::MountStorage(Storage { mount: mount.clone(), holds });
    Some(Unnumbered::new(action, "nothing is mounted there"))
}

fn running<'a>(site: &PodContext<'a>) -> impl Iterator<Item = (&'a ModelName, &'a Model)> {
    site.models.iter().filter(|(_, model)| model.state == State::Running).copied()
}

fn path(model: &ModelRef) -> Option<&AbsPath> {
    match model {
        ModelRef::Path(path) => Some(path),
        ModelRef::Hub { .. } => None,
    }
}

/// What is mounted on a target; none where nobody can tell.
pub(in crate::plan) fn seen<'a>(site: &PodContext<'a>, target: &AbsPath) -> Option<&'a MountSeen> {
    site.facts.mounts.seen().map(|mounts| mounts.get(target.as_str()).unwrap_or(&MountSeen::Nothing))
}

/// The pod has storage, and nobody can tell whether it is mounted: nothing is started or set up there.
pub(in crate::plan) fn hidden(site: &PodContext<'_>) -> Option<Finding> {
    let help = "nothing is started or set up here, since what is on its storage can't be told; try again";
    let unknown = site.pod.mount.is_some() && site.facts.mounts.is_unknown();
    unknown.then(|| not_looked_at::hidden(site, Section::Mounts, "what is mounted", help))
}

/// Something else than the manifest's storage is mounted in its place.
pub(in crate::plan) fn other(site: &PodContext<'_>) -> Option<Finding> {
    let mount = site.pod.mount.as_ref()?;
    let MountSeen::Mounted { source, .. } = seen(site, &mount.target)? else {
        return None;
    };
    if source.trim_end_matches('/') == mount.source.trim_end_matches('/') {
        return None;
    }
    let message = format!("{source} is mounted on {}, not {}", mount.target, mount.source);
    let help = "pi uses what is there; unmount it, and the next plan mounts what pi.toml says";
    Some(Finding::on(Severity::Warning, Code::OtherMount, site.name, message).help(help))
}

/// Whether a path is the directory itself or anything in it.
pub(in crate::plan) fn is_below(path: &str, directory: &AbsPath) -> bool {
    let directory = directory.as_str().trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the storage was mounted only in thought: a real one has a file system.
pub(in crate::plan) fn is_thought(seen: &MountSeen) -> bool {
    matches!(seen, MountSeen::Mounted { kind, .. } if kind.is_empty())
}

//! What a model keeps in memory, from whoever knows: the catalogue, the files on the pod, the hub.

use crate::catalog::models;
use crate::fit::{Shape, config, from_recipe};
use crate::hub::{DEFAULT_BRANCH, HubAnswer};
use crate::model_ref::ModelRef;
use crate::observe::{PathSeen, Snapshot, Whole};
use crate::plan::{Inputs, Site};
use crate::units::Bytes;

/// The shape of a model at a commit, if that is known; none where nobody can tell.
pub(super) fn shape(
    inputs: &Inputs<'_>,
    site: &Site<'_>,
    (model, commit): (&ModelRef, Option<&str>),
) -> Option<Shape> {
    let ModelRef::Hub { repo, .. } = model else { return at_path(site, model) };
    let known = models::find(repo.as_str()).and_then(from_recipe::shape);
    if let Some(known) = known.or_else(|| cached(site, model, commit)) {
        return Some(known);
    }
    let at = commit.and_then(|commit| inputs.hub.at(repo, commit));
    let facts = at.or_else(|| match inputs.hub.of(model)? {
        HubAnswer::Known(facts) => Some(facts),
        HubAnswer::Unknown(_) => None,
    })?;
    facts.shape().ok()
}

/// The shape of a model that is a directory on the pod.
fn at_path(site: &Site<'_>, model: &ModelRef) -> Option<Shape> {
    let PathSeen { safetensors, config, .. } = site.facts.model_paths.seen()?.get(&model.to_string())?;
    let config = config.as_ref().filter(|_| *safetensors > Bytes(0))?;
    config::shape(config, *safetensors).ok()
}

/// The shape that the files in the pod's own cache tell, where the weights are all there.
fn cached(site: &Site<'_>, model: &ModelRef, commit: Option<&str>) -> Option<Shape> {
    let ModelRef::Hub { repo, revision, .. } = model else { return None };
    let cache = site.facts.cache.seen()?.iter().find(|cache| cache.repo == *repo)?;
    let branch = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
    let commit = commit.or_else(|| cache.refs.get(branch).map(String::as_str))?;
    let Snapshot { whole, sizes, config, .. } = cache.snapshots.get(commit)?;
    let is_whole = match whole {
        Whole::Yes => true,
        Whole::Unknown => cache.incomplete == Bytes(0),
        Whole::No => false,
    };
    let loaded = |path: &str| path.ends_with(".safetensors") && !path.contains('/');
    let bytes: u64 = sizes.iter().filter(|(path, _)| loaded(path)).map(|(_, bytes)| bytes.0).sum();
    let config = config.as_ref().filter(|_| is_whole && bytes > 0)?;
    config::shape(config, Bytes(bytes)).ok()
}

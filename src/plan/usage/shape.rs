//! What a model keeps in memory, from whoever knows: the catalog, the files on the pod, the hub.

use crate::catalog::models;
use crate::fit::limit::Limit;
use crate::fit::{Shape, config, from_recipe};
use crate::hub::{DEFAULT_BRANCH, HubAnswer, RepoFacts};
use crate::model_ref::ModelRef;
use crate::observe::{CachedRepo, PathSeen, Snapshot, Whole};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::units::Bytes;

/// The shape of a model at a commit, if that is known; none where nobody can tell.
pub(in crate::plan) fn shape(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    (model, commit): (&ModelRef, Option<&str>),
) -> Option<Shape> {
    let ModelRef::Hub { repo, .. } = model else { return at_path(site, model) };
    let known = models::find(repo.as_str()).and_then(from_recipe::shape);
    if let Some(known) = known.or_else(|| cached(site, model, commit)) {
        return Some(known);
    }
    hub(inputs, model, commit)?.shape().ok()
}

/// The longest context that vLLM starts a model with under these arguments, if that is known: by the `config.json` on
/// the pod or the hub, else by what the catalog has read there.
pub(in crate::plan) fn limit(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    (model, commit): (&ModelRef, Option<&str>),
    list: &[String],
) -> Option<Limit> {
    if model.is_gguf() {
        return None;
    }
    let ModelRef::Hub { repo, .. } = model else {
        let seen = site.facts.model_paths.seen()?.get(&model.to_string())?;
        return Limit::of_config(seen.config.as_ref()?, list);
    };
    let here = snapshot(site, model, commit).and_then(|(_, snapshot)| snapshot.config.clone());
    let config = here.or_else(|| Some(hub(inputs, model, commit)?.config.as_ref()?.to_string()));
    let known = || Limit::of_tokens(models::find(repo.as_str())?.limit?, list);
    config.map_or_else(known, |config| Limit::of_config(&config, list))
}

/// What the hub said of a model at a commit.
fn hub<'a>(inputs: &Inputs<'a>, model: &ModelRef, commit: Option<&str>) -> Option<&'a RepoFacts> {
    let ModelRef::Hub { repo, .. } = model else { return None };
    let at = commit.and_then(|commit| inputs.hub.at(repo, commit));
    at.or_else(|| match inputs.hub.of(model)? {
        HubAnswer::Known(facts) => Some(facts),
        HubAnswer::Unknown(_) => None,
    })
}

/// The shape of a model that is a directory on the pod.
fn at_path(site: &PodContext<'_>, model: &ModelRef) -> Option<Shape> {
    let PathSeen { safetensors, config, .. } = site.facts.model_paths.seen()?.get(&model.to_string())?;
    let config = config.as_ref().filter(|_| *safetensors > Bytes(0))?;
    config::shape(config, *safetensors).ok()
}

/// What the pod's own cache has of a model at a commit.
fn snapshot<'a>(
    site: &PodContext<'a>,
    model: &ModelRef,
    commit: Option<&str>,
) -> Option<(&'a CachedRepo, &'a Snapshot)> {
    let ModelRef::Hub { repo, revision, .. } = model else { return None };
    let cache = site.facts.cache.seen()?.iter().find(|cache| cache.repo == *repo)?;
    let branch = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
    let commit = commit.or_else(|| cache.refs.get(branch).map(String::as_str))?;
    Some((cache, cache.snapshots.get(commit)?))
}

/// The shape that the files in the pod's own cache tell, where the weights are all there.
fn cached(site: &PodContext<'_>, model: &ModelRef, commit: Option<&str>) -> Option<Shape> {
    let (cache, Snapshot { whole, sizes, config, .. }) = snapshot(site, model, commit)?;
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

//! Whether a model's weights are on the pod.

use crate::model_ref::ModelRef;
use crate::name::{HfRepo, Revision};
use crate::observe::{CachedRepo, PodFacts, Snapshot, Whole};

/// Where a model's weights stand.
pub(super) enum Weights {
    /// On the pod, complete.
    There,
    /// To be fetched; why.
    Fetch(String),
    /// At a path that the pod does not have.
    NoPath,
}

/// Looks for a model's weights; `mounting` says that storage is still to be mounted, so that paths can't be judged.
pub(super) fn weights(model: &ModelRef, facts: &PodFacts, mounting: Option<&str>) -> Weights {
    match model {
        ModelRef::Path(path) => {
            let later = mounting.is_some_and(|target| path.as_str().starts_with(target));
            if later || facts.model_paths.contains_key(path.as_str()) {
                Weights::There
            } else {
                Weights::NoPath
            }
        }
        ModelRef::Hub { repo, revision, file } => match cached(facts, repo) {
            _ if mounting.is_some_and(|target| facts.models_path.starts_with(target)) => {
                Weights::Fetch("storage has to be mounted first".to_owned())
            }
            None => Weights::Fetch("they are not on the pod".to_owned()),
            Some(cache) => match (snapshot(cache, revision.as_ref()), file) {
                (None, _) => Weights::Fetch(format!("the cache has other revisions of {repo}")),
                (Some(snapshot), Some(file)) if has(snapshot, file) => Weights::There,
                (Some(_), Some(_)) => Weights::Fetch("the cache has other files of it".to_owned()),
                (Some(Snapshot { whole: Whole::No, .. }), None) => {
                    Weights::Fetch("the cache has them only in part".to_owned())
                }
                (Some(Snapshot { whole: Whole::Yes | Whole::Unknown, .. }), None) => Weights::There,
            },
        },
    }
}

fn cached<'a>(facts: &'a PodFacts, repo: &HfRepo) -> Option<&'a CachedRepo> {
    facts.cache.iter().find(|cache| &cache.repo == repo)
}

/// The snapshot that a revision means: a commit itself, or what the branch or tag points to.
fn snapshot<'a>(cache: &'a CachedRepo, revision: Option<&Revision>) -> Option<&'a Snapshot> {
    let revision = revision.map_or("main", Revision::as_str);
    let commit = cache.refs.get(revision).map_or(revision, String::as_str);
    cache.snapshots.get(commit)
}

/// Whether one file of the snapshot is there and whole.
fn has(snapshot: &Snapshot, file: &str) -> bool {
    snapshot.sizes.contains_key(file) && !snapshot.missing.iter().any(|missing| missing == file)
}

/// The whole repository behind a model, if the cache has anything of it.
pub(super) fn whole_repo(model: &ModelRef, facts: &PodFacts) -> Option<ModelRef> {
    let ModelRef::Hub { repo, .. } = model else { return None };
    cached(facts, repo)?;
    Some(ModelRef::Hub { repo: repo.clone(), revision: None, file: None })
}

/// Whether two models come from one repository.
pub(super) fn same_repo(one: &ModelRef, other: &ModelRef) -> bool {
    match (one, other) {
        (ModelRef::Hub { repo: one, .. }, ModelRef::Hub { repo: other, .. }) => one == other,
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => false,
    }
}

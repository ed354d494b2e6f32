//! Whether a model's weights are on the pod.

use crate::model_ref::ModelRef;
use crate::name::{HfRepo, Revision};
use crate::observe::{CachedRepo, PodFacts, Snapshot, Whole};
use crate::plan::order::Unnumbered;
use crate::plan::step::{Action, NEW_ONES};
use std::collections::BTreeMap;

/// Where a model's weights stand.
pub(super) enum Weights {
    /// On the pod, complete.
    There,
    /// To be fetched.
    Fetch(Fetch),
    /// At a path that the pod does not have.
    NoPath,
}

/// A download.
pub(super) struct Fetch {
    /// The commit, branch or tag as far as the pod knows it: two names of one commit are one download.
    what: What,
    model: ModelRef,
    reason: &'static str,
}

/// Repository, commit and file.
type What = (HfRepo, String, Option<String>);

/// The downloads that a pod needs, each once.
#[derive(Default)]
pub(super) struct Fetches(BTreeMap<What, (ModelRef, &'static str)>);

impl<'a> FromIterator<&'a Fetch> for Fetches {
    /// The name that comes first stands for the others.
    fn from_iter<T: IntoIterator<Item = &'a Fetch>>(fetches: T) -> Self {
        let mut all = Self::default();
        for Fetch { what, model, reason } in fetches {
            let (name, _) = all.0.entry(what.clone()).or_insert_with(|| (model.clone(), reason));
            *name = name.clone().min(model.clone());
        }
        all
    }
}

impl Fetches {
    pub(super) fn steps(&self) -> impl Iterator<Item = Unnumbered> {
        let step = |(model, reason): &(ModelRef, &'static str)| {
            Unnumbered::new(Action::FetchWeights(model.clone()), *reason)
        };
        self.0.values().map(step)
    }

    /// The model by whose name this one is fetched.
    pub(super) fn name_of(&self, fetch: &Fetch) -> Option<ModelRef> {
        self.0.get(&fetch.what).map(|(model, _)| model.clone())
    }
}

/// Whether all that a pod has can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Full,
    /// Weights may be on storage that is not mounted yet.
    Unmounted,
}

/// Looks for a model's weights.
pub(super) fn weights(model: &ModelRef, facts: &PodFacts, sight: Sight) -> Weights {
    let ModelRef::Hub { repo, revision, file } = model else {
        return if facts.model_paths.contains_key(&model.to_string()) {
            Weights::There
        } else {
            Weights::NoPath
        };
    };
    let cache = facts.cache.iter().find(|cache| &cache.repo == repo);
    let reason = match cache.map(|cache| (snapshot(cache, revision.as_ref()), file)) {
        None if sight == Sight::Unmounted => "unless the storage has them already",
        None => NEW_ONES,
        Some((None, _)) => "the pod has another revision of them",
        Some((Some(snapshot), Some(file))) if has(snapshot, file) => return Weights::There,
        Some((Some(_), Some(_))) => "the pod has other files of the repository",
        Some((Some(Snapshot { whole: Whole::No, .. }), None)) => "the pod has them only in part",
        Some((Some(Snapshot { whole: Whole::Yes | Whole::Unknown, .. }), None)) => return Weights::There,
    };
    let commit = commit(cache, revision.as_ref()).to_owned();
    Weights::Fetch(Fetch { what: (repo.clone(), commit, file.clone()), model: model.clone(), reason })
}

/// The snapshot that a revision means.
fn snapshot<'a>(cache: &'a CachedRepo, revision: Option<&Revision>) -> Option<&'a Snapshot> {
    cache.snapshots.get(commit(Some(cache), revision))
}

/// A commit itself, or what the branch or tag points to, as far as the pod knows.
fn commit<'a>(cache: Option<&'a CachedRepo>, revision: Option<&'a Revision>) -> &'a str {
    let revision = revision.map_or("main", Revision::as_str);
    cache.and_then(|cache| cache.refs.get(revision)).map_or(revision, String::as_str)
}

/// Whether one file of the snapshot is there and whole.
fn has(snapshot: &Snapshot, file: &str) -> bool {
    snapshot.sizes.contains_key(file) && !snapshot.missing.iter().any(|missing| missing == file)
}

/// The whole repository behind a model, if the cache has anything of it.
pub(super) fn whole_repo(model: &ModelRef, facts: &PodFacts) -> Option<ModelRef> {
    let ModelRef::Hub { repo, .. } = model else { return None };
    facts.cache.iter().find(|cache| &cache.repo == repo)?;
    Some(ModelRef::Hub { repo: repo.clone(), revision: None, file: None })
}

/// Whether two models come from one repository.
pub(super) fn same_repo(one: &ModelRef, other: &ModelRef) -> bool {
    match (one, other) {
        (ModelRef::Hub { repo: one, .. }, ModelRef::Hub { repo: other, .. }) => one == other,
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => false,
    }
}

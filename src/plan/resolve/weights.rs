//! Whether a model's weights are on the pod.

use crate::hub::{Choice, DEFAULT_BRANCH, HubFile, RepoFacts};
use crate::manifest::EngineKind;
use crate::model_ref::ModelRef;
use crate::name::{HfRepo, ModelName};
use crate::observe::{CachedRepo, PodFacts, Snapshot, Whole};
use crate::plan::model::fetch::Fetch;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::reason::Reason;
use crate::units::Bytes;
use std::collections::BTreeMap;

/// What a server wants of its weights.
#[derive(Clone, Copy)]
pub(in crate::plan) struct Wish<'a> {
    pub(in crate::plan) name: &'a ModelName,
    pub(in crate::plan) model: &'a ModelRef,
    pub(in crate::plan) kind: EngineKind,
    /// They may be on storage that is not mounted yet.
    pub(in crate::plan) unseen: bool,
}

/// Where a model's weights stand.
pub(in crate::plan) enum Weights {
    /// On the pod, complete.
    There,
    /// To be fetched; why.
    Fetch(Box<Fetch>, Reason),
    /// At a path that the pod does not have.
    NoPath,
    /// Nobody could look.
    Unknown,
}

/// Looks for the weights of a commit; without one for what the pod's cache takes the revision for.
pub(in crate::plan) fn weights(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    wish: Wish<'_>,
    commit: Option<&str>,
) -> Weights {
    let ModelRef::Hub { repo, .. } = wish.model else {
        return match site.facts.model_paths.seen().map(|paths| paths.contains_key(&wish.model.to_string())) {
            Some(true) => Weights::There,
            Some(false) => Weights::NoPath,
            None => Weights::Unknown,
        };
    };
    if site.facts.cache.is_unknown() {
        return Weights::Unknown;
    }
    let cache = cached(site.facts, repo);
    let (known_as, reason) = match lacks(inputs, cache, wish, commit) {
        (_, None) => return Weights::There,
        (known_as, Some(reason)) => (known_as, reason),
    };
    let known = commit.and_then(|commit| inputs.hub.at(repo, commit));
    let choice = choice(known, wish);
    let (mut files, mut left_out) = (BTreeMap::new(), Vec::new());
    for (path, file) in known.iter().flat_map(|facts| &facts.files) {
        if choice.takes(path) {
            files.insert(path.clone(), file.clone());
        } else {
            left_out.push(path.clone());
        }
    }
    let (model, commit) = (wish.model.clone(), commit.map(str::to_owned));
    let mut fetch =
        Fetch { model, commit, known_as: known_as.to_owned(), choice, files, left_out, missing: None };
    fetch.missing = known.map(|_| Bytes(fetch.lacking(cache).map(|(_, bytes)| bytes.0).sum()));
    Weights::Fetch(Box::new(fetch), reason)
}

/// Whether everything that a server needs of a commit is on the pod.
pub(in crate::plan) fn is_whole(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    wish: Wish<'_>,
    commit: &str,
) -> bool {
    let ModelRef::Hub { repo, .. } = wish.model else { return false };
    lacks(inputs, cached(site.facts, repo), wish, Some(commit)).1.is_none()
}

/// The commit as far as the pod knows it, and what it lacks of it, if anything.
///
/// By the hub's list of the commit's files where it was asked, else by the list that its client left on the pod.
fn lacks<'a>(
    inputs: &Inputs<'_>,
    cache: Option<&'a CachedRepo>,
    wish: Wish<'a>,
    commit: Option<&'a str>,
) -> (&'a str, Option<Reason>) {
    let ModelRef::Hub { repo, revision, file } = wish.model else { return ("", None) };
    let revision = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
    let noted = cache.and_then(|cache| cache.refs.get(revision)).map(String::as_str);
    let known = commit.and_then(|commit| inputs.hub.at(repo, commit));
    let commit = commit.or(noted).unwrap_or(revision);
    let snapshot = match cache.map(|cache| cache.snapshots.get(commit)) {
        None if wish.unseen => {
            return (commit, Some("unless the storage has them already".into()));
        }
        None => return (commit, Some(Reason::MissingAll)),
        Some(None) => return (commit, Some("the pod has another revision of them".into())),
        Some(Some(snapshot)) => snapshot,
    };
    let partly = match known {
        Some(facts) => {
            let choice = choice(Some(facts), wish);
            let there = |path: &String, file: &HubFile| snapshot.sizes.get(path) == Some(&file.bytes);
            let mut wanted = facts.files.iter().filter(|(path, _)| choice.takes(path)).peekable();
            // a file that the commit does not have is not there either
            wanted.peek().is_none() || wanted.any(|(path, file)| !there(path, file))
        }
        None => lacks_by_itself(snapshot, file.as_deref(), wish.kind),
    };
    let reason = match file {
        Some(_) => "the pod has other files of the repository",
        None => "the pod has them only in part",
    };
    (commit, partly.then(|| reason.into()))
}

/// Whether a file that the server needs is missing, by what the pod itself knows.
fn lacks_by_itself(snapshot: &Snapshot, file: Option<&str>, kind: EngineKind) -> bool {
    if let Some(file) = file {
        return !snapshot.sizes.contains_key(file) || snapshot.missing.iter().any(|missing| missing == file);
    }
    match snapshot.whole {
        Whole::Yes => false,
        Whole::No => {
            let names = snapshot.sizes.keys().chain(&snapshot.missing).map(String::as_str);
            let choice = Choice::of(names, None, kind);
            snapshot.missing.is_empty() || snapshot.missing.iter().any(|path| choice.takes(path))
        }
        // the client leaves no list when it is asked for a single file, and old clients leave none at all
        Whole::Unknown => !snapshot.sizes.contains_key("config.json"),
    }
}

fn choice(facts: Option<&RepoFacts>, wish: Wish<'_>) -> Choice {
    let file = match wish.model {
        ModelRef::Hub { file, .. } => file.as_deref(),
        ModelRef::Path(_) => None,
    };
    match facts {
        Some(facts) => Choice::of(facts.files.keys().map(String::as_str), file, wish.kind),
        None => Choice { only: file.map(str::to_owned).into_iter().collect(), without: Vec::new() },
    }
}

/// What the pod's cache has of a repository.
pub(in crate::plan) fn cached<'a>(facts: &'a PodFacts, repo: &HfRepo) -> Option<&'a CachedRepo> {
    facts.cache.seen()?.iter().find(|cache| &cache.repo == repo)
}

/// The whole repository behind a model, if the cache has anything of it.
pub(in crate::plan) fn whole_repo(model: &ModelRef, facts: &PodFacts) -> Option<ModelRef> {
    let ModelRef::Hub { repo, .. } = model else { return None };
    cached(facts, repo)?;
    Some(ModelRef::Hub { repo: repo.clone(), revision: None, file: None })
}

/// Whether two models come from one repository.
pub(in crate::plan) fn same_repo(one: &ModelRef, other: &ModelRef) -> bool {
    match (one, other) {
        (ModelRef::Hub { repo: one, .. }, ModelRef::Hub { repo: other, .. }) => one == other,
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => false,
    }
}

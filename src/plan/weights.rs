//! Whether a model's weights are on the pod.

use crate::hub::{Choice, HubFile, RepoFacts};
use crate::model_ref::ModelRef;
use crate::name::HfRepo;
use crate::observe::{CachedRepo, PodFacts, Snapshot, Whole};
use crate::plan::fetch::Fetch;
use crate::plan::{Inputs, Site};
use crate::spec::ServerSpec;
use crate::units::Bytes;
use std::collections::BTreeMap;

/// Where a model's weights stand.
pub(super) enum Weights {
    /// On the pod, complete.
    There,
    /// To be fetched; why.
    Fetch(Box<Fetch>, String),
    /// At a path that the pod does not have.
    NoPath,
}

/// Looks for a model's weights; `mounting` says that storage is still to be mounted, so that paths can't be judged.
pub(super) fn weights(
    inputs: &Inputs<'_>,
    site: &Site<'_>,
    spec: &ServerSpec,
    mounting: Option<&str>,
) -> Weights {
    let facts = site.facts;
    match &spec.model {
        ModelRef::Path(path) => {
            let later = mounting.is_some_and(|target| path.as_str().starts_with(target));
            if later || facts.model_paths.contains_key(path.as_str()) {
                Weights::There
            } else {
                Weights::NoPath
            }
        }
        ModelRef::Hub { repo, .. } => {
            let later = mounting.is_some_and(|target| facts.models_path.starts_with(target));
            match missing(inputs, site, spec, spec.commit.as_deref()) {
                _ if later => fetch(inputs, spec, None, "storage has to be mounted first"),
                Missing::Nothing => Weights::There,
                Missing::Something(why) => fetch(inputs, spec, cached(facts, repo), &why),
            }
        }
    }
}

/// Whether everything that a server needs of a commit is on the pod.
pub(super) fn is_whole(inputs: &Inputs<'_>, site: &Site<'_>, spec: &ServerSpec, commit: &str) -> bool {
    matches!(missing(inputs, site, spec, Some(commit)), Missing::Nothing)
}

enum Missing {
    Nothing,
    Something(String),
}

/// By the hub's list of the commit's files where it was asked, else by the list that its client left on the pod.
fn missing(inputs: &Inputs<'_>, site: &Site<'_>, spec: &ServerSpec, commit: Option<&str>) -> Missing {
    let ModelRef::Hub { repo, revision, file } = &spec.model else { return Missing::Nothing };
    let something = |why: &str| Missing::Something(why.to_owned());
    let Some(cache) = cached(site.facts, repo) else { return something("they are not on the pod") };
    let revision = revision.as_ref().map_or("main", |revision| revision.as_str());
    let commit = commit.or_else(|| cache.refs.get(revision).map(String::as_str)).unwrap_or(revision);
    let Some(snapshot) = cache.snapshots.get(commit) else {
        return Missing::Something(format!("the cache has other revisions of {repo}"));
    };
    let left = match inputs.hub.at(repo, commit) {
        Some(facts) => {
            let choice = choice(facts, spec);
            let there = |(path, file): (&String, &HubFile)| snapshot.sizes.get(path) == Some(&file.bytes);
            facts.files.iter().filter(|(path, _)| choice.takes(path)).any(|file| !there(file))
        }
        None => lacks(snapshot, spec),
    };
    match (left, file) {
        (false, Some(file)) if !snapshot.sizes.contains_key(file) => {
            something("the cache has other files of it")
        }
        (false, _) => Missing::Nothing,
        (true, Some(_)) => something("the cache has other files of it"),
        (true, None) => something("the cache has them only in part"),
    }
}

/// Whether a file that the server needs is missing, by what the pod itself knows.
fn lacks(snapshot: &Snapshot, spec: &ServerSpec) -> bool {
    let file = match &spec.model {
        ModelRef::Hub { file, .. } => file.as_deref(),
        ModelRef::Path(_) => None,
    };
    if let Some(file) = file {
        return !snapshot.sizes.contains_key(file) || snapshot.missing.iter().any(|missing| missing == file);
    }
    let names = snapshot.sizes.keys().chain(&snapshot.missing).map(String::as_str);
    let choice = Choice::of(names, None, spec.kind);
    match snapshot.whole {
        Whole::No => snapshot.missing.iter().any(|path| choice.takes(path)),
        Whole::Yes => false,
        // the client leaves no list when it is asked for a single file, and old clients leave none at all
        Whole::Unknown => !snapshot.sizes.contains_key("config.json"),
    }
}

fn choice(facts: &RepoFacts, spec: &ServerSpec) -> Choice {
    let file = match &spec.model {
        ModelRef::Hub { file, .. } => file.as_deref(),
        ModelRef::Path(_) => None,
    };
    Choice::of(facts.files.keys().map(String::as_str), file, spec.kind)
}

fn fetch(inputs: &Inputs<'_>, spec: &ServerSpec, cache: Option<&CachedRepo>, why: &str) -> Weights {
    let known = match (&spec.model, &spec.commit) {
        (ModelRef::Hub { repo, .. }, Some(commit)) => inputs.hub.at(repo, commit),
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => None,
    };
    let (model, commit) = (spec.model.clone(), spec.commit.clone());
    let fetch = match known {
        None => {
            let only = match &model {
                ModelRef::Hub { file, .. } => file.iter().cloned().collect(),
                ModelRef::Path(_) => Vec::new(),
            };
            let choice = Choice { only, without: Vec::new() };
            Fetch { model, commit, choice, files: BTreeMap::new(), left_out: Vec::new(), missing: None }
        }
        Some(facts) => {
            let choice = choice(facts, spec);
            let (wanted, left): (Vec<_>, Vec<_>) =
                facts.files.iter().partition(|(path, _)| choice.takes(path));
            let files: BTreeMap<_, _> =
                wanted.into_iter().map(|(path, file)| (path.clone(), file.clone())).collect();
            let left_out = left.into_iter().map(|(path, _)| path.clone()).collect();
            let missing = Some(bytes_missing(&files, cache));
            Fetch { model, commit, choice, files, left_out, missing }
        }
    };
    Weights::Fetch(Box::new(fetch), why.to_owned())
}

/// A blob that another commit has brought is not fetched again, nor is one that two paths share.
fn bytes_missing(files: &BTreeMap<String, HubFile>, cache: Option<&CachedRepo>) -> Bytes {
    let there = |file: &HubFile| cache.is_some_and(|cache| cache.blobs.get(&file.blob) == Some(&file.bytes));
    let blobs: BTreeMap<&str, u64> = files
        .iter()
        .filter(|(_, file)| !there(file))
        .map(|(path, file)| {
            (if file.blob.is_empty() { path.as_str() } else { file.blob.as_str() }, file.bytes.0)
        })
        .collect();
    Bytes(blobs.values().sum())
}

/// What the pod's cache has of a repository.
pub(super) fn cached<'a>(facts: &'a PodFacts, repo: &HfRepo) -> Option<&'a CachedRepo> {
    facts.cache.iter().find(|cache| &cache.repo == repo)
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

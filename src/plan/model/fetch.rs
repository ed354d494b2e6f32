//! A download: exactly which files of which commit.

use crate::catalog::models;
use crate::hub::{Choice, DEFAULT_BRANCH, HubFile, is_commit};
use crate::model_ref::ModelRef;
use crate::observe::CachedRepo;
use crate::units::Bytes;
use std::collections::BTreeMap;

/// Weights to bring into a pod's HF cache.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Of which model.
    pub model: ModelRef,
    /// At which commit; what the hub then says if it could not be asked.
    pub commit: Option<String>,
    /// The commit, branch or tag as far as the pod knows it: two names of one commit are one download.
    pub known_as: String,
    /// Which files, as the hub's client takes them.
    pub choice: Choice,
    /// Exactly which, where the hub was asked; empty otherwise.
    pub files: BTreeMap<String, HubFile>,
    /// Files of the commit that are left out.
    pub left_out: Vec<String>,
    /// Bytes that are not on the pod yet, where the hub was asked.
    pub missing: Option<Bytes>,
}

impl PartialEq for Fetch {
    /// How much of it is there already makes no difference to what is to be done: in a shared cache that changes.
    fn eq(&self, other: &Self) -> bool {
        let Self { model, commit, known_as, choice, files, left_out, missing: _ } = self;
        (model, commit, known_as, choice) == (&other.model, &other.commit, &other.known_as, &other.choice)
            && (files, left_out) == (&other.files, &other.left_out)
    }
}

/// What makes two downloads the same: repository, commit, files.
pub(in crate::plan) type What = (String, String, Choice);

impl Fetch {
    /// What it brings, whatever its name.
    pub(in crate::plan) fn what(&self) -> What {
        let repo = match &self.model {
            ModelRef::Hub { repo, .. } => repo.to_string(),
            ModelRef::Path(path) => path.to_string(),
        };
        (repo, self.known_as.clone(), self.choice.clone())
    }

    /// Bytes of all its files; unknown where the hub could not be asked.
    #[must_use]
    pub fn total(&self) -> Option<Bytes> {
        (!self.files.is_empty()).then(|| Bytes(self.files.values().map(|file| file.bytes.0).sum()))
    }

    /// About how much it brings where the hub could not be asked: by the catalog, less what the cache has of the
    /// repository. None for single files and where the catalog does not have it.
    pub(in crate::plan) fn about(&self, cache: Option<&CachedRepo>) -> Option<Bytes> {
        let ModelRef::Hub { repo, file: None, .. } = &self.model else { return None };
        let whole = models::find(repo.as_str()).filter(|_| self.files.is_empty())?.weights();
        let there = cache.map_or(0, |cache| cache.bytes.0.saturating_sub(cache.incomplete.0));
        Some(Bytes(whole.0.saturating_sub(there)))
    }

    /// The blobs that a cache lacks: one that another commit has brought is not fetched again, nor is one twice.
    pub(in crate::plan) fn lacking(&self, cache: Option<&CachedRepo>) -> impl Iterator<Item = (&str, Bytes)> {
        let there =
            |name: &str, bytes: Bytes| cache.is_some_and(|cache| cache.blobs.get(name) == Some(&bytes));
        let named = self.files.iter().map(|(path, file)| {
            let name = if file.blob.is_empty() { path } else { &file.blob };
            (name.as_str(), file.bytes)
        });
        let blobs: BTreeMap<&str, Bytes> = named.filter(|(name, bytes)| !there(name, *bytes)).collect();
        blobs.into_iter()
    }

    /// The branch that comes to mean this commit in the cache: the default one, for a model that names none.
    ///
    /// What such a model is pinned to is looked up there; a revision that is named asks the hub.
    #[must_use]
    pub fn branch(&self) -> Option<&'static str> {
        matches!(self.model, ModelRef::Hub { revision: None, .. }).then_some(DEFAULT_BRANCH)
    }

    /// What people know it by: `owner/name@381fc96:file`; a revision of their own stays as they wrote it.
    #[must_use]
    pub fn target(&self) -> String {
        match (&self.model, &self.commit) {
            (ModelRef::Hub { repo, revision: None, file }, Some(commit)) => {
                let file = file.as_ref().map(|file| format!(":{file}")).unwrap_or_default();
                format!("{repo}@{}{file}", short(commit))
            }
            (ModelRef::Hub { repo, revision: Some(revision), file }, _) if is_commit(revision.as_str()) => {
                let file = file.as_ref().map(|file| format!(":{file}")).unwrap_or_default();
                format!("{repo}@{}{file}", short(revision.as_str()))
            }
            (model @ (ModelRef::Hub { .. } | ModelRef::Path(_)), _) => model.to_string(),
        }
    }
}

/// What bytes take on a disk: 2 % more, for the file system's own use.
pub(in crate::plan) fn room(bytes: Bytes) -> Bytes {
    Bytes(bytes.0 + bytes.0 / 50)
}

/// A commit as people write it: its first seven digits.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

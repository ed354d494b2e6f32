//! The hub's answers, as data.

use crate::model_ref::ModelRef;
use crate::name::{HfRepo, Revision};
use crate::units::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a model without a revision means.
pub const DEFAULT_BRANCH: &str = "main";

/// What the hub said, by repository and revision. What it was not asked is not in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HubFacts {
    answers: BTreeMap<ModelRef, HubAnswer>,
}

/// What the hub said of one repository at one revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HubAnswer {
    /// Everything.
    Known(RepoFacts),
    /// Nothing; why.
    Unknown(NoAnswer),
}

/// A repository at one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepoFacts {
    /// The commit that the revision means now.
    pub commit: String,
    /// Whether its files are given only to those who were let in.
    #[serde(default)]
    pub gated: bool,
    /// Whether it can be seen only with a token.
    #[serde(default)]
    pub private: bool,
    /// Every file of the commit.
    pub files: BTreeMap<String, HubFile>,
    /// Its `config.json`, if it has one.
    #[serde(default)]
    pub config: Option<Value>,
}

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HubFile {
    /// Its size.
    pub bytes: Bytes,
    /// What the HF cache calls its content: the SHA-256 of a large file, the git blob of a small one.
    #[serde(default)]
    pub blob: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoAnswer {
    /// It is gated, and no token was sent.
    NeedsToken,
    /// It is gated, and the token's owner was not let in.
    NoAccess,
    /// The token itself is refused.
    BadToken,
    /// There is none of this name, or it is private.
    NotFound,
    /// It has no such branch, tag or commit.
    NoSuchRevision,
    /// The hub was not to be asked; why.
    Offline(String),
    /// The hub was not reached from this machine; why.
    Unreached(String),
    /// The hub answered with something else.
    Failed(String),
}

impl HubFacts {
    /// What was said of a model's repository at its revision; `None` if that was not asked, or the model is a path.
    #[must_use]
    pub fn of(&self, model: &ModelRef) -> Option<&HubAnswer> {
        self.answers.get(&whole(model)?)
    }

    /// What is known of a repository at exactly this commit, whichever revision led there.
    #[must_use]
    pub fn at(&self, repo: &HfRepo, commit: &str) -> Option<&RepoFacts> {
        self.answers.iter().find_map(|(asked, answer)| match (asked, answer) {
            (ModelRef::Hub { repo: of, .. }, HubAnswer::Known(facts))
                if of == repo && facts.commit == commit =>
            {
                Some(facts)
            }
            (ModelRef::Hub { .. } | ModelRef::Path(_), HubAnswer::Known(_) | HubAnswer::Unknown(_)) => None,
        })
    }

    /// Takes an answer in.
    pub fn insert(&mut self, model: &ModelRef, answer: HubAnswer) {
        self.answers.extend(whole(model).map(|model| (model, answer)));
    }
}

impl RepoFacts {
    /// Whether its files are given only with a token.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.gated || self.private
    }

    /// Bytes of all files whose name ends so: `.safetensors`, `.gguf`.
    #[must_use]
    pub fn bytes_of(&self, end: &str) -> Bytes {
        Bytes(self.files.iter().filter(|(path, _)| path.ends_with(end)).map(|(_, file)| file.bytes.0).sum())
    }
}

/// The repository at its revision, whichever file of it is wanted.
fn whole(model: &ModelRef) -> Option<ModelRef> {
    match model {
        ModelRef::Hub { repo, revision, file: _ } => {
            let revision = revision.clone().or_else(|| Revision::parse(DEFAULT_BRANCH).ok());
            Some(ModelRef::Hub { repo: repo.clone(), revision, file: None })
        }
        ModelRef::Path(_) => None,
    }
}

/// Whether a revision is a whole commit id, which never comes to mean something else.
#[must_use]
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

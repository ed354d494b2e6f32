//! What a model is: a repository of the hub, one file of it, or a path on the pod.

use crate::name::{AbsPath, BadName, HfRepo, Revision};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// A model's weights, as `model = "…"` names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ModelRef {
    /// `owner/name[@revision][:file.gguf]`
    Hub {
        /// The repository.
        repo: HfRepo,
        /// A branch, tag or commit; the default branch if absent.
        revision: Option<Revision>,
        /// One file of the repository, for engines that load a single file.
        file: Option<String>,
    },
    /// An absolute path on the pod: a directory or one `.gguf` file.
    Path(AbsPath),
}

impl ModelRef {
    /// Reads `owner/name`, `owner/name@revision`, `owner/name:file.gguf` or `/a/path`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        if text.starts_with('/') {
            return AbsPath::parse(text).map(Self::Path);
        }
        let (rest, file) = match text.split_once(':') {
            Some((rest, file)) => (rest, Some(repo_file(file)?)),
            None => (text, None),
        };
        let (repo, revision) = match rest.split_once('@') {
            Some((repo, revision)) => (repo, Some(Revision::parse(revision)?)),
            None => (rest, None),
        };
        Ok(Self::Hub { repo: HfRepo::parse(repo)?, revision, file })
    }

    /// Whether one `.gguf` file is meant, which llama.cpp loads.
    #[must_use]
    pub fn is_gguf(&self) -> bool {
        match self {
            Self::Hub { file, .. } => file.as_deref().is_some_and(is_gguf),
            Self::Path(path) => is_gguf(path.as_str()),
        }
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Hub { repo, revision, file } => {
                write!(f, "{repo}")?;
                if let Some(revision) = revision {
                    write!(f, "@{revision}")?;
                }
                if let Some(file) = file {
                    write!(f, ":{file}")?;
                }
                Ok(())
            }
        }
    }
}

impl TryFrom<String> for ModelRef {
    type Error = BadName;
    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl From<ModelRef> for String {
    fn from(model: ModelRef) -> Self {
        model.to_string()
    }
}

fn is_gguf(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
}

/// A file inside a repository: relative, and staying there.
fn repo_file(text: &str) -> Result<String, BadName> {
    let inside = format!("/{text}");
    if text.is_empty() || text.starts_with(['/', '-']) {
        return Err(BadName::new("a file of a repository", text, "expected a path inside the repository"));
    }
    AbsPath::parse(&inside).map(|_| text.to_owned())
}

//! What never changes, kept on this machine: the files and `config.json` of a commit.

use super::facts::RepoFacts;
use crate::bounded::{self, KEPT};
use crate::name::HfRepo;
use crate::whole::{self, Readers};
use serde::{Deserialize, Serialize};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The file's format; others are not read.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct CachedFacts {
    format: u32,
    repo: HfRepo,
    facts: RepoFacts,
}

/// What is kept of a commit. A file that can't be read is as good as none.
pub(super) fn read(directory: &Path, repo: &HfRepo, commit: &str) -> Option<RepoFacts> {
    let text = bounded::text(&path(directory, commit), KEPT).ok()?;
    let kept: CachedFacts = serde_json::from_str(&text).ok()?;
    let ours = kept.format == FORMAT && kept.repo == *repo && kept.facts.commit == commit;
    ours.then_some(kept.facts)
}

/// Keeps it. It is a cache: that it can't be written stops nothing.
pub(super) fn write(directory: &Path, repo: &HfRepo, facts: &RepoFacts) -> std::io::Result<()> {
    let path = path(directory, &facts.commit);
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let kept = CachedFacts { format: FORMAT, repo: repo.clone(), facts: facts.clone() };
    whole::replace(&path, &serde_json::to_string(&kept)?, Readers::Owner)
}

fn path(directory: &Path, commit: &str) -> PathBuf {
    directory.join(format!("{commit}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_kept_is_found_again_by_its_repository_and_commit() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("cache/hub");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let facts = RepoFacts {
            commit: commit.to_owned(),
            gated: true,
            private: false,
            files: BTreeMap::new(),
            config: Some(serde_json::json!({ "model_type": "qwen3" })),
        };
        let (ours, other) = (HfRepo::parse("org/tiny").unwrap(), HfRepo::parse("org/other").unwrap());
        assert_eq!(read(&directory, &ours, commit), None);
        write(&directory, &ours, &facts).unwrap();
        assert_eq!(read(&directory, &ours, commit), Some(facts));
        assert_eq!(read(&directory, &other, commit), None);
        let mode = fs::metadata(path(&directory, commit)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(path(&directory, commit), "{").unwrap();
        assert_eq!(read(&directory, &ours, commit), None);
    }
}

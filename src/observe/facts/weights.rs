//! Weights: the HF cache, and models that are paths.

use crate::name::HfRepo;
use crate::units::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A repository in the HF cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedRepo {
    /// Which.
    pub repo: HfRepo,
    /// Branches and tags → commits.
    pub refs: BTreeMap<String, String>,
    /// Commits that have a snapshot.
    pub snapshots: BTreeMap<String, Snapshot>,
    /// Its blobs, by name → their sizes: commits share them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub blobs: BTreeMap<String, Bytes>,
    /// Bytes of all its blobs.
    pub bytes: Bytes,
    /// Half-downloaded blobs (`*.incomplete`), in bytes.
    pub incomplete: Bytes,
}

/// One commit of a cached repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// How many files of it are there.
    pub files: u32,
    /// Whether all are: by the list the hub gave (`trees/`), if there is one.
    pub whole: Whole,
    /// The files that are there → their sizes: for models that are one file of a repository.
    #[serde(default)]
    pub sizes: BTreeMap<String, Bytes>,
    /// Files of the hub's list that are missing or have another size, sorted.
    #[serde(default)]
    pub missing: Vec<String>,
    /// The text of its `config.json`, where that has at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

/// Whether a snapshot is all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whole {
    /// Every file of the list.
    Yes,
    /// Some are missing or half there.
    No,
    /// There is no list to compare with.
    Unknown,
}

/// What is at a model's path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathSeen {
    /// A directory, or a file.
    pub directory: bool,
    /// Its bytes; of a directory, those of the files right in it.
    pub bytes: Bytes,
    /// Bytes of the safetensors files right in a directory: what vLLM loads.
    #[serde(default)]
    pub safetensors: Bytes,
    /// The text of a directory's `config.json`, where that has at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

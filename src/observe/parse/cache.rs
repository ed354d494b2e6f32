//! In: `repo`, `ref`, `snapshot`, `tree`, `config` and `file` records. Out: the cached repositories.

use super::ProbeFailure;
use super::files::{File, files};
use super::records::Records;
use super::records::gap;
use crate::name::HfRepo;
use crate::observe::facts::Section;
use crate::observe::facts::{CachedRepo, Snapshot, Whole};
use crate::units::Bytes;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// `trees/<commit>.json` of `huggingface_hub` 2.4: every file of the commit.
#[derive(Deserialize)]
struct Tree {
    format_version: u32,
    files: BTreeMap<String, TreeFile>,
}

#[derive(Deserialize)]
struct TreeFile {
    size: u64,
}

/// The repositories that were asked about and are there, by name.
pub(super) fn cache(records: &Records, models_path: &str, gaps: &mut Vec<ProbeFailure>) -> Vec<CachedRepo> {
    let names: BTreeSet<&str> =
        records.rows("repo").iter().filter_map(|row| row.first()).map(String::as_str).collect();
    let files = files(records);
    let mut cache = Vec::new();
    for name in names {
        match HfRepo::parse(name) {
            Ok(repo) => cache.push(cached(records, repo, models_path, &files)),
            Err(bad) => gaps.push(gap(Section::Weights, &bad.to_string())),
        }
    }
    cache
}

fn cached(records: &Records, repo: HfRepo, models_path: &str, files: &[File<'_>]) -> CachedRepo {
    let name = repo.as_str();
    let directory = format!("{}/hub/models--{}/", models_path.trim_end_matches('/'), name.replace('/', "--"));
    let ours: Vec<(&str, &File<'_>)> = files
        .iter()
        .filter(|file| file.regular)
        .filter_map(|file| Some((file.path.strip_prefix(&directory)?, file)))
        .collect();
    let half = |path: &str| path.starts_with("blobs/") && path.ends_with(".incomplete");
    let named = ours
        .iter()
        .filter(|(path, _)| !half(path))
        .filter_map(|(path, file)| Some((path.strip_prefix("blobs/")?.to_owned(), Bytes(file.bytes))));
    // a snapshot's files are links to blobs, or, where there can be no links, the files themselves
    let blobs: BTreeMap<&str, u64> =
        ours.iter().filter(|(path, _)| !half(path)).map(|(_, file)| (file.inode, file.bytes)).collect();
    let refs = records.named("ref", name).filter_map(|rest| match rest {
        [name, commit, ..] => Some((name.clone(), commit.clone())),
        _ => None,
    });
    let commits = records.named("snapshot", name).filter_map(|rest| rest.first());
    CachedRepo {
        refs: refs.collect(),
        snapshots: commits.map(|commit| (commit.clone(), snapshot(records, name, commit, &ours))).collect(),
        blobs: named.collect(),
        bytes: Bytes(blobs.values().sum()),
        incomplete: Bytes(ours.iter().filter(|(path, _)| half(path)).map(|(_, file)| file.bytes).sum()),
        repo,
    }
}

fn snapshot(records: &Records, repo: &str, commit: &str, files: &[(&str, &File<'_>)]) -> Snapshot {
    let directory = format!("snapshots/{commit}/");
    let sizes: BTreeMap<String, Bytes> = files
        .iter()
        .filter_map(|(path, file)| Some((path.strip_prefix(&directory)?.to_owned(), Bytes(file.bytes))))
        .collect();
    let told = |key| {
        records.named(key, repo).find_map(|rest| match rest {
            [of, text, ..] if of == commit => Some(text),
            _ => None,
        })
    };
    let config = told("config").cloned();
    let tree = told("tree")
        .and_then(|text| serde_json::from_str::<Tree>(text).ok())
        .filter(|tree| tree.format_version == 1);
    let (whole, missing) = match tree {
        None => (Whole::Unknown, Vec::new()),
        Some(tree) => {
            let there = |path: &String, file: &TreeFile| sizes.get(path) == Some(&Bytes(file.size));
            let missing: Vec<String> = tree
                .files
                .iter()
                .filter(|(path, file)| !there(path, file))
                .map(|(path, _)| path.clone())
                .collect();
            (if missing.is_empty() { Whole::Yes } else { Whole::No }, missing)
        }
    };
    Snapshot { files: u32::try_from(sizes.len()).unwrap_or(u32::MAX), whole, sizes, missing, config }
}

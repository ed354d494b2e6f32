//! What a download leaves in the HF cache, as the next probe will see it.

use crate::hub::DEFAULT_BRANCH;
use crate::model_ref::ModelRef;
use crate::name::HfRepo;
use crate::observe::{CachedRepo, PodFacts, Snapshot, Whole};
use crate::plan::model::fetch::{Fetch, room};
use crate::units::Bytes;
use std::collections::BTreeMap;

/// The pod after a download.
pub(in crate::plan) fn fetched(facts: &mut PodFacts, fetch: &Fetch) {
    let ModelRef::Hub { repo, revision, .. } = &fetch.model else { return };
    let Some(all) = facts.cache.seen_mut() else { return };
    let at = all.iter().position(|cache| cache.repo == *repo).unwrap_or_else(|| {
        all.push(empty(repo));
        all.len() - 1
    });
    let cache = &mut all[at];
    let revision = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
    let commit = match &fetch.commit {
        Some(commit) => commit.clone(),
        None => cache.refs.get(revision).cloned().unwrap_or_else(|| revision.to_owned()),
    };
    let freed = cache.incomplete;
    cache.incomplete = Bytes(0);
    if let (Some(branch), Some(_)) = (fetch.branch(), &fetch.commit) {
        cache.refs.insert(branch.to_owned(), commit.clone());
    }
    let lacking: Vec<_> = fetch.lacking(Some(cache)).map(|(blob, bytes)| (blob.to_owned(), bytes)).collect();
    let about = fetch.about(Some(cache));
    let missing = Bytes(lacking.iter().map(|(_, bytes)| bytes.0).sum());
    cache.blobs.extend(lacking);
    cache.bytes.0 += missing.0;
    let former = cache.snapshots.remove(&commit);
    cache.snapshots.insert(commit, snapshot(fetch, former));
    let path = facts.models_path.clone();
    take_room(facts, &path, about.unwrap_or_else(|| room(missing)), freed);
}

fn snapshot(fetch: &Fetch, former: Option<Snapshot>) -> Snapshot {
    let one = matches!(&fetch.model, ModelRef::Hub { file: Some(_), .. });
    let (mut sizes, listed, config) = match former {
        Some(Snapshot { sizes, whole, missing, files: _, config }) => {
            (sizes, (whole != Whole::Unknown).then_some(missing), config)
        }
        None => (BTreeMap::new(), None, None),
    };
    sizes.extend(fetch.choice.only.iter().map(|file| (file.clone(), Bytes(0))));
    sizes.extend(fetch.files.iter().map(|(path, file)| (path.clone(), file.bytes)));
    // the hub's client notes the list of all files, unless it is asked for a single one
    let missing = match listed {
        _ if !one => Some(fetch.left_out.clone()),
        listed => listed,
    };
    let missing: Option<Vec<String>> =
        missing.map(|missing| missing.into_iter().filter(|path| !sizes.contains_key(path)).collect());
    let whole = match &missing {
        None => Whole::Unknown,
        Some(missing) if missing.is_empty() => Whole::Yes,
        Some(_) => Whole::No,
    };
    let files = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
    Snapshot { files, whole, sizes, missing: missing.unwrap_or_default(), config }
}

fn empty(repo: &HfRepo) -> CachedRepo {
    CachedRepo {
        repo: repo.clone(),
        refs: BTreeMap::new(),
        snapshots: BTreeMap::new(),
        blobs: BTreeMap::new(),
        bytes: Bytes(0),
        incomplete: Bytes(0),
    }
}

/// Every path on the same disk has less room.
pub(in crate::plan) fn take_room(facts: &mut PodFacts, path: &str, taken: Bytes, freed: Bytes) {
    let Some(disks) = facts.disks.seen_mut() else { return };
    let ours = disks.iter().find(|disk| disk.path == path);
    let Some(mounted_on) = ours.map(|disk| disk.mounted_on.clone()) else { return };
    for disk in disks.iter_mut().filter(|disk| disk.mounted_on == mounted_on) {
        disk.free = Bytes((disk.free.0 + freed.0).saturating_sub(taken.0));
    }
}

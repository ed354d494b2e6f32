//! Whether the disk has room for all the downloads of a pod, one after the other.

use crate::name::ModelName;
use crate::plan::Site;
use crate::plan::fetch::{Fetch, What, room};
use crate::plan::finding::{Finding, Severity};
use crate::plan::storage::{is_below, is_thought, seen};
use crate::plan::wanted::Candidate;
use crate::units::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What the disk for weights has left after the downloads before.
pub(super) struct Room<'a> {
    site: &'a Site<'a>,
    /// Unknown where the probe could not tell, or the storage is not mounted yet.
    free: Option<Bytes>,
    taken: BTreeSet<What>,
    /// Blobs by repository that the downloads before bring.
    brought: BTreeSet<(String, String)>,
}

impl<'a> Room<'a> {
    pub(super) fn of(site: &'a Site<'a>) -> Self {
        let facts = site.facts;
        let target = site.pod.mount.as_ref().map(|mount| &mount.target);
        let unseen = target.is_some_and(|target| {
            seen(site, target).is_some_and(is_thought) && is_below(&facts.models_path, target)
        });
        let disk = facts.disks.seen().into_iter().flatten().find(|disk| disk.path == facts.models_path);
        Self {
            site,
            free: disk.filter(|_| !unseen).map(|disk| disk.free),
            taken: BTreeSet::new(),
            brought: BTreeSet::new(),
        }
    }

    /// Lets a server be planned for which there is room, with what it needs to download.
    pub(super) fn admit<'b>(&mut self, candidate: Candidate<'b>) -> Result<Candidate<'b>, Finding> {
        candidate.fetch().map_or(Ok(()), |fetch| self.take(candidate.name, fetch))?;
        Ok(candidate)
    }

    fn take(&mut self, name: &ModelName, fetch: &Fetch) -> Result<(), Finding> {
        let what = fetch.what();
        if self.taken.contains(&what) {
            return Ok(());
        }
        let cache =
            self.site.facts.cache.seen().into_iter().flatten().find(|cache| cache.repo.as_str() == what.0);
        let blob = |(blob, bytes): (&str, Bytes)| ((what.0.clone(), blob.to_owned()), bytes);
        let lacking = fetch.lacking(cache).map(blob).filter(|(blob, _)| !self.brought.contains(blob));
        let lacking: BTreeMap<_, _> = lacking.collect();
        if let Some(free) = self.free.map(|free| Bytes(free.0 + self.cleared(&what.0))) {
            let missing = Bytes(lacking.values().map(|bytes| bytes.0).sum());
            let left = free.0.checked_sub(room(missing).0);
            self.free = Some(left.map(Bytes).ok_or_else(|| self.no_space(name, missing, free))?);
        }
        self.brought.extend(lacking.into_keys());
        self.taken.insert(what);
        Ok(())
    }

    /// What interrupted downloads left is removed by the first download of its repository.
    fn cleared(&self, repo: &str) -> u64 {
        if self.taken.iter().any(|(other, ..)| other == repo) {
            return 0;
        }
        let cache =
            self.site.facts.cache.seen().into_iter().flatten().find(|cache| cache.repo.as_str() == repo);
        cache.map_or(0, |cache| cache.incomplete.0)
    }

    fn no_space(&self, name: &ModelName, missing: Bytes, free: Bytes) -> Finding {
        let path = &self.site.facts.models_path;
        let beside = if self.taken.is_empty() { "" } else { " beside the other downloads" };
        let message = format!("its weights need {missing}, {path} has {free} left{beside}");
        Finding::on(Severity::Error, "no-space", self.site.name, message)
            .of(name)
            .help("make room there, or let `models_path` name a larger disk")
    }
}

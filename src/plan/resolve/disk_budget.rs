//! Whether the disk has room for all the downloads of a pod, one after the other, and for the engine where that comes to
//! the same disk.

use crate::manifest::EngineKind;
use crate::name::ModelName;
use crate::plan::model::code::Code;
use crate::plan::model::fetch::{Fetch, What, room};
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::engine::{no_room, to_build};
use crate::plan::resolve::wanted::Candidate;
use crate::plan::usage::storage::{is_below, is_thought, seen};
use crate::spec::EngineRecipe;
use crate::units::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What the disk for weights has left after the downloads before.
pub(in crate::plan) struct DiskBudget<'a> {
    site: &'a PodContext<'a>,
    /// Unknown where the probe could not tell, or the storage is not mounted yet.
    free: Option<Bytes>,
    taken: BTreeSet<What>,
    /// Blobs by repository that the downloads before bring.
    brought: BTreeSet<(String, String)>,
    /// What comes to the disk before, in words.
    parts: Vec<String>,
    /// Kinds of engines that are built on the same disk before: what they bring is used again.
    built: BTreeSet<EngineKind>,
}

impl<'a> DiskBudget<'a> {
    pub(in crate::plan) fn of(site: &'a PodContext<'a>) -> Self {
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
            parts: Vec::new(),
            built: BTreeSet::new(),
        }
    }

    /// Lets a server be planned for which there is room, with what it needs to download.
    pub(in crate::plan) fn admit<'b>(&mut self, candidate: Candidate<'b>) -> Result<Candidate<'b>, Finding> {
        if let Some(fetch) = candidate.fetch() {
            let engine = candidate.recipe().and_then(|recipe| Some((recipe, self.engine(recipe)?)));
            self.take(candidate.name, fetch, engine)?;
        }
        Ok(candidate)
    }

    /// Bytes that an engine takes on the disk for weights. One that has no room by itself is told of by itself.
    fn engine(&self, recipe: &EngineRecipe) -> Option<Bytes> {
        let facts = self.site.facts;
        let disks = facts.disks.seen()?;
        let disk = |path: &str| disks.iter().find(|disk| disk.path == path).map(|disk| &disk.mounted_on);
        let same = disk(&facts.pi_path).filter(|pi| Some(*pi) == disk(&facts.models_path));
        same.filter(|_| !self.built.contains(&recipe.kind))?;
        to_build(self.site.facts, recipe).filter(|_| no_room(self.site, recipe).is_none())
    }

    fn take(
        &mut self,
        name: &ModelName,
        fetch: &Fetch,
        engine: Option<(&EngineRecipe, Bytes)>,
    ) -> Result<(), Finding> {
        let what = fetch.what();
        if self.taken.contains(&what) {
            return Ok(());
        }
        let cache =
            self.site.facts.cache.seen().into_iter().flatten().find(|cache| cache.repo.as_str() == what.0);
        let blob = |(blob, bytes): (&str, Bytes)| ((what.0.clone(), blob.to_owned()), bytes);
        let lacking = fetch.lacking(cache).map(blob).filter(|(blob, _)| !self.brought.contains(blob));
        let lacking: BTreeMap<_, _> = lacking.collect();
        let listed = Bytes(lacking.values().map(|bytes| bytes.0).sum());
        let need = match fetch.about(cache) {
            Some(about) => Need { bytes: about, on_disk: about, about: "about " },
            None => Need { bytes: listed, on_disk: room(listed), about: "" },
        };
        let mut parts = self.parts.clone();
        parts.extend(engine.map(|(recipe, bytes)| format!("{} (about {bytes})", recipe.id)));
        if let Some(all) = self.free.map(|free| Bytes(free.0 + self.cleared(&what.0))) {
            let free = Bytes(all.0.saturating_sub(engine.map_or(0, |(_, bytes)| bytes.0)));
            let left = free.0.checked_sub(need.on_disk.0);
            self.free = Some(left.map(Bytes).ok_or_else(|| self.no_space(name, &need, free, &parts))?);
        }
        parts.extend((need.bytes.0 > 0).then(|| format!("{} ({}{})", what.0, need.about, need.bytes)));
        self.built.extend(engine.map(|(recipe, _)| recipe.kind));
        self.parts = parts;
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

    fn no_space(&self, name: &ModelName, need: &Need, free: Bytes, parts: &[String]) -> Finding {
        let (path, Need { bytes, on_disk: _, about }) = (&self.site.facts.models_path, need);
        let beside =
            if parts.is_empty() { String::new() } else { format!(" beside {}", parts.join(" and ")) };
        let message = format!("its weights need {about}{bytes}, {path} has {free} left{beside}");
        Finding::on(Severity::Error, Code::NoSpace, self.site.name, message)
            .of(name)
            .help("make room there, or let `models_path` name a larger disk")
    }
}

/// What a download needs.
struct Need {
    bytes: Bytes,
    /// With what the file system takes for itself, where the files are known one by one.
    on_disk: Bytes,
    /// `about ` where they are not.
    about: &'static str,
}

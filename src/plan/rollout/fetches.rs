//! The downloads of a pod, each once.

use crate::plan::model::fetch::{Fetch, What};
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::reason::Reason;
use crate::plan::model::step::Action;
use std::collections::BTreeMap;

/// The downloads that a pod needs, each once.
pub(in crate::plan) struct Fetches<'a>(BTreeMap<What, &'a (Fetch, Reason)>);

impl<'a> FromIterator<&'a (Fetch, Reason)> for Fetches<'a> {
    /// The name that comes first stands for the others.
    fn from_iter<T: IntoIterator<Item = &'a (Fetch, Reason)>>(fetches: T) -> Self {
        let mut all: BTreeMap<What, &(Fetch, Reason)> = BTreeMap::new();
        for fetch in fetches {
            let known = all.entry(fetch.0.what()).or_insert(fetch);
            if fetch.0.model < known.0.model {
                *known = fetch;
            }
        }
        Self(all)
    }
}

impl Fetches<'_> {
    pub(in crate::plan) fn steps(&self) -> impl Iterator<Item = Unnumbered> {
        let needed = self.0.values().filter(|(fetch, _)| self.bringing(fetch) == fetch.what());
        needed.map(|(fetch, reason)| {
            Unnumbered::new(Action::FetchWeights(Box::new(fetch.clone())), reason.clone())
        })
    }

    /// The download that brings this one's files: itself, or the largest that has all of them.
    pub(in crate::plan) fn bringing(&self, fetch: &Fetch) -> What {
        let what = fetch.what();
        let covers = |(other, _): &&&(Fetch, Reason)| {
            let (repo, at, _) = other.what();
            (&repo, &at) == (&what.0, &what.1)
                && fetch.files.keys().all(|path| other.files.contains_key(path))
                && other.files.len() > fetch.files.len()
        };
        if fetch.files.is_empty() {
            return what;
        }
        let largest = self.0.values().filter(covers).max_by_key(|(other, _)| other.files.len());
        largest.map_or(what, |(other, _)| other.what())
    }
}

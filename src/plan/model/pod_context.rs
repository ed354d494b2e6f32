//! One pod, as far as rules may look at it.

use crate::manifest::{Model, Pod};
use crate::name::{ModelName, PodName, Project};
use crate::observe::{Life, PodFacts, ServerSeen, Whose};
use std::collections::{BTreeMap, BTreeSet};

/// Servers that stay as they are, whatever is planned.
pub(in crate::plan) type Pinned<'a> = BTreeSet<&'a ModelName>;

/// One pod, ready to be planned for: everything a rule may look at.
#[derive(Clone, Copy)]
pub(in crate::plan) struct PodContext<'a> {
    pub(in crate::plan) name: &'a PodName,
    pub(in crate::plan) pod: &'a Pod,
    pub(in crate::plan) facts: &'a PodFacts,
    /// The models that the manifest puts here, sorted by name.
    pub(in crate::plan) models: &'a [(&'a ModelName, &'a Model)],
    /// Whose manifest this is.
    pub(in crate::plan) project: &'a Project,
    /// Servers that may be made this project's, whoever has them now.
    pub(in crate::plan) take_over: &'a BTreeSet<ModelName>,
    /// What the manifest names anywhere, where it has an id: of the servers from before there were ids, and of those
    /// that were made under another name, only these are this project's. Another project may have started the others.
    pub(in crate::plan) adopts: Option<&'a BTreeMap<ModelName, Model>>,
}

impl<'a> PodContext<'a> {
    /// Servers on the pod that are this project's to change.
    pub(in crate::plan) fn own_servers(&self) -> impl Iterator<Item = (&'a ModelName, &'a ServerSeen)> {
        self.facts.servers.iter().filter(|(name, seen)| self.is_own(name, seen))
    }

    /// Whether a server is this project's to change.
    pub(in crate::plan) fn is_own(&self, name: &ModelName, seen: &ServerSeen) -> bool {
        match seen.whose(self.project) {
            // under another name of the project: a copy of its directory may have made it
            Whose::Ours if seen.renamed().is_none() => true,
            Whose::Ours | Whose::Unnamed => {
                self.adopts.is_none_or(|models| models.contains_key(name)) || self.take_over.contains(name)
            }
            Whose::Nobodys => self.model(name).is_some(),
            Whose::Other { .. } => self.take_over.contains(name),
        }
    }

    /// A server that runs, or of which processes are left: it holds its place.
    pub(in crate::plan) fn live(&self, name: &ModelName) -> Option<&'a ServerSeen> {
        self.facts.servers.get(name).filter(|seen| is_live(seen))
    }

    /// What the manifest says of a model here.
    pub(in crate::plan) fn model(&self, name: &ModelName) -> Option<&'a Model> {
        self.models.binary_search_by(|(other, _)| (*other).cmp(name)).ok().map(|at| self.models[at].1)
    }
}

pub(in crate::plan) fn is_live(seen: &ServerSeen) -> bool {
    match &seen.life {
        Life::Running { .. } => true,
        Life::Dead { left } => !left.is_empty(),
        Life::Stopped => false,
    }
}

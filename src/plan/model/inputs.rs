//! Everything a plan is made from.

use crate::hub::HubFacts;
use crate::manifest::Manifest;
use crate::memory::Memory;
use crate::name::{ModelName, PodName, SecretName};
use crate::observe::Observed;
use std::collections::BTreeSet;

/// Everything a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the team wants.
    pub manifest: &'a Manifest,
    /// What pi last knew; only makes choices stick.
    pub memory: &'a Memory,
    /// What is there.
    pub observed: &'a Observed,
    /// What the hub says of the models; empty where it was not asked.
    pub hub: &'a HubFacts,
    /// The secrets that this machine has.
    pub secrets: &'a BTreeSet<SecretName>,
    /// Which part of the manifest is asked about.
    pub scope: &'a Scope,
    /// Whether protected servers may be stopped and restarted.
    pub protected: Protected,
    /// Servers that may be made this project's, whoever has them now: `--take-over`.
    pub take_over: &'a BTreeSet<ModelName>,
}

/// Whether protected servers may be stopped and restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected {
    /// They may not: that is an error.
    Keep,
    /// `--allow-protected`
    Allow,
}

/// Which part of the manifest a plan is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    #[default]
    All,
    /// These models, and everything on these pods.
    Only {
        /// Pods, with everything on them.
        pods: BTreeSet<PodName>,
        /// Models, on whichever pods they run.
        models: BTreeSet<ModelName>,
    },
}

impl Scope {
    /// Whether anything on this pod may be asked about.
    #[must_use]
    pub fn has_pod(&self, manifest: &Manifest, pod: &PodName) -> bool {
        match self {
            Self::All => true,
            Self::Only { pods, models } => {
                let runs_here = |name| manifest.models.get(name).is_none_or(|m| m.pods.contains(pod));
                pods.contains(pod) || models.iter().any(runs_here)
            }
        }
    }

    /// Whether a pod with everything on it is asked about.
    #[must_use]
    pub fn has_all_of(&self, pod: &PodName) -> bool {
        match self {
            Self::All => true,
            Self::Only { pods, models: _ } => pods.contains(pod),
        }
    }

    /// Whether this server is asked about.
    #[must_use]
    pub fn has_server(&self, pod: &PodName, model: &ModelName) -> bool {
        match self {
            Self::All => true,
            Self::Only { pods, models } => pods.contains(pod) || models.contains(model),
        }
    }
}

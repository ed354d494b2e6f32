//! What is planned for one pod: its steps before they have numbers, its findings, what else is to be known of them.

use crate::fit::Fit;
use crate::name::{ModelName, PodName};
use crate::plan::model::fetch::What;
use crate::plan::model::finding::Finding;
use crate::plan::model::reason::Reason;
use crate::plan::model::step::Action;
use std::collections::BTreeMap;

/// Steps and findings of one pod, before they have their final numbers.
#[derive(Default)]
pub(in crate::plan) struct PodPlan {
    pub(in crate::plan) steps: Vec<Unnumbered>,
    pub(in crate::plan) findings: Vec<Finding>,
    /// How servers that start will fit.
    pub(in crate::plan) fits: BTreeMap<ModelName, Fit>,
    /// Servers that are as they should be.
    pub(in crate::plan) standing: Vec<ModelName>,
    /// Servers that go once they answer on another pod.
    pub(in crate::plan) relocations: Vec<Relocation>,
}

impl PodPlan {
    pub(in crate::plan) fn add(&mut self, other: Self) {
        let Self { steps, findings, standing, relocations, fits } = other;
        self.steps.extend(steps);
        self.findings.extend(findings);
        self.standing.extend(standing);
        self.relocations.extend(relocations);
        self.fits.extend(fits);
    }
}

/// A step without its number.
pub(in crate::plan) struct Unnumbered {
    pub(in crate::plan) action: Action,
    pub(in crate::plan) reason: Reason,
    pub(in crate::plan) needs: Needs,
}

/// What a step waits for that can't be told from its spec.
#[derive(Default)]
pub(in crate::plan) struct Needs {
    /// Servers that have to be stopped.
    pub(in crate::plan) stopped: Vec<ModelName>,
    /// Servers that have to be started anew, elsewhere.
    pub(in crate::plan) started: Vec<ModelName>,
    /// Servers that have to answer.
    pub(in crate::plan) ready: Vec<ModelName>,
    /// The download that brings its weights.
    pub(in crate::plan) weights: Option<What>,
}

impl Unnumbered {
    /// A step that waits for nothing special.
    pub(in crate::plan) fn new(action: Action, reason: impl Into<Reason>) -> Self {
        Self { action, reason: reason.into(), needs: Needs::default() }
    }
}

/// A server that goes once it answers elsewhere.
pub(in crate::plan) struct Relocation {
    pub(in crate::plan) pod: PodName,
    pub(in crate::plan) name: ModelName,
    pub(in crate::plan) reason: String,
}

impl Relocation {
    /// Whether it is the server of this name.
    pub(in crate::plan) fn is(&self, name: &ModelName) -> bool {
        self.name == *name
    }
}

//! What became of every step of a plan.

use crate::apply::event::{Failure, FailureKind, Outcome};
use crate::plan::StepId;
use std::collections::BTreeMap;

/// What became of every step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Every step of the plan, with its outcome.
    pub outcomes: BTreeMap<StepId, Outcome>,
    /// What is to be said of steps that are done.
    pub warnings: BTreeMap<StepId, Vec<String>>,
}

impl Report {
    /// Whether every step is done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.outcomes.values().all(|outcome| matches!(outcome, Outcome::Done { .. }))
    }

    /// Whether pi was interrupted before all was done.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.outcomes.values().any(|outcome| matches!(outcome, Outcome::Stopped | Outcome::Left))
    }

    /// Whether a pod was lost on the way.
    #[must_use]
    pub fn lost_a_pod(&self) -> bool {
        let lost = |failure: &Failure| failure.kind == FailureKind::Connection;
        self.outcomes.values().any(|outcome| matches!(outcome, Outcome::Failed(failure) if lost(failure)))
    }

    /// How many steps are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.outcomes.values().filter(|outcome| matches!(outcome, Outcome::Done { .. })).count()
    }
}

//! A plan as people see it: its rows, and what they add up to.

use crate::plan::model::reason::Reason;
use crate::plan::model::step::{Action, Plan, Replaces, Sign, Step};
use crate::units::{Bytes, Seconds};
use std::collections::{BTreeMap, BTreeSet};

impl Plan {
    /// Whether there is nothing to do. Findings do not count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Bytes that all its downloads bring, as far as that is known.
    #[must_use]
    pub fn downloads(&self) -> Bytes {
        let missing = |step: &Step| {
            if let Action::FetchWeights(fetch) = &step.action {
                fetch.missing.unwrap_or_default().0
            } else {
                0
            }
        };
        Bytes(self.steps.iter().map(missing).sum())
    }

    /// How many rows add, change and remove.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for row in self.rows() {
            match row.sign {
                Sign::Add => counts.add += 1,
                Sign::Change => counts.change += 1,
                Sign::Remove => counts.remove += 1,
            }
        }
        counts
    }

    /// How many servers go away and come back.
    #[must_use]
    pub fn restarts(&self) -> usize {
        self.rows().filter(|row| row.restarts).count()
    }

    /// The longest that one of its restarts is expected to take, as far as that is known.
    #[must_use]
    pub fn down(&self) -> Option<Seconds> {
        let down = |step: &Step| match &step.action.start()?.replaces {
            Replaces::Stopped(recreate) => recreate.down,
            Replaces::Nothing | Replaces::Beside(_) => None,
        };
        self.steps.iter().filter_map(down).max()
    }

    /// The steps that a person sees as rows of their own: all but the waiting that follows a start, and the stop of
    /// a server that is started again.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut starts = BTreeSet::new();
        let (mut stops, mut awaited) = (BTreeMap::new(), BTreeSet::new());
        for step in &self.steps {
            starts.extend(step.action.starts().map(|spec| (&step.pod, &spec.name)));
            if let Action::StopServer(name) = &step.action {
                stops.insert((&step.pod, name), &step.reason);
            }
            if let Action::AwaitReady { spec, .. } = &step.action {
                awaited.insert((&step.pod, &spec.name));
            }
        }
        self.steps.iter().filter_map(move |step| {
            let server = step.action.server().map(|name| (&step.pod, name));
            let is_started = server.is_some_and(|server| starts.contains(&server));
            let stopped = server.and_then(|server| stops.get(&server).copied());
            let reason = &step.reason;
            match (&step.action, stopped) {
                (Action::Promote(..), _) if server.is_some_and(|server| awaited.contains(&server)) => None,
                (
                    Action::AwaitReady { .. }
                    | Action::StopServer(_)
                    | Action::Promote(..)
                    | Action::StopRun(_),
                    _,
                ) if is_started => None,
                (Action::StartServer(start), Some(reason)) if start.replaces == Replaces::Nothing => {
                    Some(Row { step, sign: Sign::Change, restarts: true, reason })
                }
                (action, _) => {
                    let start = action.start();
                    let restarts = start.is_some_and(|start| matches!(start.replaces, Replaces::Stopped(_)));
                    Some(Row { step, sign: step.sign(), restarts, reason })
                }
            }
        })
    }
}

/// One row of a plan, as people see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// What is done.
    pub step: &'a Step,
    /// Whether that adds, changes or removes.
    pub sign: Sign,
    /// Whether a server goes away and comes back.
    pub restarts: bool,
    /// Why.
    pub reason: &'a Reason,
}

/// Rows of a plan, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// `+`
    pub add: usize,
    /// `~`
    pub change: usize,
    /// `-`
    pub remove: usize,
}

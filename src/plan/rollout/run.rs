//! A server that shall run, at its place: what it takes to get there.

use crate::fit::Fit;
use crate::observe::ServerSeen;
use crate::plan::model::finding::Finding;
use crate::plan::model::rollout::Rollout;
use crate::plan::resolve::estimate::Estimate;
use crate::plan::resolve::wanted::{AtPlace, Wanted};
use crate::plan::server_diff::ServerDiff;
use crate::spec::{RunId, ServerSpec};

/// A server at a place where it can be.
#[derive(Clone)]
pub(in crate::plan) struct Placed {
    pub(in crate::plan) at: AtPlace,
    /// How it fits, where it is started and that can be told.
    pub(in crate::plan) estimate: Option<Estimate>,
    pub(in crate::plan) diff: ServerDiff,
    /// What is to be said before it is started.
    pub(in crate::plan) findings: Vec<Finding>,
    pub(in crate::plan) rollout: Rollout,
}

/// A server that shall run and can.
pub(in crate::plan) struct Run<'a> {
    pub(in crate::plan) wanted: Wanted,
    /// How it fits, where it is started and that can be told.
    pub(in crate::plan) fit: Option<Fit>,
    pub(in crate::plan) diff: ServerDiff,
    /// What runs now or is left of it, if its record can be read: its place is taken until it is stopped.
    pub(in crate::plan) now: Option<&'a ServerSpec>,
    /// What there is of it, also where nothing runs.
    pub(in crate::plan) seen: Option<&'a ServerSeen>,
    /// What is started again if it does not come up.
    pub(in crate::plan) previous: Option<ServerSpec>,
    pub(in crate::plan) rollout: Rollout,
}

impl Run<'_> {
    /// What runs until it has answered, while it is started beside that.
    pub(in crate::plan) fn incumbent(&self) -> Option<&ServerSpec> {
        match &self.rollout {
            Rollout::SideBySide => self.now,
            Rollout::Resumed => self.seen?.beside.as_ref()?.spec.as_ref().ok(),
            Rollout::Recreate(_) => None,
        }
    }

    /// Which run of its server it is: the next one where it is started, and otherwise the one that is there.
    pub(in crate::plan) fn id(&self) -> RunId {
        match self.seen {
            Some(seen) if !self.starts() => seen.run,
            Some(seen) => seen.next_run(),
            None => RunId::default().next(),
        }
    }

    /// Whether it is started, or started anew.
    pub(in crate::plan) fn starts(&self) -> bool {
        match self.diff {
            ServerDiff::NotRunning(_) | ServerDiff::Differs(..) | ServerDiff::Unresponsive(_) => true,
            ServerDiff::UpToDate | ServerDiff::Starting(_) => false,
        }
    }
}

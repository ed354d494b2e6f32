//! What pi has put on a pod: servers, engines, secrets, the lock.

use crate::diagnose::Measured;
use crate::name::{Project, SecretName};
use crate::spec::{Owner, RunId, ServerSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A server that pi started here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerSeen {
    /// What was asked for, or why its record can't be read.
    pub spec: Result<ServerSpec, String>,
    /// Which of its runs this is.
    #[serde(default, skip_serializing_if = "RunId::is_unnumbered")]
    pub run: RunId,
    /// The last of its runs, also where that has ended.
    #[serde(default, skip_serializing_if = "RunId::is_unnumbered")]
    pub last_run: RunId,
    /// Whose it is, by a record of its own.
    #[serde(default, skip_serializing_if = "OwnerSeen::is_unnamed")]
    pub owner: OwnerSeen,
    /// Whether it lives.
    pub life: Life,
    /// Whether it ever answered with a token since its start.
    pub answered: bool,
    /// Whether the secrets it was started with are those of this machine.
    pub secrets: BTreeMap<SecretName, SecretSeen>,
    /// What vLLM measured at its start, kept when it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// What its former starts left to know.
    #[serde(default)]
    pub past: Past,
    /// Another run of it that may live: what was started to take its place, and has not yet, or the one before it, which
    /// has not been stopped yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<ServerSeen>>,
}

impl ServerSeen {
    /// Which run is started next.
    #[must_use]
    pub fn next_run(&self) -> RunId {
        let last = self.both().map(|seen| seen.run.max(seen.last_run)).max();
        last.unwrap_or_default().next()
    }

    /// It, and what was started beside it.
    pub fn both(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.beside.as_deref())
    }

    /// What its record says where this project's id made it under another name: the project was renamed, or its
    /// directory was copied.
    #[must_use]
    pub fn renamed(&self) -> Option<&Owner> {
        self.both()
            .find_map(|seen| if let OwnerSeen::Renamed(owner) = &seen.owner { Some(owner) } else { None })
    }

    /// Whose it is, for a project of this name. One beside which somebody else has started another is theirs as well.
    #[must_use]
    pub fn whose(&self, project: &Project) -> Whose<'_> {
        let beside = self.beside.as_ref().map(|beside| beside.whose(project));
        if let Some(whose @ Whose::Other { .. }) = beside {
            return whose;
        }
        match (&self.owner, &self.spec) {
            (OwnerSeen::Ours | OwnerSeen::Renamed(_), _) => Whose::Ours,
            (OwnerSeen::Other(owner), _) => {
                Whose::Other { project: Some(&owner.project), owner: Some(owner) }
            }
            (OwnerSeen::Unreadable, spec) => {
                Whose::Other { project: spec.as_ref().ok().map(|spec| &spec.project), owner: None }
            }
            (OwnerSeen::Unnamed, Ok(spec)) if spec.project == *project => Whose::Unnamed,
            (OwnerSeen::Unnamed, Ok(spec)) => Whose::Other { project: Some(&spec.project), owner: None },
            (OwnerSeen::Unnamed, Err(why)) => match beside {
                Some(whose) if self.life == Life::Stopped => whose,
                None if self.life == Life::Stopped && why == NO_SPEC => Whose::Nobodys,
                Some(_) | None => Whose::Other { project: None, owner: None },
            },
        }
    }
}

/// Why there is no spec where a start was broken off before it wrote one.
pub const NO_SPEC: &str = "spec.json is missing or empty";

/// Whose a server is, by the record that lies beside its spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnerSeen {
    /// There is no such record: an older pi started it.
    #[default]
    Unnamed,
    /// It has the id of the project that looked.
    Ours,
    /// It has that id, and another name of the project.
    Renamed(Owner),
    /// It has another one.
    Other(Owner),
    /// It can't be read.
    Unreadable,
}

impl OwnerSeen {
    fn is_unnamed(&self) -> bool {
        *self == Self::Unnamed
    }
}

/// Whose a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// This project's, by its id.
    Ours,
    /// This project's, by its name alone: an older pi started it.
    Unnamed,
    /// There is nothing but the directory of a start that was broken off.
    Nobodys,
    /// Somebody else's.
    Other {
        /// The project, where that can be told.
        project: Option<&'a Project>,
        /// What its record says, if it has one that can be read.
        owner: Option<&'a Owner>,
    },
}

/// What a server's former starts left to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Past {
    /// The run that answered last, where a changed one was started in its place and has not answered yet.
    pub previous: Option<Box<ServerSpec>>,
    /// The start that failed last.
    pub failed: Option<FailedStart>,
    /// Seconds from its last start until it answered with a token.
    pub took: Option<u64>,
    /// How often the pod itself started it again, if it did.
    pub restarts: Option<Restarts>,
}

/// What a server did that is started again on the pod itself, since pi started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarts {
    /// How often it was started again.
    pub count: u32,
    /// The exit code with which it ended the last time.
    pub code: u8,
    /// Whether it failed too often, and is left dead.
    pub given_up: bool,
}

/// A start that failed, perhaps again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStart {
    /// [`ServerSpec::digest`] of what was started.
    pub digest: String,
    /// How often it failed.
    pub count: u32,
    /// Why, the last time, in one sentence.
    pub cause: String,
}

/// Whether a server lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Life {
    /// Its session's leader runs.
    Running {
        /// The leader, which is also the session's and the group's id.
        pid: u32,
        /// Seconds it has been running.
        seconds: u64,
        /// What `GET /health` on its port said: 200, 503 …; absent when nothing answered.
        health: Option<u16>,
    },
    /// Its leader is gone; processes of its session may be left.
    Dead {
        /// What is left of its session.
        left: Vec<u32>,
    },
    /// It was stopped by pi, or never started.
    Stopped,
}

/// An engine's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineSeen {
    /// The digest of the recipe it was made from; absent when the installation did not finish.
    pub digest: Option<String>,
    /// Seconds that its installation took, where it was done in one go.
    #[serde(default)]
    pub took: Option<u64>,
}

/// A secret on the pod, compared with this machine's without either being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSeen {
    /// The same value.
    Same,
    /// Another value.
    Differs,
    /// It is there, and can't be compared: this machine has none, or the pod has no program for that.
    There,
}

/// Who applies now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockSeen {
    /// `ann@laptop`
    pub who: String,
    /// Which project.
    pub project: String,
    /// Seconds since 1970, by the pod's clock.
    pub since: u64,
    /// Seconds since its last heartbeat.
    pub idle: u64,
    /// Which apply has it; empty where an older pi has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
}

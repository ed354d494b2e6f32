//! What was done to a pod: one line of JSON each, in `journal.jsonl` there, written by the step's own script.

use crate::name::{Project, ProjectId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a step is about to do, as far as that is known before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalAction {
    /// pi's version.
    pub pi: String,
    /// `ann@laptop`; empty where a line does not tell.
    #[serde(default)]
    pub who: String,
    /// Whose manifest asked for it.
    pub project: Project,
    /// Its id, once it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// `start_server`
    pub action: String,
    /// What it acts on.
    pub target: String,
    /// Why, as the end of a sentence.
    pub reason: String,
}

/// A line of the journal: a deed, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it ended, by the pod's clock.
    pub when: Timestamp,
    /// How long it took.
    pub seconds: u64,
    /// What became of it.
    pub outcome: JournalOutcome,
    /// The exit code of its script.
    pub exit: i32,
    /// What it was.
    #[serde(flatten)]
    pub deed: JournalAction,
}

/// What became of a deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalOutcome {
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It was interrupted, or the connection was lost.
    Stopped,
}

impl JournalAction {
    /// The deed's fields without the brace in front: the script puts its own before them.
    #[must_use]
    pub fn fields(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.strip_prefix('{').unwrap_or_default().to_owned()
    }

    /// Whose a server becomes by it, as JSON but for the time; empty while the project has no id.
    #[must_use]
    pub fn owner(&self) -> String {
        let Self { pi: _, who, project, project_id, action: _, target: _, reason: _ } = self;
        let owner = |id: &ProjectId| json!({ "id": id, "project": project, "who": who }).to_string();
        project_id.as_ref().map(owner).unwrap_or_default()
    }
}

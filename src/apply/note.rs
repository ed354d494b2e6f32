//! The pod's journal: each script of a step notes there what became of it, so that it is told even when pi is not there
//! any more.

use crate::journal::JournalAction;
use crate::name::ProjectId;
use crate::plan::{Noted, Part};
use crate::script::{RenderError, Script, Template, around};
use serde::Serialize;

/// Bytes after which a journal is put aside and a new one begun.
const LIMIT: u32 = 1 << 20;

/// A script of a step, with what it has to note.
pub(super) fn noting(
    part: &Part,
    step: &JournalAction,
    pi: &str,
    token: &str,
) -> Result<Script, RenderError> {
    let other = |action: &str, reason: &str| JournalAction {
        action: action.to_owned(),
        reason: reason.to_owned(),
        ..step.clone()
    };
    let (deed, ends) = match part.noted {
        Noted::Step => (step.clone(), Ends::Always),
        Noted::Interruption => (step.clone(), Ends::Interruptions),
        Noted::Failure => (step.clone(), Ends::Failed),
        Noted::Other { action, reason } => (other(action, reason), Ends::Always),
    };
    journaled(pi, token, &deed, part.script.clone(), ends)
}

/// Which ends of a script are noted, as `templates/journal.sh` calls them.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ends {
    Always,
    Interruptions,
    /// All of them, as failures.
    Failed,
}

/// A script that notes a deed in the pod's journal, and does it only while the pod's lock has this token; always, where
/// the token is empty.
pub(super) fn journaled(
    pi: &str,
    token: &str,
    deed: &JournalAction,
    script: Script,
    noted: Ends,
) -> Result<Script, RenderError> {
    #[derive(Serialize)]
    struct Values<'a> {
        pi: &'a str,
        deed: String,
        owner: String,
        project_id: &'a str,
        noted: Ends,
        limit: u32,
        token: &'a str,
    }
    let values = Values {
        pi,
        deed: deed.fields(),
        owner: deed.owner(),
        project_id: deed.project_id.as_ref().map_or("", ProjectId::as_str),
        noted,
        limit: LIMIT,
        token,
    };
    around(Template::JOURNAL, &values, script)
}

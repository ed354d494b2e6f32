//! The pod's journal: each script of a step notes there what became of it, so that it is told even when pi is not there
//! any more.

use crate::apply::schedule::Crew;
use crate::journal::Deed;
use crate::manifest::Pod;
use crate::name::ProjectId;
use crate::plan::Action;
use crate::script::{RenderError, Script, Template, around};
use serde::Serialize;

/// Bytes after which a journal is put aside and a new one begun.
const LIMIT: u32 = 1 << 20;

/// Which ends are noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Noted {
    /// Whatever becomes of it.
    Always,
    /// Only that it was interrupted: it changes nothing, and another script notes how that ended.
    Interruptions,
    /// That its step has failed, which it is there for.
    Failed,
}

impl Noted {
    /// What is noted of a step's script.
    fn of(script: &Script) -> Self {
        let is = |templates: &[Template]| templates.iter().any(|template| template.name() == script.name);
        let silent = [Template::AWAIT_READY, Template::ASK_AGAIN, Template::ASK_OWN, Template::KEEP_FORMER];
        if is(&silent) {
            Self::Interruptions
        } else if is(&[Template::MARK_FAILED]) {
            Self::Failed
        } else {
            Self::Always
        }
    }
}

/// An action's scripts, each with what it has to note.
pub(super) fn noting<R>(
    (action, reason, pod): (&Action, &str, &Pod),
    crew: &Crew<'_, R>,
    scripts: Vec<Script>,
) -> Result<Vec<Script>, RenderError> {
    let deed = Deed {
        pi: env!("CARGO_PKG_VERSION").to_owned(),
        who: crew.who.to_owned(),
        project: crew.manifest.project.clone(),
        project_id: crew.manifest.identity.id().cloned(),
        action: action.name().to_owned(),
        target: action.target(),
        reason: reason.to_owned(),
    };
    scripts
        .into_iter()
        .map(|script| {
            let token = crew.hold.token();
            let noted = Noted::of(&script);
            let deed = match on_failure(action, &script) {
                Some((action, reason)) => {
                    Deed { action: action.to_owned(), reason: reason.to_owned(), ..deed.clone() }
                }
                None => deed.clone(),
            };
            journaled((pod, token), &deed, script, noted)
        })
        .collect()
}

/// What a script that runs only when its step fails does, and why: that is another deed than the step's.
fn on_failure(action: &Action, script: &Script) -> Option<(&'static str, &'static str)> {
    if script.name == Template::START_FORMER.name() {
        return Some(("start_former", "what took its place did not come up"));
    }
    let waits = matches!(action, Action::AwaitReady { .. });
    (waits && script.name == Template::REMOVE_BESIDE.name())
        .then_some(("remove_beside", "it did not come up"))
}

/// A script that notes a deed in the pod's journal, and does it only while the pod's lock has this token; always, where
/// the token is empty.
pub(super) fn journaled(
    (pod, token): (&Pod, &str),
    deed: &Deed,
    script: Script,
    noted: Noted,
) -> Result<Script, RenderError> {
    #[derive(Serialize)]
    struct Values<'a> {
        pi: &'a str,
        deed: String,
        owner: String,
        project_id: &'a str,
        noted: Noted,
        limit: u32,
        token: &'a str,
    }
    let values = Values {
        pi: pod.pi_path.as_str(),
        deed: deed.fields(),
        owner: deed.owner(),
        project_id: deed.project_id.as_ref().map_or("", ProjectId::as_str),
        noted,
        limit: LIMIT,
        token,
    };
    around(Template::JOURNAL, &values, script)
}

//! The pod's journal: each script of a step notes there what became of it, so that it is told even when pi is not there
//! any more.

use crate::apply::event::Failure;
use crate::apply::schedule::Crew;
use crate::journal::Deed;
use crate::manifest::Pod;
use crate::plan::Step;
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
    /// Only that it did not succeed: the step goes on after it.
    Failures,
}

/// The script, with what it has to note.
pub(super) fn noting<R>(
    (step, pod): (&Step, &Pod),
    crew: &Crew<'_, R>,
    script: Script,
    noted: Noted,
) -> Result<Script, Failure> {
    let deed = Deed {
        pi: env!("CARGO_PKG_VERSION").to_owned(),
        who: crew.who.to_owned(),
        project: crew.manifest.project.clone(),
        action: step.action.name().to_owned(),
        target: step.action.target(),
        reason: step.reason.clone(),
    };
    journaled(pod, &deed, script, noted).map_err(|error| Failure::new("no-script", error.to_string()))
}

/// A script that notes a deed in the pod's journal.
fn journaled(pod: &Pod, deed: &Deed, script: Script, noted: Noted) -> Result<Script, RenderError> {
    #[derive(Serialize)]
    struct Values<'a> {
        pi: &'a str,
        deed: String,
        noted: Noted,
        limit: u32,
    }
    let values = Values { pi: pod.pi_path.as_str(), deed: deed.fields(), noted, limit: LIMIT };
    around(Template::JOURNAL, &values, script)
}

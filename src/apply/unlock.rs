//! Breaking a pod's lock that somebody else holds.

use crate::apply::Holder;
use crate::apply::note::{Ends, journaled};
use crate::journal::JournalAction;
use crate::manifest::{Manifest, Pod};
use crate::name::PodName;
use crate::observe::LockSeen;
use crate::remote::{Exit, Job, Line, Remote, RemoteError};
use crate::script::{RenderError, Script, Template, render};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Why a lock could not be broken.
#[derive(Debug)]
pub enum NotBroken {
    /// The pod could not be reached.
    Remote(RemoteError),
    /// Another lock is there by now, or the pod does not let it be removed.
    Failed(String),
}

/// Breaks this lock and no other, and notes that in the pod's journal.
pub async fn unlock<R: Remote>(
    remote: &R,
    manifest: &Manifest,
    name: &PodName,
    lock: &LockSeen,
    breaker: &Holder,
) -> Result<(), NotBroken> {
    let Some(pod) = manifest.pods.get(name) else {
        return Err(NotBroken::Failed(format!("{name} is not in the manifest")));
    };
    let deed = JournalAction {
        pi: env!("CARGO_PKG_VERSION").to_owned(),
        who: breaker.who.clone(),
        project: manifest.project.clone(),
        project_id: manifest.identity.id().cloned(),
        action: "unlock".to_owned(),
        target: name.to_string(),
        reason: format!("{} held its lock", if lock.who.is_empty() { "somebody" } else { &lock.who }),
    };
    let script = script(pod, lock, &deed).map_err(|error| NotBroken::Failed(error.to_string()))?;
    let mut said = String::new();
    let hear = |line: Line| {
        let (Line::Out(text) | Line::Err(text)) = line;
        said = text;
    };
    let job = Job { script: &script, input: None };
    match remote.run(name, job, &CancellationToken::new(), hear).await {
        Ok(Exit(0)) => Ok(()),
        Ok(_) => Err(NotBroken::Failed(said)),
        Err(error) => Err(NotBroken::Remote(error)),
    }
}

fn script(pod: &Pod, lock: &LockSeen, deed: &JournalAction) -> Result<Script, RenderError> {
    let script =
        render(Template::UNLOCK, &json!({ "pi": pod.pi_path, "token": lock.token, "since": lock.since }))?;
    journaled(pod.pi_path.as_str(), "", deed, script, Ends::Always)
}

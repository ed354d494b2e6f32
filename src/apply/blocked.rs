//! What a step waits for that makes no progress, as far as the pod's `/proc` tells.

use crate::name::PodName;
use crate::remote::{Job, Line, Remote};
use crate::script::{Script, Template, render};
use crate::secret::Secret;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A pod that hangs as a whole does not tell.
const PATIENCE: Duration = Duration::from_secs(15);

/// The program that a running script waits for: `cat x (PID 7), which waits to open a FIFO`.
pub(super) async fn blocked<R: Remote>(remote: &R, pod: &PodName, script: &Script) -> Option<String> {
    let line = |name: &str| script.text.lines().find(|line| line.starts_with(name));
    let (deed, token) = (line("deed=")?, line("fenced_by=")?);
    let ask = render(Template::BLOCKED, &json!({})).ok()?;
    let job = Job { script: &ask, input: Some(Secret::new(format!("{deed}\n{token}\n"))) };
    let (mut told, stop) = (None, CancellationToken::new());
    let hear = |line| match line {
        Line::Out(text) => told = Some(text),
        Line::Err(_) => {}
    };
    // late or not at all: then it is not known
    drop(timeout(PATIENCE, remote.run(pod, job, &stop, hear)).await);
    told
}

//! Pods that are this machine.
//!
//! In: an [`RunnerCommand`]. Out: the runner as a child process, told the same things in the same way as over ssh.

use super::diagnose::Ended;
use super::runner_command::RunnerCommand;
use super::runner_session::{Wire, converse};
use super::{Exit, Line, RemoteError};
use crate::name::EnvName;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// What errors call it.
pub(super) const AT: &str = "this machine";

/// Runs the order in this machine's bash, in the home directory, where ssh would begin, too. Of this process's
/// environment it gets all but the `hidden` variables.
pub(super) async fn run(
    order: &RunnerCommand<'_>,
    hidden: &[EnvName],
    stop: &CancellationToken,
    hear: impl FnMut(Line) + Send,
) -> Result<Exit, RemoteError> {
    let other = |text: String| RemoteError::Other { at: AT.to_owned(), text };
    let mut command = Command::new("bash");
    command.args(order.words()).current_dir(home());
    for name in hidden {
        command.env_remove(name.as_str());
    }
    // Ctrl-C at the terminal is for pi alone, which then tells the runner
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|err| {
        if err.kind() == ErrorKind::NotFound {
            return RemoteError::NoBash { at: AT.to_owned() };
        }
        other(format!("cannot start bash: {err}"))
    })?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(other("bash has no pipes".to_owned()));
    };
    let wire = Wire {
        stdin: Box::pin(stdin),
        stdout: Box::pin(stdout),
        stderr: Box::pin(stderr),
        ended: Box::pin(async { ended(child.wait().await.ok()) }),
    };
    converse(wire, order, AT, stop, hear).await
}

/// Where work on this machine begins.
pub(super) fn home() -> PathBuf {
    std::env::home_dir().filter(|home| home.is_dir()).unwrap_or_else(|| "/".into())
}

fn ended(status: Option<ExitStatus>) -> Ended {
    status.and_then(|status| status.code()).map_or(Ended::Somehow, Ended::With)
}

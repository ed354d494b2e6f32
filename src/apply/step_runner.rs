//! The scripts of a step, run on its pod one at a time, as far as its lock holds.

use crate::apply::apply_context::ApplyContext;
use crate::apply::blocked::blocked;
use crate::apply::event::{Failure, FailureKind};
use crate::apply::excerpt::Excerpt;
use crate::apply::hold::Loss;
use crate::apply::note::noting;
use crate::apply::patience::{Progress, stuck};
use crate::journal::JournalAction;
use crate::name::PodName;
use crate::plan::Part;
use crate::remote::{Exit, Job, Line, Remote, RemoteError};
use crate::script::{ExitCode, RenderError, Script};
use crate::secret::{Secret, Secrets};
use tokio_util::sync::CancellationToken;

/// What a step needs to talk to its pod.
pub(super) struct StepRunner<'a, R> {
    pub(super) pod: &'a PodName,
    /// Pi's directory there.
    pub(super) pi: &'a str,
    pub(super) deed: &'a JournalAction,
    pub(super) context: &'a ApplyContext<'a, R>,
    pub(super) interrupt: &'a CancellationToken,
    pub(super) say: &'a (dyn Fn(String) + Sync),
}

impl<R: Remote> StepRunner<'_, R> {
    /// The same, which an interruption does not end: for scripts that change servers.
    pub(super) fn uninterrupted(&self) -> Self {
        Self { interrupt: self.context.hold.lost(), ..*self }
    }

    /// Runs a script that has to succeed.
    pub(super) async fn finish(&self, part: &Part, input: Option<Secret>) -> Result<(), Failure> {
        match self.run(part, input).await? {
            (Exit(0), _) => Ok(()),
            (exit, lines) => Err(script_failed(&part.script, exit, &lines)),
        }
    }

    /// Runs a script, passes its lines on, and keeps the last of them.
    pub(super) async fn run(&self, part: &Part, input: Option<Secret>) -> Result<(Exit, Vec<Line>), Failure> {
        self.run_telling(part, input, &|text| (self.say)(text.to_owned())).await
    }

    /// The same, where something else is made of the lines.
    pub(super) async fn run_telling(
        &self,
        part: &Part,
        input: Option<Secret>,
        tell: &(dyn Fn(&str) + Sync),
    ) -> Result<(Exit, Vec<Line>), Failure> {
        if self.context.hold.is_lost() {
            return Err(Failure::lock_lost());
        }
        let (mut kept, progress) = (Excerpt::default(), Progress::new());
        let hear = |line: Line| {
            let line = hidden(line, self.context.secrets);
            let (Line::Out(text) | Line::Err(text)) = &line;
            progress.heard(text);
            if !text.trim().is_empty() {
                tell(text);
            }
            kept.push(line);
        };
        let script = noting(part, self.deed, self.pi, self.context.hold.token())
            .map_err(|error| not_written(&error))?;
        let job = Job { script: &script, input };
        let run = self.context.remote.run(self.pod, job, self.interrupt, hear);
        let exit = match part.quiet {
            None => run.await,
            Some(quiet) => {
                // asked while it still runs
                let stalled = async {
                    let last = progress.stalled(quiet).await;
                    (last, blocked(self.context.remote, self.pod, &script).await)
                };
                tokio::select! {
                    ended = run => ended,
                    (last, blocked) = stalled => {
                        return Err(stuck(part.script.name, quiet, &last, blocked.as_deref()));
                    }
                }
            }
        };
        let exit = exit.map_err(|error| from_remote(&error))?;
        if ExitCode::of(exit.0) == Some(ExitCode::LockLost) {
            self.context.hold.lose(self.pod, Loss::Taken);
            return Err(Failure::lock_lost());
        }
        Ok((exit, kept.into_lines()))
    }
}

/// The line without values of secrets: a server that dies may print its environment.
fn hidden(line: Line, secrets: &Secrets) -> Line {
    let hide = |text: String| {
        // a short one is no secret, and hiding it would garble what has nothing to do with it
        let values = secrets.values().map(Secret::expose).filter(|value| value.len() >= 6);
        values.fold(
            text,
            |text, value| if text.contains(value) { text.replace(value, "(hidden)") } else { text },
        )
    };
    match line {
        Line::Out(text) => Line::Out(hide(text)),
        Line::Err(text) => Line::Err(hide(text)),
    }
}

/// A lost or refused connection, as a step's failure.
pub(super) fn from_remote(error: &RemoteError) -> Failure {
    if matches!(error, RemoteError::Stopped { .. }) {
        return Failure::interrupted();
    }
    let failure = Failure { kind: FailureKind::Connection, ..Failure::new(error.code(), error.to_string()) };
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// The last thing the script said to its error stream, with a few lines before it.
pub(super) fn script_failed(script: &Script, exit: Exit, lines: &[Line]) -> Failure {
    let words = |line: &Line| match line {
        Line::Err(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Line::Err(_) | Line::Out(_) => None,
    };
    let mut said: Vec<String> = lines.iter().rev().filter_map(words).take(12).collect();
    said.reverse();
    let message = said.pop().unwrap_or_else(|| format!("{} ended with exit code {}", script.name, exit.0));
    Failure::new("script-failed", message).lines(said)
}

/// A script that could not be written: a mistake of pi's own.
pub(super) fn not_written(error: &RenderError) -> Failure {
    Failure::new("no-script", error.to_string()).lines(source(error))
}

fn source(error: &dyn std::error::Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

//! One step: its scripts, run on its pod.

use crate::apply::blocked::blocked;
use crate::apply::build::build_failed;
use crate::apply::event::{Failure, FailureKind};
use crate::apply::excerpt::Excerpt;
use crate::apply::fall_back::{comes_up, fall_back, undo};
use crate::apply::fetch::fetch_failed;
use crate::apply::hold::Loss;
use crate::apply::locks::NOT_OURS;
use crate::apply::note::noting;
use crate::apply::patience::{Progress, patience, stuck};
use crate::apply::ready::Newcomer;
use crate::apply::schedule::Crew;
use crate::name::{PodName, SecretName};
use crate::plan::{Action, Before, OnPort, Step, scripts};
use crate::remote::{Exit, Job, Line, Remote, RemoteError};
use crate::script::Script;
use crate::secret::{Secret, Secrets};
use tokio_util::sync::CancellationToken;

/// Does one step. An interrupted one fails with the code `stopped`.
pub(super) async fn perform<R: Remote>(
    step: &Step,
    crew: &Crew<'_, R>,
    interrupt: &CancellationToken,
    say: &(dyn Fn(String) + Sync),
) -> Result<(), Failure> {
    let Some(pod) = crew.manifest.pods.get(&step.pod) else {
        return Err(Failure::new("no-pod", format!("{} is not in the manifest", step.pod)));
    };
    let scripts = scripts(&step.action, pod)
        .and_then(|scripts| noting((&step.action, &step.reason, pod), crew, scripts))
        .map_err(|error| Failure::new("no-script", error.to_string()).lines(source(&error)))?;
    // what only takes time stops at once; what changes servers is finished, it takes seconds
    let interrupt = if may_be_interrupted(&step.action) { interrupt } else { crew.hold.lost() };
    let errand = Errand { pod: &step.pod, crew, interrupt, say };
    match (&step.action, scripts.as_slice()) {
        (Action::AwaitReady { spec, stall, otherwise, port }, [wait, mark, fail, rest @ ..]) => {
            let (rest, ask) = match (port, rest) {
                (OnPort::Both, [rest @ .., ask]) => (rest, Some(ask)),
                (OnPort::Both | OnPort::Alone, rest) => (rest, None),
            };
            let newcomer = Newcomer { spec, stall: *stall, otherwise, ask };
            let Err(failure) = comes_up(&errand, newcomer, wait, mark).await else { return Ok(()) };
            Err(fall_back(&errand, failure, newcomer, (fail, rest)).await)
        }
        (Action::RestartServer { before: Before::AskAgain, .. }, [ask, start]) => {
            if errand.run(ask, None).await?.0 == ANSWERS {
                say("it answers after all, and is left alone".to_owned());
                return Ok(());
            }
            all(&errand, step, std::slice::from_ref(start)).await
        }
        (Action::RestartServer { before: Before::KeepFormer, .. }, [keep, start, again]) => {
            all(&errand, step, std::slice::from_ref(keep)).await?;
            let Err(failure) = all(&errand, step, std::slice::from_ref(start)).await else { return Ok(()) };
            Err(undo(&errand, failure, again).await)
        }
        (_, scripts) => all(&errand, step, scripts).await,
    }
}

/// What asking a silent server once more ends with if it answers.
const ANSWERS: Exit = Exit(6);

/// Runs scripts one after the other, to the first that fails.
async fn all<R: Remote>(errand: &Errand<'_, R>, step: &Step, scripts: &[Script]) -> Result<(), Failure> {
    for script in scripts {
        let input = match &step.action {
            Action::WriteSecrets(names) => Some(secrets_input(names, errand.crew.secrets)),
            Action::MountStorage(_)
            | Action::InstallPackages(_)
            | Action::InstallEngine(_)
            | Action::FetchWeights(_)
            | Action::StartServer(_)
            | Action::RestartServer { .. }
            | Action::AwaitReady { .. }
            | Action::AdoptServer(_)
            | Action::StopServer(_)
            | Action::RemoveServer(_)
            | Action::StartBeside { .. }
            | Action::TakeOver(_)
            | Action::RemoveBeside(_)
            | Action::RemoveEngine(_)
            | Action::RemoveWeights(_)
            | Action::RemoveRest => None,
        };
        let (exit, lines) = errand.run(script, input).await?;
        if exit != Exit(0) {
            let failure = script_failed(script, exit, &lines);
            return Err(in_words(&step.action, failure));
        }
    }
    Ok(())
}

/// What failed, in pi's words where the program's own are known.
fn in_words(action: &Action, failure: Failure) -> Failure {
    match action {
        Action::FetchWeights(fetch) => fetch_failed(fetch, failure),
        Action::InstallEngine(_) => build_failed(failure),
        Action::MountStorage(_)
        | Action::InstallPackages(_)
        | Action::WriteSecrets(_)
        | Action::StartServer(_)
        | Action::RestartServer { .. }
        | Action::StartBeside { .. }
        | Action::AwaitReady { .. }
        | Action::TakeOver(_)
        | Action::AdoptServer(_)
        | Action::StopServer(_)
        | Action::RemoveServer(_)
        | Action::RemoveBeside(_)
        | Action::RemoveEngine(_)
        | Action::RemoveWeights(_)
        | Action::RemoveRest => failure,
    }
}

fn may_be_interrupted(action: &Action) -> bool {
    matches!(action, Action::InstallEngine(_) | Action::FetchWeights(_) | Action::AwaitReady { .. })
}

/// What a step needs to talk to its pod.
pub(super) struct Errand<'a, R> {
    pub(super) pod: &'a PodName,
    pub(super) crew: &'a Crew<'a, R>,
    pub(super) interrupt: &'a CancellationToken,
    pub(super) say: &'a (dyn Fn(String) + Sync),
}

impl<R: Remote> Errand<'_, R> {
    /// Runs a script, passes its lines on, and keeps the last of them.
    pub(super) async fn run(
        &self,
        script: &Script,
        input: Option<Secret>,
    ) -> Result<(Exit, Vec<Line>), Failure> {
        self.run_telling(script, input, &|text| (self.say)(text.to_owned())).await
    }

    /// The same, where something else is made of the lines.
    pub(super) async fn run_telling(
        &self,
        script: &Script,
        input: Option<Secret>,
        tell: &(dyn Fn(&str) + Sync),
    ) -> Result<(Exit, Vec<Line>), Failure> {
        if self.crew.hold.is_lost() {
            return Err(Failure::lock_lost());
        }
        let (mut kept, progress) = (Excerpt::default(), Progress::new());
        let hear = |line: Line| {
            let line = hidden(line, self.crew.secrets);
            let (Line::Out(text) | Line::Err(text)) = &line;
            progress.heard(text);
            if !text.trim().is_empty() {
                tell(text);
            }
            kept.push(line);
        };
        let job = Job { script, input };
        let run = self.crew.remote.run(self.pod, job, self.interrupt, hear);
        let exit = match patience(script) {
            None => run.await,
            Some(patience) => {
                // asked while it still runs
                let stalled = async {
                    let last = progress.stalled(patience).await;
                    (last, blocked(self.crew.remote, self.pod, script).await)
                };
                tokio::select! {
                    ended = run => ended,
                    (last, blocked) = stalled => {
                        return Err(stuck(script, patience, (&last, blocked.as_deref())));
                    }
                }
            }
        };
        let exit = exit.map_err(|error| from_remote(&error))?;
        if exit == NOT_OURS {
            self.crew.hold.lose(self.pod, Loss::Taken);
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

/// `name=value` lines for the pod's secrets file; the values were checked to be one line each when they were read.
fn secrets_input(names: &[SecretName], secrets: &Secrets) -> Secret {
    let lines = names.iter().filter_map(|name| Some(format!("{name}={}\n", secrets.get(name)?.expose())));
    Secret::new(lines.collect())
}

fn source(error: &dyn std::error::Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

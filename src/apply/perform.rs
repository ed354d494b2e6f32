//! One step: its scripts, run on its pod.

use crate::apply::apply_context::ApplyContext;
use crate::apply::build::build_failed;
use crate::apply::event::Failure;
use crate::apply::fall_back::{comes_up, fall_back, undo};
use crate::apply::fetch::fetch_failed;
use crate::apply::step_runner::{StepRunner, not_written, script_failed};
use crate::journal::JournalAction;
use crate::name::SecretName;
use crate::plan::{Action, Input, Program, Step, program};
use crate::remote::{Exit, Remote};
use crate::script::ExitCode;
use crate::secret::{Secret, Secrets};
use tokio_util::sync::CancellationToken;

/// Does one step. An interrupted one fails with the code `stopped`.
pub(super) async fn perform<R: Remote>(
    step: &Step,
    context: &ApplyContext<'_, R>,
    interrupt: &CancellationToken,
    say: &(dyn Fn(String) + Sync),
) -> Result<(), Failure> {
    let Some(pod) = context.manifest.pods.get(&step.pod) else {
        return Err(Failure::new("no-pod", format!("{} is not in the manifest", step.pod)));
    };
    let program = program(&step.action, pod).map_err(|error| not_written(&error))?;
    // what changes servers is finished: that takes seconds, and as long as `drain` says where one is stopped
    let interrupt = if program.may_be_interrupted() { interrupt } else { context.hold.lost() };
    let deed = deed(step, context);
    let runner =
        StepRunner { pod: &step.pod, pi: pod.pi_path.as_str(), deed: &deed, context, interrupt, say };
    match &program {
        Program::Run(part, input) => {
            let input = match input {
                Input::Nothing => None,
                Input::Secrets(names) => Some(secrets_input(names, context.secrets)),
            };
            runner.finish(part, input).await.map_err(|failure| in_words(&step.action, failure))
        }
        Program::AskThenRestart { ask, start } => {
            if ExitCode::of(runner.run(ask, None).await?.0.0) == Some(ExitCode::Answers) {
                say("it answers after all, and is left alone".to_owned());
                return Ok(());
            }
            runner.finish(start, None).await
        }
        Program::Replace { start, again } => match runner.run(start, None).await? {
            (Exit(0), _) => Ok(()),
            (exit, lines) => {
                let failure = script_failed(&start.script, exit, &lines);
                let stopped = ExitCode::of(exit.0) == Some(ExitCode::NotBegun);
                Err(if stopped { undo(&runner, failure, again).await } else { failure })
            }
        },
        Program::Await { server, failed, fallback } => {
            let Err(failure) = comes_up(&runner, server).await else { return Ok(()) };
            Err(fall_back(&runner, failure, failed, fallback).await)
        }
    }
}

/// What the step is in the pod's journal.
fn deed<R>(step: &Step, context: &ApplyContext<'_, R>) -> JournalAction {
    JournalAction {
        pi: env!("CARGO_PKG_VERSION").to_owned(),
        who: context.who.to_owned(),
        project: context.manifest.project.clone(),
        project_id: context.manifest.identity.id().cloned(),
        action: step.action.name().to_owned(),
        target: step.action.target(),
        reason: step.reason.to_string(),
    }
}

/// What failed, in pi's words where the program's own are known.
fn in_words(action: &Action, failure: Failure) -> Failure {
    if let Action::FetchWeights(fetch) = action {
        fetch_failed(fetch, failure)
    } else if let Action::InstallEngine(_) = action {
        build_failed(failure)
    } else {
        failure
    }
}

/// `name=value` lines for the pod's secrets file; the values were checked to be one line each when they were read.
fn secrets_input(names: &[SecretName], secrets: &Secrets) -> Secret {
    let lines = names.iter().filter_map(|name| Some(format!("{name}={}\n", secrets.get(name)?.expose())));
    Secret::new(lines.collect())
}

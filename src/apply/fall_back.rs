//! What is done when a server did not come up: that is noted on the pod, and the one that answered last is started
//! again, or, where it still runs, left alone. Only an answer of the pod's counts as that: a lost connection and an
//! interruption say nothing.

use crate::apply::asker::NO_ANSWER;
use crate::apply::event::{Failure, FailureKind, RUNS_ON};
use crate::apply::ready::await_ready;
use crate::apply::step_runner::{StepRunner, script_failed};
use crate::plan::{Awaited, Fallback, Part};
use crate::remote::{Exit, Line, Remote};
use crate::secret::Secret;

/// Waits until a server answers. One that breaks off in the middle is asked a second time: the connection to the pod
/// may have been lost, which says nothing about the server.
pub(super) async fn comes_up<R: Remote>(runner: &StepRunner<'_, R>, server: &Awaited) -> Result<(), Failure> {
    match await_ready(runner, server).await {
        Err(failure) if failure.code == NO_ANSWER => await_ready(runner, server).await,
        outcome => outcome,
    }
}

/// Makes the best of a failed start; the failure says what stands.
pub(super) async fn fall_back<R: Remote>(
    runner: &StepRunner<'_, R>,
    failure: Failure,
    note: &Part,
    fallback: &Fallback,
) -> Failure {
    if failure.kind != FailureKind::Step {
        return failure;
    }
    let reason = failure.message.replace(['\n', '\r'], " ");
    // that it can't be noted is no reason to say anything else than why it failed
    drop(runner.run(note, Some(Secret::new(format!("{reason}\n")))).await);
    match fallback {
        Fallback::Nothing => failure,
        Fallback::StartPrevious { start, then } => start_previous(runner, failure, start, then).await,
        Fallback::StopRun(stop) => stop_run(runner, failure, stop).await,
    }
}

async fn start_previous<R: Remote>(
    runner: &StepRunner<'_, R>,
    failure: Failure,
    start: &Part,
    then: &Awaited,
) -> Failure {
    (runner.say)("starting the previous one again".to_owned());
    if let Err(why) = runner.uninterrupted().finish(start, None).await {
        return worse(failure, &why);
    }
    match await_ready(runner, then).await {
        Ok(()) => told(failure, "The previous one runs again"),
        Err(why) => worse(failure, &why),
    }
}

/// Stops what was started beside a server that runs on.
async fn stop_run<R: Remote>(runner: &StepRunner<'_, R>, failure: Failure, stop: &Part) -> Failure {
    let runs_on = |line: &Line| match line {
        Line::Out(text) => {
            text.split_once('\t').filter(|(tag, _)| *tag == RUNS_ON).map(|(_, name)| name.to_owned())
        }
        Line::Err(_) => None,
    };
    let stands = match runner.uninterrupted().run(stop, None).await {
        Ok((Exit(0), lines)) => match lines.iter().find_map(runs_on) {
            Some(name) => format!("`{name}` still runs as it was"),
            None => "The one beside which it was started does not run any more either".to_owned(),
        },
        Ok((exit, lines)) => {
            format!("It could not be stopped: {}", script_failed(&stop.script, exit, &lines).message)
        }
        Err(why) => format!("It could not be stopped: {}", why.message),
    };
    told(failure, &stands)
}

/// Makes the best of a restart that stopped the former one and did not begin the new one.
pub(super) async fn undo<R: Remote>(runner: &StepRunner<'_, R>, failure: Failure, start: &Part) -> Failure {
    match runner.uninterrupted().finish(start, None).await {
        Ok(()) => told(failure, "The previous one was started again"),
        Err(why) => worse(failure, &why),
    }
}

fn worse(failure: Failure, why: &Failure) -> Failure {
    let stands = match why.kind {
        FailureKind::Step => "The previous one does not run either",
        FailureKind::Connection | FailureKind::Interrupt => "Whether the previous one runs is not known",
    };
    told(failure, &format!("{stands}: {}", why.message))
}

/// A failure, and what stands all the same, a sentence each.
fn told(failure: Failure, stands: &str) -> Failure {
    let message = format!("{}. {stands}", failure.message.trim_end_matches('.'));
    Failure { message, ..failure }
}

//! What is done when a server did not come up: that is noted on the pod, and the one that answered last is started
//! again. Only an answer of the pod's counts as that: a lost connection and an interruption say nothing.

use crate::apply::asker::NO_ANSWER;
use crate::apply::event::{Failure, FailureKind};
use crate::apply::perform::{Errand, script_failed};
use crate::apply::ready::await_ready;
use crate::remote::{Exit, Remote};
use crate::script::Script;
use crate::secret::Secret;
use crate::spec::ServerSpec;
use crate::units::Seconds;
use tokio_util::sync::CancellationToken;

/// The server that is started again, how long it may make no progress, and its scripts: start, wait, mark.
pub(super) struct Former<'a> {
    pub(super) spec: &'a ServerSpec,
    pub(super) stall: Seconds,
    pub(super) scripts: &'a [Script],
}

/// Waits until a server answers. One that breaks off in the middle is asked a second time: the connection to the pod
/// may have been lost, which says nothing about the server.
pub(super) async fn comes_up<R: Remote>(
    errand: &Errand<'_, R>,
    what: (&ServerSpec, Seconds),
    wait: &Script,
    mark: &Script,
) -> Result<(), Failure> {
    match await_ready(errand, what, wait, mark).await {
        Err(failure) if failure.code == NO_ANSWER => await_ready(errand, what, wait, mark).await,
        outcome => outcome,
    }
}

/// Makes the best of a failed start; the failure says what stands.
pub(super) async fn fall_back<R: Remote>(
    errand: &Errand<'_, R>,
    failure: Failure,
    fail: &Script,
    former: Option<Former<'_>>,
) -> Failure {
    if failure.kind != FailureKind::Step {
        return failure;
    }
    let reason = failure.message.replace(['\n', '\r'], " ");
    // that it can't be noted is no reason to say anything else than why it failed
    drop(errand.run(fail, Some(Secret::new(format!("{reason}\n")))).await);
    let Some(Former { spec, stall, scripts: [start, wait, mark] }) = former else { return failure };
    (errand.say)("starting the former one again".to_owned());
    if let Err(why) = start_again(errand, start).await {
        return worse(failure, &why);
    }
    match await_ready(errand, (spec, stall), wait, mark).await {
        Ok(()) => runs_again(failure),
        Err(why) => worse(failure, &why),
    }
}

/// Makes the best of a restart that stopped the former one and did not begin the new one.
pub(super) async fn undo<R: Remote>(errand: &Errand<'_, R>, failure: Failure, start: &Script) -> Failure {
    if failure.kind != FailureKind::Step {
        return failure;
    }
    match start_again(errand, start).await {
        Ok(()) => {
            Failure { message: format!("{}. The former one was started again", failure.message), ..failure }
        }
        Err(why) => worse(failure, &why),
    }
}

/// Starts it; that takes seconds, and is finished also when pi is interrupted.
async fn start_again<R: Remote>(errand: &Errand<'_, R>, start: &Script) -> Result<(), Failure> {
    let never = CancellationToken::new();
    let errand = Errand { interrupt: &never, ..*errand };
    match errand.run(start, None).await? {
        (Exit(0), _) => Ok(()),
        (exit, lines) => Err(script_failed(start, exit, &lines)),
    }
}

fn runs_again(failure: Failure) -> Failure {
    let message = format!("{}. The former one runs again", failure.message);
    Failure { message, ..failure }
}

fn worse(failure: Failure, why: &Failure) -> Failure {
    let message = format!("{}. The former one does not run either: {}", failure.message, why.message);
    Failure { message, ..failure }
}

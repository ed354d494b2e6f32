//! What is done when a server did not come up: that is noted on the pod, and the one that answered last is started
//! again, or, where it still runs, left alone. Only an answer of the pod's counts as that: a lost connection and an
//! interruption say nothing.

use crate::apply::asker::NO_ANSWER;
use crate::apply::event::{Failure, FailureKind};
use crate::apply::perform::{Errand, script_failed};
use crate::apply::ready::{Newcomer, await_ready};
use crate::plan::Otherwise;
use crate::remote::{Exit, Line, Remote};
use crate::script::Script;
use crate::secret::Secret;
use crate::spec::ServerSpec;

/// Waits until a server answers. One that breaks off in the middle is asked a second time: the connection to the pod
/// may have been lost, which says nothing about the server.
pub(super) async fn comes_up<R: Remote>(
    errand: &Errand<'_, R>,
    what: Newcomer<'_>,
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
    newcomer: Newcomer<'_>,
    (fail, rest): (&Script, &[Script]),
) -> Failure {
    if failure.kind != FailureKind::Step {
        return failure;
    }
    let reason = failure.message.replace(['\n', '\r'], " ");
    // that it can't be noted is no reason to say anything else than why it failed
    drop(errand.run(fail, Some(Secret::new(format!("{reason}\n")))).await);
    match (newcomer.otherwise, rest) {
        (Otherwise::StartFormer(former), [start, wait, mark]) => {
            let otherwise = &Otherwise::Nothing;
            let former = Newcomer { spec: former, stall: newcomer.stall, otherwise, ask: None };
            start_former(errand, failure, former, (start, wait, mark)).await
        }
        (Otherwise::RemoveBeside, [remove]) => remove_beside(errand, failure, newcomer.spec, remove).await,
        (Otherwise::Nothing | Otherwise::StartFormer(_) | Otherwise::RemoveBeside, _) => failure,
    }
}

async fn start_former<R: Remote>(
    errand: &Errand<'_, R>,
    failure: Failure,
    former: Newcomer<'_>,
    (start, wait, mark): (&Script, &Script, &Script),
) -> Failure {
    (errand.say)("starting the former one again".to_owned());
    if let Err(why) = finish(errand, start).await {
        return worse(failure, &why);
    }
    match await_ready(errand, former, wait, mark).await {
        Ok(()) => runs_again(failure),
        Err(why) => worse(failure, &why),
    }
}

/// Clears away what was started beside a server that runs on.
async fn remove_beside<R: Remote>(
    errand: &Errand<'_, R>,
    failure: Failure,
    spec: &ServerSpec,
    remove: &Script,
) -> Failure {
    let stands = match finish(errand, remove).await {
        Ok(lines) if lines.contains(&Line::Out(RUNS_ON.to_owned())) => {
            format!("`{}` still runs as it was", spec.name)
        }
        Ok(_) => "The one beside which it was started does not run any more either".to_owned(),
        Err(why) => format!("It could not be removed: {}", why.message),
    };
    Failure { message: format!("{}. {stands}", failure.message), ..failure }
}

/// What `remove_beside.sh` says of the server itself.
const RUNS_ON: &str = "the server itself runs on";

/// Makes the best of a restart that stopped the former one and did not begin the new one.
pub(super) async fn undo<R: Remote>(errand: &Errand<'_, R>, failure: Failure, start: &Script) -> Failure {
    if failure.kind != FailureKind::Step {
        return failure;
    }
    match finish(errand, start).await {
        Ok(_) => {
            Failure { message: format!("{}. The former one was started again", failure.message), ..failure }
        }
        Err(why) => worse(failure, &why),
    }
}

/// Runs a script that takes seconds, and is finished also when pi is interrupted; what it says.
async fn finish<R: Remote>(errand: &Errand<'_, R>, script: &Script) -> Result<Vec<Line>, Failure> {
    let errand = Errand { interrupt: errand.crew.hold.lost(), ..*errand };
    match errand.run(script, None).await? {
        (Exit(0), lines) => Ok(lines),
        (exit, lines) => Err(script_failed(script, exit, &lines)),
    }
}

fn runs_again(failure: Failure) -> Failure {
    let message = format!("{}. The former one runs again", failure.message);
    Failure { message, ..failure }
}

fn worse(failure: Failure, why: &Failure) -> Failure {
    let stands = match why.kind {
        FailureKind::Step => "The former one does not run either",
        FailureKind::Connection | FailureKind::Interrupt => "Whether the former one runs is not known",
    };
    let message = format!("{}. {stands}: {}", failure.message, why.message);
    Failure { message, ..failure }
}

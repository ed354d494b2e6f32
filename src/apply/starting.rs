//! What becomes of a server that is still starting when pi is interrupted.

use crate::apply::event::{Failure, WARNING};
use crate::apply::note::noting;
use crate::apply::perform::{Errand, script_failed};
use crate::apply::ready::Newcomer;
use crate::plan::{Action, Otherwise, scripts};
use crate::remote::{Exit, Remote};
use tokio::sync::watch::Receiver;

/// What shall become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starting {
    /// It goes on; nobody waits for it.
    Leave,
    /// It is stopped.
    Stop,
}

/// Asks whoever interrupted; the answer comes when it comes.
pub type Asking<'a> = dyn Fn() -> Receiver<Option<Starting>> + Sync + 'a;

/// Does with a server that was starting what is wished, and tells what stands.
pub(super) async fn interrupted<R: Remote>(errand: &Errand<'_, R>, newcomer: Newcomer<'_>) {
    let spec = newcomer.spec;
    let stands = match wish(errand).await {
        Starting::Leave if *newcomer.otherwise == Otherwise::RemoveBeside => {
            let name = &spec.name;
            format!(
                "it was left to start beside the running one: `pi logs {name}` follows it, and `pi apply` puts it in place"
            )
        }
        Starting::Leave => format!("it was left to start: `pi logs {}` follows it", spec.name),
        Starting::Stop => match stop(errand, newcomer, "pi was interrupted while it started").await {
            Ok(()) if *newcomer.otherwise == Otherwise::RemoveBeside => {
                "the new one was stopped before it had started; the running one was left alone".to_owned()
            }
            Ok(()) => "it was stopped before it had started".to_owned(),
            Err(why) => format!("it could not be stopped, and may go on: {}", why.message),
        },
    };
    (errand.say)(format!("{WARNING}\t{stands}"));
}

/// What shall become of it. Without its lock pi asks nobody, and changes nothing any more.
async fn wish<R: Remote>(errand: &Errand<'_, R>) -> Starting {
    let hold = errand.crew.hold;
    if hold.is_lost() {
        return Starting::Leave;
    }
    let mut answer = (errand.crew.starting)();
    tokio::select! {
        answer = answer.wait_for(Option::is_some) => answer.ok().and_then(|wish| *wish).unwrap_or(Starting::Stop),
        () = hold.lost().cancelled() => Starting::Leave,
    }
}

/// Stops a server that must not go on; that takes seconds, and is finished also when pi is interrupted.
pub(super) async fn stop<R: Remote>(
    errand: &Errand<'_, R>,
    Newcomer { spec, stall: _, otherwise, ask: _ }: Newcomer<'_>,
    reason: &str,
) -> Result<(), Failure> {
    let action = match otherwise {
        Otherwise::RemoveBeside => Action::RemoveBeside(spec.name.clone()),
        Otherwise::Nothing | Otherwise::StartFormer(_) => Action::StopServer(spec.name.clone()),
    };
    let Some(pod) = errand.crew.manifest.pods.get(errand.pod) else { return Ok(()) };
    let scripts = scripts(&action, pod)
        .and_then(|scripts| noting((&action, reason, pod), errand.crew, scripts))
        .map_err(|error| Failure::new("no-script", error.to_string()))?;
    let errand = Errand { interrupt: errand.crew.hold.lost(), ..*errand };
    for script in &scripts {
        let (exit, lines) = errand.run(script, None).await?;
        if exit != Exit(0) {
            return Err(script_failed(script, exit, &lines));
        }
    }
    Ok(())
}

//! What becomes of a server that is still starting when pi is interrupted.

use crate::apply::apply_context::Starting;
use crate::apply::event::WARNING;
use crate::apply::step_runner::StepRunner;
use crate::plan::{Awaited, Standing};
use crate::remote::Remote;

/// Does with a server that was starting what is wished, and tells what stands.
pub(super) async fn interrupted<R: Remote>(runner: &StepRunner<'_, R>, server: &Awaited) {
    let name = &server.spec.name;
    let stands = match (wish(runner).await, server.standing) {
        (Starting::Leave, Standing::Beside) => format!(
            "it was left to start beside the running one: `pi logs {name}` follows it, and `pi apply` puts it in place"
        ),
        (Starting::Leave, Standing::Alone | Standing::Recreated) => {
            format!("it was left to start: `pi logs {name}` follows it")
        }
        (Starting::Stop, standing) => {
            let stop = server.stop.because("pi was interrupted while it started");
            match (runner.uninterrupted().finish(&stop, None).await, standing) {
                (Ok(()), Standing::Beside) => {
                    "the new one was stopped before it had started; the running one was left alone".to_owned()
                }
                (Ok(()), Standing::Recreated) => {
                    "the new one was stopped before it had started, and the previous one was started again"
                        .to_owned()
                }
                (Ok(()), Standing::Alone) => {
                    format!(
                        "it was stopped before it had started: `{name}` is down until the next `pi apply`"
                    )
                }
                (Err(why), _) => format!("it could not be stopped, and may go on: {}", why.message),
            }
        }
    };
    (runner.say)(format!("{WARNING}\t{stands}"));
}

/// What shall become of it. Without its lock pi asks nobody, and changes nothing any more.
async fn wish<R: Remote>(runner: &StepRunner<'_, R>) -> Starting {
    let hold = runner.context.hold;
    if hold.is_lost() {
        return Starting::Leave;
    }
    let mut answer = (runner.context.starting)();
    tokio::select! {
        answer = answer.wait_for(Option::is_some) => answer.ok().and_then(|wish| *wish).unwrap_or(Starting::Stop),
        () = hold.lost().cancelled() => Starting::Leave,
    }
}

//! Ctrl-C: the first one lets what runs come to an end, the second one leaves at once.

use crate::cli::exit::Exit;
use crate::ui;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C, TERM and HUP cancel. A second signal ends the process with 130.
pub(super) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let signals =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
        let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else { return };
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        };
        next().await;
        cancelled.cancel();
        ui::note("Interrupted: nothing new begins, what runs comes to an end. Ctrl-C again leaves at once.");
        next().await;
        ui::note("Left at once: what ran may still run on its pod. `pi plan` shows it.");
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    token
}

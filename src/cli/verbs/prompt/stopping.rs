//! Ctrl-C while a model answers: the first one stops the answer, the second one leaves at once.

use crate::cli::terminal::exit::Exit;
use crate::ui;
use std::pin::pin;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Does work that ends soon after its token is cancelled, and cancels it at Ctrl-C, and when nobody reads any more.
pub(super) async fn stoppable<T>(work: impl AsyncFnOnce(&CancellationToken) -> T) -> T {
    let stop = CancellationToken::new();
    let mut work = pin!(work(&stop));
    // without signals the process just ends, as ever
    let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return work.await };
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = ui::nobody(), if !stop.is_cancelled() => stop.cancel(),
            _ = interrupt.recv() => {
                if stop.is_cancelled() {
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
                stop.cancel();
            }
        }
    }
}

//! Ctrl-C: the first one lets what runs come to an end, the second one leaves at once.

use crate::cli::exit::Exit;
use crate::ui;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that Ctrl-C, TERM and HUP cancel, without a word: for what is meant to be ended so.
pub(super) fn quiet() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    // at once, not when the task gets its turn: what is said next may be the other side's word to end
    if let Some(mut signals) = Signals::new() {
        tokio::spawn(async move {
            signals.next().await;
            ui::after_interrupt();
            cancelled.cancel();
        });
    }
    token
}

/// Signals that mean: end.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Hears them from now on, instead of what they do by themselves.
    pub(super) fn new() -> Option<Self> {
        let of = |kind| signal(kind).ok();
        let (terminate, hangup) = (of(SignalKind::terminate())?, of(SignalKind::hangup())?);
        Some(Self { interrupt: of(SignalKind::interrupt())?, terminate, hangup })
    }

    /// The next one's name, as `kill -s` takes it.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "INT",
            _ = self.terminate.recv() => "TERM",
            _ = self.hangup.recv() => "HUP",
        }
    }
}

/// A token that Ctrl-C, TERM and HUP cancel. A second signal ends the process with 130.
pub(super) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let Some(mut signals) = Signals::new() else { return };
        signals.next().await;
        cancelled.cancel();
        ui::note("Interrupted: nothing new begins, what runs comes to an end. Ctrl-C again leaves at once.");
        signals.next().await;
        ui::note("Left at once: what ran may still run on its pod. `pi plan` shows it.");
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    token
}

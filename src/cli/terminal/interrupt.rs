//! Ctrl-C: the first one lets what runs come to an end, the second one leaves at once.

use crate::bounded::{self, PROC};
use crate::cli::terminal::exit::Exit;
use crate::ui;
use std::path::Path;
use std::sync::LazyLock;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// As [`quiet`], and that nobody reads any more: for what is only worth its output.
pub(in crate::cli) fn while_read() -> CancellationToken {
    let token = quiet();
    let cancelled = token.clone();
    tokio::spawn(async move {
        ui::nobody().await;
        cancelled.cancel();
    });
    token
}

/// A token that Ctrl-C, TERM and HUP cancel, without a word: for what is meant to be ended so.
pub(in crate::cli) fn quiet() -> CancellationToken {
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
pub(in crate::cli) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// None under `nohup`, which means that the terminal's end is not to be heeded.
    hangup: Option<Signal>,
}

/// Whether SIGHUP was ignored when `pi` began, as `nohup` has it.
static NOHUP: LazyLock<bool> = LazyLock::new(|| {
    let status = bounded::text(Path::new("/proc/self/status"), PROC).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
});

impl Signals {
    /// Hears them from now on, instead of what they do by themselves.
    pub(in crate::cli) fn new() -> Option<Self> {
        let of = |kind| signal(kind).ok();
        let hangup = if *NOHUP { None } else { Some(of(SignalKind::hangup())?) };
        Some(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup,
        })
    }

    /// The next one's name, as `kill -s` takes it.
    pub(in crate::cli) async fn next(&mut self) -> &'static str {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => "INT",
            _ = self.terminate.recv() => "TERM",
            _ = hangup => "HUP",
        }
    }
}

/// A token that Ctrl-C, TERM and HUP cancel, and that nobody reads any more. A second Ctrl-C or TERM ends the process
/// with 130.
pub(in crate::cli) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let Some(mut signals) = Signals::new() else { return token };
    tokio::spawn(async move {
        let why = tokio::select! {
            _ = signals.next() => "Interrupted",
            () = ui::nobody() => "Nobody reads this any more",
        };
        cancelled.cancel();
        ui::note(&format!(
            "{why}: nothing new begins, what runs comes to an end. Ctrl-C again leaves at once."
        ));
        // a terminal that closes sends HUP once by itself and once by its shell: neither is haste
        while signals.next().await == "HUP" {}
        ui::note("Left at once: what ran may still run on its pod. `pi plan` shows it.");
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    token
}

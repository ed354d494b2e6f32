//! How doors are opened: what the command line may say about connections.

use crate::name::EnvName;
use std::path::PathBuf;
use std::time::Duration;

/// Whether connections are kept for the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persist {
    /// For ten minutes after their last use.
    Yes,
    /// They end with `pi`, however `pi` ends.
    No,
}

/// How long a pod works on without a sign of life from `pi`, which gives one three times in that time.
pub const LEASE: Duration = Duration::from_secs(30);

/// How long the runner takes at most to end a script.
pub const SWEEP: Duration = Duration::from_secs(6);

/// How long what holds a lock does: what is done under the lock is over before it is given back.
#[must_use]
pub const fn outlasting(lease: Duration) -> Duration {
    match lease.checked_div(3) {
        Some(third) => third.saturating_mul(5),
        None => lease,
    }
}

/// How doors are opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether connections are kept.
    pub persist: Persist,
    /// Where their sockets are; `$XDG_RUNTIME_DIR/pi` or `/tmp/pi-UID` if absent.
    pub sockets: Option<PathBuf>,
    /// How long a pod works on without a sign of life from `pi`.
    pub lease: Duration,
    /// Variables that hold secrets here: neither what runs on a `local` pod nor ssh, which stays, inherits them.
    pub hidden: Vec<EnvName>,
}

impl Default for Options {
    fn default() -> Self {
        Self { persist: Persist::Yes, sockets: None, lease: LEASE, hidden: Vec::new() }
    }
}

//! The only door: everything `pi` does on a pod goes through here.
//!
//! In: a pod's name and a [`Job`]: a script and what it reads. Out: its lines as they come and its exact exit
//! code, or a [`RemoteError`] that says why there is none. Nothing started here outlives `pi`, except what the
//! script itself put into a session of its own (`setsid`).
//!
//! [`PodConnections`] opens `local` pods with this machine's bash and all others with the user's own OpenSSH, over one
//! connection a pod that is kept for the next run.

mod options;
mod bounded;
mod error;
mod lines;
mod runner_command;
mod diagnose;
mod runner_session;
mod local;
mod sockets;
mod ssh_config;
mod master;
mod by_hand;
mod ssh;
mod pod_connections;

pub use bounded::bounded;
pub use by_hand::HandsOn;
pub use error::RemoteError;
pub use options::{LEASE, Options, Persist, SWEEP, outlasting};
pub use pod_connections::PodConnections;

use crate::name::{PodName, Port};
use crate::script::Script;
use crate::secret::Secret;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Something to run on a pod.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// What to run. It may be seen in the pod's process list.
    pub script: &'a Script,
    /// The script's standard input; `/dev/null` if absent. It is in no process list and in no file.
    pub input: Option<Secret>,
}

/// What a script printed: one line without its end, without control characters other than tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// To standard output.
    Out(String),
    /// To standard error.
    Err(String),
}

/// A script's exact exit code; 128 + the signal's number if one killed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub i32);

/// Pods, reached.
pub trait Remote: Send + Sync + 'static {
    /// Runs a script and hears its lines while it runs.
    ///
    /// When `stop` is cancelled, or the future dropped, the script and all it started get TERM and, about 3 s
    /// later, KILL; what left their process group stays. Where the script keeps watch itself, they get KILL at once
    /// when it next waits for a second. `Err` never comes with an exit code; whether the script may have done something
    /// all the same, [`RemoteError::began`] tells.
    fn run(
        &self,
        pod: &PodName,
        job: Job<'_>,
        stop: &CancellationToken,
        hear: impl FnMut(Line) + Send,
    ) -> impl Future<Output = Result<Exit, RemoteError>> + Send;

    /// A local way to a TCP port on the pod's loopback, open as long as the [`Reach`] lives.
    fn reach(&self, pod: &PodName, port: Port) -> impl Future<Output = Result<Reach, RemoteError>> + Send;
}

/// A local way to a port of a pod.
#[derive(Debug)]
pub struct Reach {
    way: Way,
}

/// Where the local end of a [`Reach`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A Unix socket: `reqwest::ClientBuilder::unix_socket`.
    Socket(PathBuf),
    /// An address of this machine.
    Address(SocketAddr),
}

impl Reach {
    fn new(way: Way) -> Self {
        Self { way }
    }

    /// Where its local end is.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// The Unix socket, if it is one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        match &self.way {
            Way::Socket(path) => Some(path),
            Way::Address(_) => None,
        }
    }
}

impl Drop for Reach {
    fn drop(&mut self) {
        if let Way::Socket(path) = &self.way {
            // ssh leaves it behind; nobody reaches the pod's port without it
            drop(std::fs::remove_file(path));
        }
    }
}

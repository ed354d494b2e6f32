//! A tunnel that a command leaves behind: a process of its own, which ends with the session that asked for it.
//!
//! That session's leader is the shell of a terminal window, or what a CI runner started: when it is gone, nobody is
//! left who knows of the tunnel. In a container the leader may be out of sight; then it stays until it is closed.

use crate::bounded::TOKEN;
use crate::cli::context::flags::Global;
use crate::cli::terminal::exit::Exit;
use crate::cli::terminal::interrupt::quiet;
use crate::manifest::Manifest;
use crate::name::{EnvName, ModelName, PodName};
use crate::secret::{BY_CUSTOM, SecretSource};
use crate::ui;
use miette::{IntoDiagnostic, Result, WrapErr};
use nix::unistd::{Pid, getsid, setsid};
use serde::Deserialize;
use std::convert::Infallible;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is seen whether the session is still there.
const LOOK: Duration = Duration::from_secs(1);
/// How long the last words of one that failed may take: processes of ssh may keep the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Whose end is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The session with this leader.
    Session(Pid),
    /// Nobody that can be seen.
    Nobody,
}

/// What came of opening one.
#[derive(Debug)]
pub(in crate::cli) enum Opened {
    /// It is open.
    At {
        /// On this port of this machine.
        port: u16,
        /// Held by this process.
        pid: u32,
        /// How it ends: `until …`.
        until: String,
    },
    /// It is not, and what it said of that was passed on.
    Not(Exit),
}

/// What the tunnel's own process says of it.
#[derive(Debug, Deserialize)]
struct Told {
    port: u16,
    pid: u32,
}

/// Opens a tunnel that outlives this command, and waits until it is open.
pub(in crate::cli) async fn open_behind(
    global: &Global,
    pod: &PodName,
    name: &ModelName,
    manifest: &Manifest,
    port: Option<u16>,
) -> Result<Opened> {
    let keeper = Keeper::of_this_session();
    let mut command = Command::new(std::env::current_exe().into_diagnostic()?);
    command.args([
        "tunnel",
        name.as_str(),
        "--pod",
        pod.as_str(),
        "--json",
        "--kept-by",
        &keeper.to_string(),
    ]);
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
    if let Some(path) = &global.manifest {
        command.arg("--manifest").arg(path);
    }
    if global.no_persist {
        command.arg("--no-persist");
    }
    without_secrets(&mut command, manifest);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().into_diagnostic().wrap_err("cannot start the tunnel")?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout.take(TOKEN.bytes)).read_line(&mut line).await.into_diagnostic()?;
    }
    let told: Told = match serde_json::from_str(&line) {
        Ok(told) => told,
        Err(_) => return failed(child).await,
    };
    let until = match keeper {
        Keeper::Session(_) => format!("until this shell ends, or `pi tunnel {name} --close`"),
        Keeper::Nobody => format!("until `pi tunnel {name} --close`"),
    };
    let Told { port, pid } = told;
    Ok(Opened::At { port, pid, until })
}

/// It stays, and needs none of them.
fn without_secrets(command: &mut Command, manifest: &Manifest) {
    let own = manifest.secrets.values().filter_map(SecretSource::variable).map(EnvName::as_str);
    for variable in BY_CUSTOM.into_iter().chain(own) {
        command.env_remove(variable);
    }
}

/// Passes on why it is not open.
async fn failed(mut child: Child) -> Result<Opened> {
    let mut said = Vec::new();
    let status = child.wait().await.into_diagnostic()?;
    if let Some(stderr) = &mut child.stderr {
        // what came until then is kept
        drop(timeout(LAST_WORDS, stderr.take(TOKEN.bytes).read_to_end(&mut said)).await);
    }
    ui::note(String::from_utf8_lossy(&said).trim_end());
    let code = status.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
    Ok(Opened::Not(code.map_or(Exit::Failed, Exit::Of)))
}

/// Leaves the session, whose terminal would else send it Ctrl-C and its end.
pub(super) fn leave_the_terminal() {
    // it fails for who leads a group already: a shell's job, which has the terminal for good reason
    setsid().ok();
}

impl Keeper {
    fn of_this_session() -> Self {
        match getsid(None) {
            Ok(leader) if leader.as_raw() > 0 => Self::Session(leader),
            Ok(_) | Err(_) => Self::Nobody,
        }
    }

    /// Cancelled when the session has ended, or when it is asked to end.
    pub(super) fn end(self) -> CancellationToken {
        let asked = quiet();
        if let Self::Session(leader) = self {
            let ended = asked.clone();
            tokio::spawn(async move {
                // its number may be given to another process, but hardly to another leader
                while getsid(Some(leader)) == Ok(leader) {
                    sleep(LOOK).await;
                }
                ended.cancel();
            });
        }
        asked
    }
}

impl std::fmt::Display for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Session(leader) => leader.fmt(f),
            Self::Nobody => f.write_str("0"),
        }
    }
}

impl FromStr for Keeper {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let leader = text.parse().ok().filter(|leader| *leader > 0);
        Ok(leader.map_or(Self::Nobody, |leader| Self::Session(Pid::from_raw(leader))))
    }
}

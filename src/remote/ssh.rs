//! Pods behind ssh.
//!
//! In: an [`RunnerCommand`]. Out: the conversation with it over the pod's one connection, which is found, made or
//! replaced here. A connection that fails before the pod has accepted the command is replaced once: nothing has
//! run yet. After that it is never tried again, since the script may have begun.

use super::by_hand::{self, HandsOn};
use super::diagnose::Ended;
use super::master::{Age, Live, Master};
use super::options::Persist;
use super::runner_command::RunnerCommand;
use super::runner_session::{Wire, converse};
use super::{Exit, Line, Reach, RemoteError, Way};
use crate::name::Port;
use openssh::{Child, Error, ForwardType, Session, Socket, Stdio};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// sshd takes 10 sessions a connection and frees them late.
const SESSIONS: usize = 8;
/// How long a pod may take to accept a command: one round trip. A kept connection whose line died in the
/// meantime does not know it yet; a fresh one has ssh's own watch over it.
const KEPT: Duration = Duration::from_secs(4);
const FRESH: Duration = Duration::from_secs(20);
/// How often a pod that has no session to spare is asked again, with growing pauses: about 15 s.
const REFUSALS: u32 = 35;

/// One count for all pods, which share the directory of the sockets.
static FORWARDS: AtomicU32 = AtomicU32::new(0);

/// One pod.
#[derive(Debug)]
pub(super) struct SshDoor {
    master: Master,
    live: Mutex<Option<Live>>,
    slots: Semaphore,
    forwards: Mutex<Vec<(Arc<Session>, PathBuf, Port)>>,
}

impl SshDoor {
    pub(super) fn new(master: Master) -> Self {
        Self { master, live: Mutex::default(), slots: Semaphore::new(SESSIONS), forwards: Mutex::default() }
    }

    pub(super) fn at(&self) -> &str {
        &self.master.at
    }

    pub(super) fn by_hand(&self, errand: HandsOn<'_>) -> Result<Command, RemoteError> {
        by_hand::there(errand, &self.master).ok_or_else(|| self.other("the command has a NUL in it"))
    }

    pub(super) async fn host(&self) -> String {
        self.master.host().await
    }

    pub(super) async fn run(
        &self,
        order: &RunnerCommand<'_>,
        stop: &CancellationToken,
        hear: impl FnMut(Line) + Send,
    ) -> Result<Exit, RemoteError> {
        let at = self.at();
        let start = async {
            let slot = self.slots.acquire().await;
            let command = order.command_line();
            (slot, self.on_live(|session| spawn(session, command.clone())).await)
        };
        let (_slot, child) = tokio::select! {
            started = start => started,
            () = stop.cancelled() => return Err(RemoteError::Stopped { at: at.to_owned() }),
        };
        let mut child = child?;
        let pipes = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(self.other("ssh gave no pipes"));
        };
        let wire = Wire {
            stdin: Box::pin(stdin),
            stdout: Box::pin(stdout),
            stderr: Box::pin(stderr),
            ended: Box::pin(async {
                match child.wait().await {
                    Ok(status) => status.code().map_or(Ended::Somehow, Ended::With),
                    Err(Error::Remote(_)) => Ended::With(127), // how openssh tells that code
                    Err(_) => Ended::Somehow,
                }
            }),
        };
        converse(wire, order, at, stop, hear).await
    }

    pub(super) async fn reach(&self, port: Port) -> Result<Reach, RemoteError> {
        let count = FORWARDS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{count}.fwd", std::process::id());
        let path = self.master.socket.with_file_name(name);
        drop(std::fs::remove_file(&path));
        let session = self
            .on_live(|session| {
                let path = path.clone();
                async move {
                    let there = Socket::new("127.0.0.1", port.get());
                    session.request_port_forward(ForwardType::Local, path, there).await.map(|()| session)
                }
            })
            .await?;
        self.forwards.lock().await.push((session, path.clone(), port));
        Ok(Reach::new(Way::Socket(path)))
    }

    /// Ends the forwards, and a connection that is not to be kept.
    pub(super) async fn close(&self, keep: Persist) {
        for (session, path, port) in self.forwards.lock().await.drain(..) {
            let there = Socket::new("127.0.0.1", port.get());
            drop(session.close_port_forward(ForwardType::Local, path.as_path(), there).await);
            drop(std::fs::remove_file(path));
        }
        if let (Some(live), Persist::No) = (self.live.lock().await.take(), keep) {
            self.master.close(&live).await;
        }
    }

    /// Does something over the connection; over a new one if the old one turns out to be dead.
    async fn on_live<T, F>(&self, act: impl Fn(Arc<Session>) -> F + Send) -> Result<T, RemoteError>
    where
        T: Send,
        F: Future<Output = Result<T, Error>> + Send,
    {
        let mut live = self.connection(None).await?;
        let (mut replaced, mut refusals) = (false, 0);
        loop {
            let patience = match live.age {
                Age::Kept => KEPT,
                Age::Fresh => FRESH,
            };
            match timeout(patience, act(live.session.clone())).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(err)) if refused(&err) && refusals < REFUSALS => {
                    refusals += 1;
                    sleep(Duration::from_millis(20 << refusals.min(4)).min(Duration::from_millis(500))).await;
                }
                Ok(Err(err)) if refused(&err) => return Err(self.other("it takes no more sessions")),
                Ok(Err(_)) | Err(_) if !replaced => {
                    replaced = true;
                    live = self.connection(Some(&live)).await?;
                }
                Ok(Err(err)) => return Err(self.other(&words(&err))),
                Err(_) => return Err(RemoteError::TimedOut { at: self.at().to_owned() }),
            }
        }
    }

    /// The connection that all jobs of this pod share, unless it is `dead`.
    async fn connection(&self, dead: Option<&Live>) -> Result<Live, RemoteError> {
        let mut known = self.live.lock().await;
        let live = match (known.as_ref(), dead) {
            (Some(known), None) => return Ok(known.clone()),
            (Some(known), Some(dead)) if !known.is(dead) => return Ok(known.clone()),
            (_, Some(dead)) => self.master.open(Some(dead)).await?,
            (None, None) => match self.master.resume().await {
                Some(live) => live,
                None => self.master.open(None).await?,
            },
        };
        *known = Some(live.clone());
        Ok(live)
    }

    fn other(&self, text: &str) -> RemoteError {
        RemoteError::Other { at: self.at().to_owned(), text: text.to_owned() }
    }
}

async fn spawn(session: Arc<Session>, command: String) -> Result<Child<Arc<Session>>, Error> {
    let mut command = session.arc_raw_command(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().await
}

/// The pod has no session to spare (`MaxSessions`).
fn refused(err: &Error) -> bool {
    matches!(err, Error::SshMux(_)) && words(err).contains("refused by peer")
}

/// An error with its causes.
fn words(err: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(err), |cause| cause.source());
    causes.fold(err.to_string(), |text, cause| format!("{text}: {cause}"))
}

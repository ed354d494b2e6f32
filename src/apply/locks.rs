//! One pi at a time changes a pod: a lock there, held by a script that lives as long as this pi does.

use crate::apply::hold::{Hold, Loss};
use crate::manifest::Manifest;
use crate::name::{PodName, PodPath};
use crate::plan::LOCK_EXPIRY;
use crate::remote::{Exit, Job, LEASE, Line, Remote, RemoteError, SWEEP, outlasting};
use crate::script::{ExitCode, Script, Template, render};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Seconds between two signs of life of a lock.
const BEAT: u64 = 5;

// What was begun under a lock is over before anybody else can have it. Where the pod hears nothing more of pi, scripts
// are ended after the lease, for which the last sign of life counts; that of the lock's script may be a third of the
// lease older than theirs. Where the lock's script itself is killed, its last beat counts.
const _: () = assert!(outlasting(LEASE).as_secs() - LEASE.as_secs() / 3 >= LEASE.as_secs() + SWEEP.as_secs());
const _: () = assert!(LEASE.as_secs() + SWEEP.as_secs() + BEAT < LOCK_EXPIRY);

/// How long pods may take to say whether a lock is to be had: one that was left behind is watched for a heartbeat before
/// it is broken, and a disk may hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who takes the locks.
#[derive(Debug, Clone)]
pub struct Holder {
    /// `ann@laptop`
    pub who: String,
}

/// The locks of some pods. They go when this is released or dropped, and when this process ends, however it does.
pub struct Locks {
    tasks: JoinSet<()>,
    release: CancellationToken,
}

/// Why a pod could not be locked.
#[derive(Debug)]
pub enum Refusal {
    /// Somebody else has it.
    Held {
        /// `ann@laptop`
        who: String,
        /// Their project.
        project: String,
        /// Seconds since 1970, by the pod's clock.
        since: u64,
    },
    /// It could not be reached.
    Remote(RemoteError),
    /// The lock can't be made there: why.
    Failed(String),
}

type Answer = (PodName, Result<(), Refusal>);

impl Locks {
    /// Takes the locks of all these pods at once; says which could not be had, and why. From then on `hold` knows when
    /// one of them is lost.
    pub async fn take<R: Remote>(
        remote: &Arc<R>,
        manifest: &Manifest,
        pods: impl Iterator<Item = PodName>,
        holder: &Holder,
        hold: &Hold,
    ) -> (Self, Vec<(PodName, Refusal)>) {
        let release = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (tell, mut answers) = unbounded_channel();
        let mut open = BTreeSet::new();
        for name in pods {
            let Some(pod) = manifest.pods.get(&name) else { continue };
            let script = script(&pod.pi_path, manifest.project.as_str(), &holder.who, hold.token());
            open.insert(name.clone());
            let kept = keep(remote.clone(), name.clone(), script, release.clone(), tell.clone());
            let hold = hold.clone();
            tasks.spawn(async move {
                if let Some(loss) = kept.await {
                    hold.lose(&name, loss);
                }
            });
        }
        let mut refused = Vec::new();
        let (late, stop) = (sleep(PATIENCE), hold.stop().clone());
        tokio::pin!(late);
        while !open.is_empty() {
            tokio::select! {
                Some((pod, answer)) = answers.recv() => {
                    open.remove(&pod);
                    refused.extend(answer.err().map(|refusal| (pod, refusal)));
                }
                () = stop.cancelled() => break,
                () = &mut late => break,
                else => break,
            }
        }
        let silent = || {
            Refusal::Failed(format!("whether it can be had was not known within {} s", PATIENCE.as_secs()))
        };
        refused.extend(open.into_iter().map(|pod| (pod, silent())));
        (Self { tasks, release }, refused)
    }

    /// Gives them back, and waits until the pods have them.
    pub async fn release(mut self) {
        self.release.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

fn script(pi: &PodPath, project: &str, who: &str, token: &str) -> Result<Script, String> {
    // `:` stands between the fields
    let field = |text: &str| text.replace(|c: char| c == ':' || c == '/' || c.is_control(), "_");
    let values = json!({
        "pi": pi, "token": token, "who": field(who), "project": field(project),
        "expiry": LOCK_EXPIRY, "beat": BEAT,
    });
    render(Template::LOCK, &values).map(Script::outlasting).map_err(|error| error.to_string())
}

/// Holds one lock until `release`; answers once, as soon as it is known whether it was to be had. Says how it was lost,
/// if it was.
async fn keep<R: Remote>(
    remote: Arc<R>,
    pod: PodName,
    script: Result<Script, String>,
    release: CancellationToken,
    tell: UnboundedSender<Answer>,
) -> Option<Loss> {
    let script = match script {
        Ok(script) => script,
        Err(why) => {
            drop(tell.send((pod, Err(Refusal::Failed(why)))));
            return None;
        }
    };
    let mut locked = false;
    let mut said = String::new();
    let hear = |line: Line| match line {
        Line::Out(text) if text == "locked" => {
            locked = true;
            drop(tell.send((pod.clone(), Ok(()))));
        }
        Line::Out(text) | Line::Err(text) => said = text,
    };
    let job = Job { script: &script, input: None };
    let ended = remote.run(&pod, job, &release, hear).await;
    if !locked {
        drop(tell.send((pod, Err(refusal(ended, &said)))));
        return None;
    }
    match ended {
        Ok(Exit(code)) if ExitCode::of(code) == Some(ExitCode::LockLost) => Some(Loss::Taken),
        _ if release.is_cancelled() => None,
        Err(error) => Some(Loss::Ended(error.to_string())),
        Ok(Exit(1)) => Some(Loss::Ended(said)),
        Ok(Exit(code)) => Some(Loss::Ended(format!("what held it there ended with exit code {code}"))),
    }
}

fn refusal(ended: Result<Exit, RemoteError>, said: &str) -> Refusal {
    match ended {
        Err(error) => Refusal::Remote(error),
        Ok(Exit(code)) if ExitCode::of(code) == Some(ExitCode::Held) => {
            let mut fields = said.split('\t').skip(1).map(str::to_owned);
            let mut field = || fields.next().unwrap_or_default();
            Refusal::Held { who: field(), project: field(), since: field().parse().unwrap_or(0) }
        }
        Ok(_) => Refusal::Failed(said.to_owned()),
    }
}

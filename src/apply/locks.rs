//! One pi at a time changes a pod: a lock there, held by a script that lives as long as this pi does.

use crate::manifest::Manifest;
use crate::name::{PodName, PodPath};
use crate::plan::LOCK_EXPIRY;
use crate::remote::{Exit, Job, Line, Remote, RemoteError};
use crate::script::{Script, Template, render};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How the script ends when the lock is no longer its own.
const BROKEN: Exit = Exit(76);

/// Who takes the locks.
#[derive(Debug, Clone)]
pub struct Holder {
    /// `ann@laptop`
    pub who: String,
}

/// The locks of some pods. They go when this is released or dropped, and when this process ends, however it does.
pub struct Locks {
    /// Each ends with the pod whose lock was broken while it was held.
    tasks: JoinSet<Option<PodName>>,
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
    /// The pod does not let pi write there.
    Failed(String),
}

type Answer = (PodName, Result<(), Refusal>);

impl Locks {
    /// Takes the locks of all these pods at once; says which could not be had, and why. Cancels `broken` when somebody
    /// breaks one of them.
    pub async fn take<R: Remote>(
        remote: &Arc<R>,
        manifest: &Manifest,
        pods: impl Iterator<Item = PodName>,
        holder: &Holder,
        broken: &CancellationToken,
    ) -> (Self, Vec<(PodName, Refusal)>) {
        let release = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let (tell, mut answers) = unbounded_channel();
        let mut open = 0;
        for name in pods {
            let Some(pod) = manifest.pods.get(&name) else { continue };
            let script = script(&pod.pi_path, manifest.project.as_str(), &holder.who);
            open += 1;
            let held = hold(remote.clone(), name.clone(), script, release.clone(), tell.clone());
            let broken = broken.clone();
            tasks.spawn(async move {
                held.await.then(|| {
                    broken.cancel();
                    name
                })
            });
        }
        let mut refused = Vec::new();
        while open > 0 {
            let Some((pod, answer)) = answers.recv().await else { break };
            open -= 1;
            refused.extend(answer.err().map(|refusal| (pod, refusal)));
        }
        (Self { tasks, release }, refused)
    }

    /// Gives them back, and waits until the pods have them; says which were broken meanwhile.
    pub async fn release(mut self) -> Vec<PodName> {
        self.release.cancel();
        let mut broken = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            broken.extend(ended.ok().flatten());
        }
        broken
    }
}

fn script(pi: &PodPath, project: &str, who: &str) -> Result<Script, String> {
    let values = json!({ "pi": pi, "who": who, "project": project, "expiry": LOCK_EXPIRY });
    render(Template::LOCK, &values).map_err(|error| error.to_string())
}

/// Holds one lock until `release`; answers once, as soon as it is known whether it was to be had. Says whether somebody
/// broke it.
async fn hold<R: Remote>(
    remote: Arc<R>,
    pod: PodName,
    script: Result<Script, String>,
    release: CancellationToken,
    tell: UnboundedSender<Answer>,
) -> bool {
    let script = match script {
        Ok(script) => script,
        Err(why) => {
            drop(tell.send((pod, Err(Refusal::Failed(why)))));
            return false;
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
    if locked {
        return matches!(ended, Ok(BROKEN));
    }
    drop(tell.send((pod, Err(refusal(ended, &said)))));
    false
}

fn refusal(ended: Result<Exit, RemoteError>, said: &str) -> Refusal {
    match ended {
        Err(error) => Refusal::Remote(error),
        Ok(Exit(75)) => {
            let mut fields = said.split('\t').skip(1).map(str::to_owned);
            let mut field = || fields.next().unwrap_or_default();
            Refusal::Held { who: field(), project: field(), since: field().parse().unwrap_or(0) }
        }
        Ok(_) => Refusal::Failed(said.to_owned()),
    }
}

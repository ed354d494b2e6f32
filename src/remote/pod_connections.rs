//! The doors of all pods.
//!
//! In: a manifest. Out: a [`Remote`] for exactly its pods; each has a connection, a queue and troubles of its own.

use super::by_hand::{self, HandsOn};
use super::local;
use super::master::Master;
use super::options::Options;
use super::runner_command::RunnerCommand;
use super::ssh::SshDoor;
use super::{Exit, Job, Line, Reach, Remote, RemoteError, Way, sockets, ssh_config};
use crate::manifest::Manifest;
use crate::name::{PodName, Port};
use crate::secret::SecretSource;
use crate::ssh_target::SshTarget;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use tokio_util::sync::CancellationToken;

/// The real [`Remote`].
#[derive(Debug)]
pub struct PodConnections {
    doors: BTreeMap<PodName, Door>,
    options: Options,
}

#[derive(Debug)]
enum Door {
    Local,
    Ssh(Box<SshDoor>),
    /// It could not even be tried: told when somebody knocks, so that other pods do not suffer.
    Shut(RemoteError),
}

impl PodConnections {
    /// The connections to all pods of the manifest; connects to none. Relative paths in ssh lines count from its directory.
    #[must_use]
    pub fn new(manifest: &Manifest, options: Options) -> Self {
        let pods = manifest.pods.iter().map(|(name, pod)| (name, &pod.ssh));
        let hidden = manifest.secrets.values().filter_map(SecretSource::variable).cloned().collect();
        Self::to(pods, &ssh_config::base_of(&manifest.path), Options { hidden, ..options })
    }

    /// The connections to pods without a manifest; `base` is where relative paths in ssh lines count from.
    #[must_use]
    pub fn to<'a>(
        pods: impl IntoIterator<Item = (&'a PodName, &'a SshTarget)>,
        base: &Path,
        options: Options,
    ) -> Self {
        let dir = OnceCell::new();
        let dir = || {
            dir.get_or_init(|| {
                let dir = sockets::directory(options.sockets.as_deref())?;
                sockets::sweep(&dir);
                Ok(dir)
            })
        };
        let door = |target: &SshTarget| match target {
            SshTarget::Local => Door::Local,
            SshTarget::Ssh(line) => dir()
                .clone()
                .and_then(|dir| Master::new(line, &target.to_string(), base, (&dir, &options)))
                .map_or_else(Door::Shut, |master| Door::Ssh(Box::new(SshDoor::new(master)))),
        };
        let doors = pods.into_iter().map(|(name, target)| (name.clone(), door(target))).collect();
        Self { doors, options }
    }

    /// Ends forwards and, with [`super::Persist::No`], connections; the next use would open them again.
    pub async fn close(&self) {
        let doors = self.doors.values().filter_map(|door| match door {
            Door::Ssh(door) => Some(door.close(self.options.persist)),
            Door::Local | Door::Shut(_) => None,
        });
        futures_util::future::join_all(doors).await;
    }

    /// A command for a person's errand on a pod, by its own ssh. That the pod answers is for the caller to know.
    pub fn by_hand(&self, pod: &PodName, errand: HandsOn<'_>) -> Result<Command, RemoteError> {
        match self.door(pod)? {
            Door::Ssh(door) => door.by_hand(errand),
            Door::Local | Door::Shut(_) => Ok(by_hand::here(errand, &self.options.hidden)),
        }
    }

    /// The machine that a pod's ssh line leads to, by the user's own configuration; none for `local` pods.
    pub async fn host(&self, pod: &PodName) -> Option<String> {
        match self.doors.get(pod)? {
            Door::Ssh(door) => Some(door.host().await),
            Door::Local | Door::Shut(_) => None,
        }
    }

    fn door(&self, pod: &PodName) -> Result<&Door, RemoteError> {
        match self.doors.get(pod) {
            Some(Door::Shut(error)) => Err(error.clone()),
            Some(door) => Ok(door),
            None => Err(RemoteError::Other { at: pod.to_string(), text: "no such pod".to_owned() }),
        }
    }
}

impl Remote for PodConnections {
    async fn run(
        &self,
        pod: &PodName,
        job: Job<'_>,
        stop: &CancellationToken,
        hear: impl FnMut(Line) + Send,
    ) -> Result<Exit, RemoteError> {
        let door = self.door(pod)?;
        let at = match door {
            Door::Ssh(door) => door.at(),
            Door::Local | Door::Shut(_) => local::AT,
        };
        if stop.is_cancelled() {
            return Err(RemoteError::Stopped { at: at.to_owned() });
        }
        let order = RunnerCommand::new(job, self.options.lease, at)?;
        match door {
            Door::Ssh(door) => door.run(&order, stop, hear).await,
            Door::Local => local::run(&order, &self.options.hidden, stop, hear).await,
            Door::Shut(error) => Err(error.clone()),
        }
    }

    async fn reach(&self, pod: &PodName, port: Port) -> Result<Reach, RemoteError> {
        match self.door(pod)? {
            Door::Ssh(door) => door.reach(port).await,
            Door::Local | Door::Shut(_) => {
                Ok(Reach::new(Way::Address(SocketAddr::from((Ipv4Addr::LOCALHOST, port.get())))))
            }
        }
    }
}

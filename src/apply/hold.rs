//! What an apply holds while it changes pods: their locks, by one token, and whether one of them was lost.

use crate::name::PodName;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The locks of one apply. What changes a pod is sent only while none of them is lost, and carries the token: the pod
/// refuses it where its lock has another one.
#[derive(Debug, Clone)]
pub struct Hold(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    token: String,
    stop: CancellationToken,
    lost: CancellationToken,
    losses: Mutex<BTreeMap<PodName, Loss>>,
}

/// How a lock was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The pod has the lock of somebody else, or none.
    Taken,
    /// The script that held it ended: why.
    Ended(String),
}

impl Hold {
    /// With a token that no other apply has. `signals` is cancelled by who interrupts.
    #[must_use]
    pub fn new(signals: &CancellationToken) -> Self {
        let random = RandomState::new().build_hasher().finish();
        Self::of(format!("{random:016x}"), signals)
    }

    /// Where nobody else can change the pods: without locks.
    #[must_use]
    pub fn unlocked(signals: &CancellationToken) -> Self {
        Self::of(String::new(), signals)
    }

    fn of(token: String, signals: &CancellationToken) -> Self {
        let (stop, lost) = (signals.child_token(), CancellationToken::new());
        Self(Arc::new(Inner { token, stop, lost, losses: Mutex::default() }))
    }

    /// What stands in the pods' locks.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// Cancelled when nothing new shall begin: by an interruption, or the loss of a lock.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    /// Cancelled when a lock is lost.
    #[must_use]
    pub fn lost(&self) -> &CancellationToken {
        &self.0.lost
    }

    /// Whether a lock is lost.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.lost.is_cancelled()
    }

    /// The lock of this pod is lost. What is known of that first counts.
    pub fn lose(&self, pod: &PodName, loss: Loss) {
        let mut losses = self.0.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.entry(pod.clone()).or_insert(loss);
        drop(losses);
        self.0.lost.cancel();
        self.0.stop.cancel();
    }

    /// The pods whose locks were lost, and how.
    #[must_use]
    pub fn losses(&self) -> BTreeMap<PodName, Loss> {
        self.0.losses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! What `apply` needs to run steps.

use crate::apply::hold::Hold;
use crate::manifest::Manifest;
use crate::memory::Store;
use crate::secret::Secrets;
use std::num::NonZeroUsize;
use tokio::sync::watch::Receiver;

/// Everything that steps are done with.
pub struct ApplyContext<'a, R> {
    /// For the pods' paths and variables.
    pub manifest: &'a Manifest,
    /// The only door.
    pub remote: &'a R,
    /// For the pods' secrets file and for asking servers.
    pub secrets: &'a Secrets,
    /// `pods.json`
    pub store: &'a Store,
    /// The locks under which it is done.
    pub hold: &'a Hold,
    /// For the pods' journals: `ann@laptop`.
    pub who: &'a str,
    /// What becomes of servers that are still starting at an interruption.
    pub starting: &'a Asking<'a>,
    /// How many steps may run at once.
    pub jobs: NonZeroUsize,
}

/// What shall become of a server that is still starting when pi is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starting {
    /// It goes on; nobody waits for it.
    Leave,
    /// It is stopped.
    Stop,
}

/// Asks whoever interrupted; the answer comes when it comes.
pub type Asking<'a> = dyn Fn() -> Receiver<Option<Starting>> + Sync + 'a;

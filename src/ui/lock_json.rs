//! `pi unlock --json`: whose lock it was.

use crate::name::PodName;
use crate::observe::LockSeen;
use crate::plan::LOCK_EXPIRY;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Who holds a pod's lock; `null` where nobody does.
#[must_use]
pub fn lock_json(pod: &PodName, lock: Option<&LockSeen>) -> Value {
    let lock = lock.map(|LockSeen { who, project, since, idle, token: _ }| {
        let since = i64::try_from(*since).ok().filter(|since| *since > 0);
        let since = since.and_then(|seconds| Timestamp::from_second(seconds).ok());
        json!({
            "who": who, "project": project, "since": since, "idle_seconds": idle, "expired": *idle > LOCK_EXPIRY,
        })
    });
    json!({ "event": "lock", "format": 1, "pod": pod, "lock": lock })
}

/// It is broken.
#[must_use]
pub fn unlocked_json(pod: &PodName) -> Value {
    json!({ "event": "unlocked", "pod": pod })
}

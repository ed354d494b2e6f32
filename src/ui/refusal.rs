//! Locks: who has one, why it could not be had, as people read it.

use crate::apply::{Loss, NotBroken, Refusal};
use crate::name::PodName;
use crate::observe::{LockSeen, Unreachable};
use crate::plan::LOCK_EXPIRY;
use crate::remote::RemoteError;
use crate::units::Seconds;
use jiff::Timestamp;

/// One or two lines.
#[must_use]
pub fn refusal(pod: &PodName, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Held { who, project, since } => format!(
            "error on {pod}: {who} is changing it{} (project {project})\n  → wait for them with --lock-wait 10m; `pi unlock {pod}` tells whether they are still there",
            begun(*since)
        ),
        Refusal::Remote(error) => remote(pod, error),
        Refusal::Failed(why) => format!("error on {pod}: its lock can't be taken: {why}"),
    }
}

/// For whom this pi waits, and for how long at most.
#[must_use]
pub fn waiting(pod: &PodName, refusal: &Refusal, wait: Option<Seconds>) -> String {
    let most = wait.map(|wait| format!(", for {wait} at most")).unwrap_or_default();
    match refusal {
        Refusal::Held { who, project, since } => {
            let since = begun(*since);
            format!("Waiting{most}: {who} is changing {pod}{since} (project {project}).")
        }
        Refusal::Remote(_) | Refusal::Failed(_) => format!("Waiting{most} for {pod}."),
    }
}

/// That a lock was lost while this pi held it, and who has it now, if anybody.
#[must_use]
pub fn lock_lost(pod: &PodName, loss: &Loss, now: Option<&LockSeen>) -> String {
    let what = match loss {
        Loss::Taken => {
            "somebody has broken the lock of this pi, which began nothing new after that".to_owned()
        }
        Loss::Ended(why) => format!("this pi lost its lock, and began nothing new after that: {why}"),
    };
    let now = now.map(|LockSeen { who, project, since, idle: _, token: _ }| {
        let who = if who.is_empty() { "somebody" } else { who };
        let project = if project.is_empty() { String::new() } else { format!(" (project {project})") };
        format!("; {who} has it now{}{project}", begun(*since))
    });
    let now = now.unwrap_or_default();
    format!("error on {pod}: {what}{now}\n  → `pi history {pod}` tells what others do there")
}

/// Who holds a lock, since when, and whether they are still there.
#[must_use]
pub fn lock(pod: &PodName, lock: &LockSeen) -> String {
    let LockSeen { who, project, since, idle, token: _ } = lock;
    let who = if who.is_empty() { "somebody" } else { who };
    let project = if project.is_empty() { String::new() } else { format!(" for project {project}") };
    let sign = match idle {
        0 => "now".to_owned(),
        idle => format!("{} ago", Seconds(*idle)),
    };
    let advice = if *idle > LOCK_EXPIRY {
        "That is too long: the next apply takes the lock over by itself."
    } else {
        "That pi is at work. Without the lock it begins nothing new, and what it does now is ended."
    };
    format!(
        "{who} holds the lock of {pod}{}{project}; the last sign of life: {sign}.\n{advice}",
        begun(*since)
    )
}

/// Why a lock could not be broken.
#[must_use]
pub fn not_broken(pod: &PodName, why: &NotBroken) -> String {
    match why {
        NotBroken::Remote(error) => remote(pod, error),
        NotBroken::Failed(why) => format!("error on {pod}: its lock can't be broken: {why}"),
    }
}

/// Why a pod could not be looked at.
#[must_use]
pub fn unreachable(pod: &PodName, why: &Unreachable) -> String {
    let Unreachable { code: _, why, help } = why;
    match help {
        Some(help) => format!("error on {pod}: {why}\n  → {help}"),
        None => format!("error on {pod}: {why}"),
    }
}

pub(super) fn remote(pod: &PodName, error: &RemoteError) -> String {
    match error.help() {
        Some(help) => format!("error on {pod}: {error}\n  → {help}"),
        None => format!("error on {pod}: {error}"),
    }
}

/// ` since 2026-11-22T13:00:05Z`; nothing where that is not known.
fn begun(since: u64) -> String {
    let since = i64::try_from(since).ok().filter(|since| *since > 0);
    let since = since.and_then(|seconds| Timestamp::from_second(seconds).ok());
    since.map(|since| format!(" since {since}")).unwrap_or_default()
}

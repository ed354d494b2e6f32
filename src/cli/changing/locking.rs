//! Taking the locks of the pods that are changed, and waiting for whoever has them.

use crate::apply::{Hold, Holder, Locks, Refusal};
use crate::bounded::{self, PROC};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::Exit;
use crate::name::PodName;
use crate::observe::{Observed, ProbeResult};
use crate::ui;
use crate::units::Seconds;
use nix::unistd::{Uid, User};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two tries for a lock that somebody has.
const PAUSE: Duration = Duration::from_secs(1);

/// The locks, once they could be had.
pub(in crate::cli) struct Taken {
    pub(in crate::cli) locks: Locks,
    pub(in crate::cli) turn: Turn,
}

/// Whether somebody else had one of the locks before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Turn {
    /// They were free.
    AtOnce,
    /// Somebody else had one, and has changed things.
    AfterOthers,
}

/// Takes the locks of all these pods, or of none: while it waits it holds no lock that others may wait for.
pub(in crate::cli) async fn take(
    context: &Context,
    pods: &BTreeSet<PodName>,
    wait: Option<Seconds>,
    hold: &Hold,
) -> Result<Taken, Exit> {
    let until = Instant::now() + wait.map_or(Duration::ZERO, Seconds::duration);
    let mut told = BTreeSet::new();
    loop {
        let names = pods.iter().cloned();
        let (locks, refused) = Locks::take(&context.remote, &context.manifest, names, &holder(), hold).await;
        if refused.is_empty() {
            let turn = if told.is_empty() { Turn::AtOnce } else { Turn::AfterOthers };
            return Ok(Taken { locks, turn });
        }
        locks.release().await;
        let is_held = |(_, refusal): &(PodName, Refusal)| matches!(refusal, Refusal::Held { .. });
        if hold.stop().is_cancelled() || !refused.iter().all(is_held) || Instant::now() + PAUSE > until {
            return Err(not_locked(&refused));
        }
        for (pod, refusal) in &refused {
            if let Refusal::Held { who, since, .. } = refusal
                && told.insert((pod.clone(), who.clone(), *since))
            {
                ui::note(&ui::waiting(pod, refusal, wait));
            }
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = hold.stop().cancelled() => return Err(Exit::Interrupted),
        }
    }
}

/// Tells which locks were lost, and whose they are as the pods say `now`. The exit code, where one was: a pod that does
/// not answer at all was lost with its lock.
pub(in crate::cli) fn tell_losses(hold: &Hold, now: &Observed) -> Option<Exit> {
    let mut exit = None;
    for (pod, loss) in hold.losses() {
        let (seen, answers) = match now.pods.get(&pod) {
            Some(ProbeResult::Seen(facts)) => (facts.lock.as_ref(), true),
            Some(ProbeResult::Unreachable(_)) => (None, false),
            None => (None, true),
        };
        let others = seen.filter(|lock| lock.token != hold.token());
        ui::note(&ui::lock_lost(&pod, &loss, others));
        exit = match (answers, exit) {
            (false, None) => Some(Exit::Unreachable),
            (false, exit) => exit,
            (true, _) => Some(Exit::Locked),
        };
    }
    exit
}

fn not_locked(refused: &[(PodName, Refusal)]) -> Exit {
    for (pod, refusal) in refused {
        ui::note(&ui::refusal(pod, refusal));
    }
    ui::note("Nothing was done.");
    let held = |(_, refusal): &(PodName, Refusal)| matches!(refusal, Refusal::Held { .. });
    let lost = |(_, refusal): &(PodName, Refusal)| matches!(refusal, Refusal::Remote(_));
    match () {
        () if refused.iter().any(held) => Exit::Locked,
        () if refused.iter().any(lost) => Exit::Unreachable,
        () => Exit::Failed,
    }
}

/// Who this is, for others who find the lock or read the journal.
pub(in crate::cli) fn holder() -> Holder {
    let named = |name| std::env::var(name).ok().filter(|user| !user.trim().is_empty());
    let uid = Uid::current();
    let user = named("USER")
        .or_else(|| named("LOGNAME"))
        // a container, cron and systemd may set neither
        .or_else(|| Some(User::from_uid(uid).ok()??.name))
        .unwrap_or_else(|| format!("uid-{uid}"));
    let host = bounded::text(Path::new("/proc/sys/kernel/hostname"), PROC).unwrap_or_default();
    let host = if host.trim().is_empty() { "somewhere" } else { host.trim() };
    Holder { who: format!("{user}@{host}") }
}

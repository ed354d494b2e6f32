//! `pi unlock`: break the lock that somebody left on a pod, or still holds, after asking.

use crate::apply::{NotBroken, unlock};
use crate::cli::changing::locking::holder;
use crate::cli::context::flags::{Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::context::which_pod::{named, which_pod};
use crate::cli::terminal::consent::agreed;
use crate::cli::terminal::exit::Exit;
use crate::name::PodName;
use crate::observe::{LockSeen, ProbeResult, observe};
use crate::ui;
use clap::Args;
use miette::Result;

/// The arguments of `pi unlock`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi unlock dc1    show who holds it, and ask")]
pub(in crate::cli) struct Unlock {
    /// Pod
    #[arg(value_name = "POD", conflicts_with = "pod")]
    pub(in crate::cli) name: Option<String>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Print events as JSON, one per line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(in crate::cli) async fn run(global: &Global, args: &Unlock) -> Result<Exit> {
    let context = Context::open_without_secrets(global, &Scope::default())?;
    let exit = on_pod(global, args, &context).await;
    context.remote.close().await;
    exit
}

async fn on_pod(global: &Global, args: &Unlock, context: &Context) -> Result<Exit> {
    let pod = match &args.name {
        Some(name) => named(&context.manifest, name)?,
        None => which_pod(global, &context.manifest, &context.memory)?,
    };
    let lock = match look(context, &pod).await {
        Ok(lock) => lock,
        Err(exit) => return Ok(exit),
    };
    if args.json {
        ui::data(&ui::json_line(&ui::lock_json(&pod, lock.as_ref())))?;
    }
    let Some(lock) = lock else {
        ui::note(&format!("Nobody holds the lock of {pod}."));
        return Ok(Exit::Done);
    };
    ui::note(&ui::lock(&pod, &lock));
    if !args.yes && !agreed("\nBreak it?")? {
        ui::note("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    match unlock(context.remote.as_ref(), &context.manifest, &pod, &lock, &holder()).await {
        Ok(()) => {
            if args.json {
                ui::data(&ui::json_line(&ui::unlocked_json(&pod)))?;
            }
            ui::note(&format!("The lock of {pod} is broken."));
            Ok(Exit::Done)
        }
        Err(why) => {
            ui::note(&ui::not_broken(&pod, &why));
            Ok(if matches!(why, NotBroken::Remote(_)) { Exit::Unreachable } else { Exit::Failed })
        }
    }
}

/// The lock that somebody holds; the exit code where the pod does not answer.
async fn look(context: &Context, pod: &PodName) -> Result<Option<LockSeen>, Exit> {
    let Context { manifest, secrets, remote, .. } = context;
    let mut seen = observe(remote.as_ref(), manifest, secrets, vec![pod.clone()]).await;
    match seen.pods.remove(pod) {
        Some(ProbeResult::Seen(facts)) => Ok(facts.lock),
        Some(ProbeResult::Unreachable(why)) => {
            ui::note(&ui::unreachable(pod, &why));
            Err(Exit::Unreachable)
        }
        None => Ok(None),
    }
}

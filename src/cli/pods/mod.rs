//! `pi pods`: list the pods; and the verbs that set up, choose and forget one.

mod active;
mod list;
mod remove;
mod setup;

use crate::cli::args::Global;
use crate::cli::exit::Exit;
use clap::{Args, Subcommand};
use miette::Result;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  pi pods              what pi.toml has, with the GPUs as last seen\n  pi pods active dc2   what later commands mean without --pod"
)]
pub(in crate::cli) struct Pods {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: list::List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a pod to pi.toml and make it ready: storage, engine, secrets
    Setup(setup::Setup),
    /// Choose the pod that commands without --pod mean, or tell which it is
    Active(active::Active),
    /// Take a pod out of pi.toml; the machine itself is left alone
    Remove(remove::Remove),
}

pub(super) async fn run(global: &Global, args: &Pods) -> Result<Exit> {
    match &args.verb {
        None => list::run(global, &args.list).await,
        Some(Verb::Setup(args)) => setup::run(global, args).await,
        Some(Verb::Active(args)) => active::run(global, args),
        Some(Verb::Remove(args)) => remove::run(global, args),
    }
}

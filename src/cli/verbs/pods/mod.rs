//! `pi pods`: list the pods; and the verbs that set up, choose and forget one.

mod active;
mod list;
mod remove;
mod setup;

use crate::cli::context::flags::Global;
use crate::cli::terminal::exit::Exit;
use clap::{Args, Subcommand};
use miette::Result;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  pi pods              pods in pi.toml, with GPUs as last seen\n  pi pods active dc2   the default pod of later commands"
)]
pub(in crate::cli) struct Pods {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: list::List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a pod to pi.toml and prepare it: storage, vLLM, secrets
    Setup(setup::Setup),
    /// Select the pod for commands without --pod, or print the current one
    Active(active::Active),
    /// Remove a pod from pi.toml; the machine stays as it is
    Remove(remove::Remove),
}

pub(in crate::cli) async fn run(global: &Global, args: &Pods) -> Result<Exit> {
    match &args.verb {
        None => list::run(global, &args.list).await,
        Some(Verb::Setup(args)) => setup::run(global, args).await,
        Some(Verb::Active(args)) => active::run(global, args),
        Some(Verb::Remove(args)) => remove::run(global, args),
    }
}

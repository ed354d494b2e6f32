//! `pi pods`: list the pods; and the verbs that choose, forget and set up one.

mod active;
mod list;
mod remove;

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
    /// Choose the pod that commands without --pod mean
    Active(active::Active),
    /// Take a pod out of pi.toml; the machine itself is left alone
    Remove(remove::Remove),
}

pub(super) async fn run(global: &Global, args: &Pods) -> Result<Exit> {
    match &args.verb {
        None => list::run(global, &args.list).await,
        Some(Verb::Active(args)) => active::run(global, args),
        Some(Verb::Remove(args)) => remove::run(global, args),
    }
}

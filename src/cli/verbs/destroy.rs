//! `pi destroy`: stop everything the manifest names.

use crate::cli::changing::carry_out::{ApplyOptions, Approval, SAME_AGAIN, Sources, converge};
use crate::cli::context::flags::{Doing, Global, Scope};
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::Exit;
use crate::plan::{Extent, Removal, destroy};
use miette::Result;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pi destroy --weights --engines    remove weights and engines too")]
pub(in crate::cli) struct Args {
    /// Also remove weights that no other server uses
    #[arg(long)]
    pub(in crate::cli) weights: bool,
    /// Also remove engines that no other server uses
    #[arg(long)]
    pub(in crate::cli) engines: bool,
    /// Print events as JSON, one per line
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) scope: Scope,
    #[command(flatten)]
    pub(in crate::cli) doing: Doing,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let context = Context::open_without_secrets(global, &args.scope)?;
    let removal = |yes| if yes { Removal::Remove } else { Removal::Keep };
    let extent = Extent { weights: removal(args.weights), engines: removal(args.engines) };
    let options = ApplyOptions::of(&args.doing, Approval::of(&args.doing), Sources::Pods);
    let options = ApplyOptions { json: args.json, again: SAME_AGAIN, ..options };
    let exit = converge(&context, &options, |inputs| destroy(inputs, extent)).await;
    context.remote.close().await;
    exit
}

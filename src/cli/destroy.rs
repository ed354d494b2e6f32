//! `pi destroy`: stop everything the manifest names.

use crate::cli::apply::{ApplyOptions, Approval, SAME_AGAIN, Sources, converge};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::flags::{Doing, Global, Scope};
use crate::plan::{Extent, Removal, destroy};
use miette::Result;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pi destroy --weights --engines    remove weights and engines too")]
pub(super) struct Args {
    /// Also remove weights that no other server uses
    #[arg(long)]
    pub(super) weights: bool,
    /// Also remove engines that no other server uses
    #[arg(long)]
    pub(super) engines: bool,
    /// Print events as JSON, one per line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) doing: Doing,
}

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let context = Context::open(global, &args.scope)?;
    let removal = |yes| if yes { Removal::Remove } else { Removal::Keep };
    let extent = Extent { weights: removal(args.weights), engines: removal(args.engines) };
    let options = ApplyOptions::of(&args.doing, Approval::of(&args.doing), Sources::Pods);
    let options = ApplyOptions { json: args.json, again: SAME_AGAIN, ..options };
    let exit = converge(&context, &options, |inputs| destroy(inputs, extent)).await;
    context.remote.close().await;
    exit
}

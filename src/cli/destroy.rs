//! `pi destroy`: stop everything the manifest names.

use crate::cli::apply::{ApplyOptions, Approval, SAME_AGAIN, Sources, converge};
use crate::cli::args::{Destroy as Args, Global};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::plan::{Extent, Removal, destroy};
use miette::Result;

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

//! `pi destroy`: stop everything the manifest names.

use crate::cli::apply::{Asked, Assent, Manner, SAME_AGAIN, converge};
use crate::cli::args::{Destroy as Args, Global};
use crate::cli::exit::Exit;
use crate::cli::world::World;
use crate::plan::{Extent, Removal, destroy};
use miette::Result;

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let world = World::open(global, &args.scope)?;
    let removal = |yes| if yes { Removal::Remove } else { Removal::Keep };
    let extent = Extent { weights: removal(args.weights), engines: removal(args.engines) };
    let manner = Manner::of(&args.doing, Assent::of(&args.doing), Asked::Pods);
    let manner = Manner { json: args.json, again: SAME_AGAIN, ..manner };
    let exit = converge(&world, &manner, |inputs| destroy(inputs, extent)).await;
    world.remote.close().await;
    exit
}

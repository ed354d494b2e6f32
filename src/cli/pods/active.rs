//! `pi pods active`: the pod that commands without `--pod` mean.

use crate::cli::args::Global;
use crate::cli::completions;
use crate::cli::exit::Exit;
use crate::cli::which_pod;
use crate::cli::world::{config_dir, load_manifest};
use crate::memory::Store;
use crate::ui;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use miette::Result;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi pods active dc2")]
pub(super) struct Active {
    /// A pod of pi.toml
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(completions::pods))]
    name: String,
}

pub(super) fn run(global: &Global, args: &Active) -> Result<Exit> {
    let manifest = load_manifest(global)?;
    let pod = which_pod::named(&manifest, &args.name)?;
    Store::new(&config_dir(global)?).update(|memory| memory.active = Some(pod.clone()))?;
    ui::note(&format!("`{pod}` is the active pod: commands without --pod mean it."));
    Ok(Exit::Done)
}

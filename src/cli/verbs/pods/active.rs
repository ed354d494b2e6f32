//! `pi pods active`: the pod that commands without `--pod` mean.

use crate::cli::context::complete_names;
use crate::cli::context::flags::Global;
use crate::cli::context::manifest_path::{config_dir, load_manifest};
use crate::cli::context::which_pod;
use crate::cli::terminal::exit::Exit;
use crate::manifest::Manifest;
use crate::memory::{Memory, Store};
use crate::ui;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use miette::Result;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pi pods active        print the current pod\n  pi pods active dc2    select another"
)]
pub(super) struct Active {
    /// Pod to select [default: print the current one]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_names::pods))]
    name: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(global: &Global, args: &Active) -> Result<Exit> {
    let manifest = load_manifest(global.manifest.as_deref())?;
    let store = Store::new(&config_dir()?, &manifest);
    let Some(name) = &args.name else { return tell(global, &manifest, &store.read()?, args) };
    let pod = which_pod::named(&manifest, name)?;
    store.update(|memory| memory.active = Some(pod.clone()))?;
    if args.json {
        ui::data(&ui::json_page(&ui::active_json(Some(&pod), &pod)))?;
    }
    ui::note(&format!("`{pod}` is the active pod: commands without --pod mean it."));
    Ok(Exit::Done)
}

/// The pod that is meant now.
fn tell(global: &Global, manifest: &Manifest, memory: &Memory, args: &Active) -> Result<Exit> {
    let meant = which_pod::which_pod(global, manifest, memory)?;
    let chosen = memory.active.as_ref().filter(|active| manifest.pods.contains_key(*active));
    ui::data(&if args.json {
        ui::json_page(&ui::active_json(chosen, &meant))
    } else {
        format!("{meant}\n")
    })?;
    if chosen.is_none() && global.pod.is_none() {
        ui::note("None was chosen: it is the only one.");
    }
    Ok(Exit::Done)
}

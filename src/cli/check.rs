//! `pi check`: the manifest alone.

use crate::cli::args::{Check as Args, Global};
use crate::cli::context::{find_manifest, load_manifest};
use crate::cli::exit::Exit;
use crate::manifest::load;
use crate::problem::Problems;
use crate::ui;
use miette::Result;

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    if args.json {
        return for_machines(global);
    }
    let manifest = load_manifest(global)?;
    let (pods, models) = (manifest.pods.len(), manifest.models.len());
    ui::data(&ui::manifest_is_right(&manifest.path, pods, models))?;
    Ok(Exit::Done)
}

/// Mistakes are what was asked for: data, with the same exit code.
fn for_machines(global: &Global) -> Result<Exit> {
    let path = find_manifest(global)?;
    let (told, exit) = match load(&path) {
        Ok(manifest) => (ui::right_json(&path, manifest.pods.len(), manifest.models.len()), Exit::Done),
        Err(report) => (ui::problems_json(&path, &report.downcast::<Problems>()?), Exit::Usage),
    };
    ui::data(&ui::json_page(&told))?;
    Ok(exit)
}

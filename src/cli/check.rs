//! `pi check`: the manifest alone.

use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::world::load_manifest;
use crate::ui;
use miette::Result;

pub(super) fn run(global: &Global) -> Result<Exit> {
    let manifest = load_manifest(global)?;
    let (pods, models) = (manifest.pods.len(), manifest.models.len());
    ui::data(&ui::manifest_is_right(&manifest.path, pods, models))?;
    Ok(Exit::Done)
}

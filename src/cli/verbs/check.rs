//! `pi check`: the manifest alone.

use crate::cli::context::flags::Global;
use crate::cli::context::manifest_path::{find_manifest, load_manifest};
use crate::cli::terminal::exit::Exit;
use crate::manifest::load;
use crate::problem::Problems;
use crate::ui;
use miette::Result;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pi check --json | jq '.problems[] | \"\\(.line): \\(.message)\"'")]
pub(in crate::cli) struct Args {
    /// Print the problems as JSON, with lines and columns
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(in crate::cli) fn run(global: &Global, args: &Args) -> Result<Exit> {
    if args.json {
        return for_machines(global);
    }
    let manifest = load_manifest(global.manifest.as_deref())?;
    let (pods, models) = (manifest.pods.len(), manifest.models.len());
    ui::data(&ui::manifest_is_right(&manifest.path, pods, models))?;
    Ok(Exit::Done)
}

/// Mistakes are what was asked for: data, with the same exit code.
fn for_machines(global: &Global) -> Result<Exit> {
    let path = find_manifest(global.manifest.as_deref())?;
    let (told, exit) = match load(&path) {
        Ok(manifest) => (ui::right_json(&path, manifest.pods.len(), manifest.models.len()), Exit::Done),
        Err(report) => (ui::problems_json(&path, &report.downcast::<Problems>()?), Exit::Usage),
    };
    ui::data(&ui::json_page(&told))?;
    Ok(exit)
}

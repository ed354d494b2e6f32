//! `pi init`: a commented manifest to start from.

use crate::cli::context::flags::Global;
use crate::cli::context::identity;
use crate::cli::terminal::exit::{Exit, usage};
use crate::manifest::{starter, starter_local};
use crate::ui;
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Result, WrapErr};
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pi init --local && pi apply    serve a small model on this machine")]
pub(in crate::cli) struct Args {
    /// Write one for this machine, with a small model on the CPU
    #[arg(long)]
    pub(in crate::cli) local: bool,
    /// Print the path as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(in crate::cli) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let path = global.manifest.as_deref().unwrap_or(Path::new("pi.toml"));
    let text = identity::with_new_id(if args.local { starter_local() } else { starter() })?;
    let shown = path.display();
    match whole::create(path, &text, Readers::Umask) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(usage(
                format!("{shown} is there already"),
                "edit it, or name another with --manifest FILE",
            ));
        }
        Err(error) => return Err(error).into_diagnostic().wrap_err(format!("cannot write {shown}")),
    }
    if args.json {
        let whole =
            std::path::absolute(path).into_diagnostic().wrap_err_with(|| format!("cannot find {shown}"))?;
        ui::data(&ui::json_page(&json!({ "format": 1, "path": whole.display().to_string() })))?;
    }
    ui::note(&format!("Wrote {shown}. Edit it, then: pi plan"));
    Ok(Exit::Done)
}

//! `pi init`: a commented manifest to start from.

use crate::cli::args::{Global, Init};
use crate::cli::exit::{Exit, usage};
use crate::cli::identity;
use crate::manifest::{starter, starter_local};
use crate::ui;
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Result, WrapErr};
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;

pub(super) fn run(global: &Global, args: &Init) -> Result<Exit> {
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

//! `pi schema`: the manifest's JSON Schema.

use crate::cli::terminal::exit::Exit;
use crate::manifest::schema;
use crate::ui;
use miette::{IntoDiagnostic, Result};

pub(in crate::cli) fn run() -> Result<Exit> {
    let text = serde_json::to_string_pretty(&schema()).into_diagnostic()?;
    ui::data(&format!("{text}\n"))?;
    Ok(Exit::Done)
}

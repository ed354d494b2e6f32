//! An edit of `pi.toml`: shown before it is written, told when it is.

use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::terminal::form::Form;
use crate::ui;
use miette::Result;

/// Shows what a text changes; nothing where that is nothing.
pub(in crate::cli) fn show(file: &ManifestFile, after: &str, form: Form) -> Result<()> {
    if file.text() == after {
        return Ok(());
    }
    ui::data(&match form {
        Form::Text => ui::manifest_diff(&file.shown(), file.text(), after),
        Form::Json => ui::json_line(&ui::edit_json(file.path(), file.text(), after)),
    })
}

/// Writes it, and tells machines so.
///
/// # Errors
/// As [`ManifestFile::write`].
pub(in crate::cli) fn write(file: &ManifestFile, after: &str, form: Form) -> Result<()> {
    file.write(after)?;
    if form == Form::Text || file.text() == after {
        return Ok(());
    }
    ui::data(&ui::json_line(&ui::written_json(file.path())))
}

/// Writes what nobody was shown before: machines are shown it now.
pub(in crate::cli) fn show_and_write(file: &ManifestFile, after: &str, form: Form) -> Result<()> {
    if form == Form::Json {
        show(file, after, form)?;
    }
    write(file, after, form)
}

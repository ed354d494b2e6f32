//! The project's id: made here, shown with the plan, and written into `pi.toml` before anything is changed.

use crate::cli::context::edit;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::terminal::form::Form;
use crate::manifest::edit::{id_line, set_id};
use crate::manifest::{Identity, Manifest};
use crate::name::ProjectId;
use crate::ui;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use std::fs::File;
use std::io::Read;

/// 60 bits: among a million projects two have the same with a chance of one in two million.
const LETTERS: usize = 12;

/// A new id, from the system's source of randomness.
///
/// # Errors
/// There is none.
pub(in crate::cli) fn make() -> Result<ProjectId> {
    let mut bytes = [0_u8; LETTERS];
    let source = "/dev/urandom";
    let read = File::open(source).and_then(|mut file| file.read_exact(&mut bytes));
    read.into_diagnostic().wrap_err_with(|| format!("cannot read {source}"))?;
    let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
    let letters = bytes.iter().map(|byte| char::from(alphabet[usize::from(byte % 32)]));
    ProjectId::parse(&letters.collect::<String>()).into_diagnostic()
}

/// A manifest's text with an id of its own.
///
/// # Errors
/// As [`make`] and [`set_id`].
pub(in crate::cli) fn with_new_id(text: &str) -> Result<String> {
    set_id(text, &make()?)
}

/// Shows the line that `pi.toml` will get, where it gets one.
///
/// # Errors
/// The file can't be read, or output can't be written.
pub(in crate::cli) fn show(manifest: &Manifest, form: Form) -> Result<()> {
    let Identity::Made(id) = &manifest.identity else { return Ok(()) };
    let file = ManifestFile::of(manifest)?;
    edit::show(&file, &set_id(file.text(), id)?, form)
}

/// Writes the id, where it is not in the file yet: the servers that are changed now are noted as this project's.
///
/// # Errors
/// The file can't be written; tells which line to add.
pub(in crate::cli) fn settle(manifest: &Manifest, form: Form) -> Result<()> {
    let Identity::Made(id) = &manifest.identity else { return Ok(()) };
    let file = ManifestFile::of(manifest)?;
    edit::write(&file, &set_id(file.text(), id)?, form).map_err(|error| {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        let help = format!("nothing was changed; add this line at its top, and commit it: {}", id_line(id));
        miette!(
            help = help,
            "{} has no project_id, and none could be written: {}",
            file.shown(),
            causes.join(": ")
        )
    })?;
    ui::note(&format!(
        "{} has its project_id now: commit it, so that all who use it are one project.",
        file.shown()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn where_it_cannot_be_written_the_line_is_told() {
        let here = tempfile::tempdir().unwrap();
        let id = make().unwrap();
        let manifest = parse("pi.toml", "", Path::new("/")).unwrap();
        let path = here.path().join("gone/pi.toml");
        let manifest = Manifest { path, identity: Identity::Made(id.clone()), ..manifest };
        let error = settle(&manifest, Form::Text).unwrap_err();
        assert!(error.to_string().contains("has no project_id, and none could be written"), "{error}");
        assert!(error.help().unwrap().to_string().contains(&id_line(&id)));
    }

    #[test]
    fn ids_differ() {
        let ids: BTreeSet<String> = (0..100).map(|_| make().unwrap().to_string()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == LETTERS), "{ids:?}");
    }
}

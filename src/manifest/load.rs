//! From a file to a manifest.

use super::check::check;
use super::raw::{File, TABLES};
use super::syntax;
use super::types::Manifest;
use super::value::{Place, Value};
use crate::bounded::{self, MANIFEST};
use crate::problem::Problems;
use miette::{IntoDiagnostic, WrapErr, miette};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads and checks the manifest at `path`.
///
/// # Errors
/// The file cannot be read, is not UTF-8, or has [`Problems`].
pub fn load(path: &Path) -> miette::Result<Manifest> {
    let here = std::env::current_dir().unwrap_or_default();
    let path = std::path::absolute(path)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot find {}", path.display()))?;
    let bytes = bounded::bytes(&path, MANIFEST)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|bad| {
        let good = String::from_utf8_lossy(&bad.as_bytes()[..bad.utf8_error().valid_up_to()]).into_owned();
        let line = good.matches('\n').count() + 1;
        miette!(help = "save it as UTF-8", "{}:{line} is not UTF-8 text", path.display())
    })?;
    let name = path.strip_prefix(&here).unwrap_or(&path).display().to_string();
    let manifest = parse(&name, &text, path.parent().unwrap_or(Path::new("/")))?;
    Ok(Manifest { path, ..manifest })
}

/// Reads and checks a manifest's text. `name` is what problems call the file; `dir`, where it lies, names the
/// project unless the text does.
///
/// # Errors
/// Everything that is wrong, at once. Where the text is not even TOML, only that.
pub fn parse(name: &str, text: &str, dir: &Path) -> Result<Manifest, Problems> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut problems = syntax::problems(&errors, text);
    let mut manifest = None;
    if syntax::is_readable(&errors) {
        let root = Spanned::new(document.span(), DeValue::Table(document.into_inner()));
        if let Some(file) = File::read(&root, &Place::file(TABLES), &mut problems) {
            manifest = check(&file, text, dir, &mut problems);
        }
    }
    match manifest {
        Some(manifest) if problems.is_empty() => Ok(Manifest { path: PathBuf::from(name), ..manifest }),
        _ => Err(Problems::new(name, text, problems)),
    }
}

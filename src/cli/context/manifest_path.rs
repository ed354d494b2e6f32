//! Where the manifest and pi's own directory are, on this machine.

use crate::cli::context::trust::trusted;
use crate::cli::terminal::exit::{as_usage, usage};
use crate::manifest::{Manifest, Surroundings, find, load};
use miette::Result;
use std::path::{Path, PathBuf};

/// Finds, reads and checks the manifest.
pub(in crate::cli) fn load_manifest(flag: Option<&Path>) -> Result<Manifest> {
    load(&find_manifest(flag)?)
}

/// Finds the manifest; an absolute path.
pub(in crate::cli) fn find_manifest(flag: Option<&Path>) -> Result<PathBuf> {
    trusted(find(&surroundings(flag), Path::is_file).map_err(|report| as_usage(&report))?)
}

/// `$PI_CONFIG_DIR`, else `~/.pi`.
pub(in crate::cli) fn config_dir() -> Result<PathBuf> {
    let directory = surroundings(None).config_dir();
    directory.ok_or_else(|| usage("there is no home directory", "set PI_CONFIG_DIR"))
}

/// What decides where the manifest is.
pub(in crate::cli) fn surroundings(flag: Option<&Path>) -> Surroundings {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    Surroundings {
        flag: flag.map(Path::to_owned),
        pi_manifest: path("PI_MANIFEST"),
        pi_config_dir: path("PI_CONFIG_DIR"),
        home: std::env::home_dir(),
        cwd: std::env::current_dir().unwrap_or_default(),
    }
}

//! The file itself: read, checked, written whole or not at all.

use crate::bounded::{self, MEMORY};
use crate::manifest::Manifest;
use crate::memory::pods_file::{FORMAT, PodsFile, Whose};
use crate::memory::types::Memory;
use crate::name::PodName;
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::Deserialize;
use serde_json::Value;
use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where `pods.json` is kept, and whose part of it is meant.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
    whose: Whose,
}

/// The only thing asked of a file before it is read in full.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

impl Store {
    /// What this manifest's project keeps in pi's directory (`$PI_CONFIG_DIR`).
    #[must_use]
    pub fn new(directory: &Path, manifest: &Manifest) -> Self {
        Self { directory: directory.to_owned(), whose: Whose::of(manifest) }
    }

    /// What is remembered of machines, whichever projects have seen them.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn of_all(directory: &Path) -> Result<Memory> {
        Ok(Self { directory: directory.to_owned(), whose: Whose::default() }.kept()?.all())
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.join("pods.json")
    }

    /// Names for what is kept of a pod in a directory of its own: by the project and the ssh target, as in the file. The
    /// first is the one to write, others may have been written before.
    #[must_use]
    pub fn folders(&self, pod: &PodName) -> Vec<String> {
        self.whose.folders(pod)
    }

    /// What is remembered; nothing if there is no file yet.
    ///
    /// A file that is broken or from a newer pi is an error and stays as it is.
    pub fn read(&self) -> Result<Memory> {
        Ok(self.kept()?.of(&self.whose))
    }

    fn kept(&self) -> Result<PodsFile> {
        let path = self.path();
        let text = match bounded::text(&path, MEMORY) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(PodsFile::default()),
            Err(error) => {
                return Err(error).into_diagnostic().wrap_err(format!("cannot read {}", path.display()));
            }
        };
        parse(&text, &path)
    }

    /// Changes what is remembered. Two pi at once take turns; a failed write leaves the file as it was.
    pub fn update(&self, change: impl FnOnce(&mut Memory)) -> Result<()> {
        let path = self.path();
        let failed = || format!("cannot write {}", path.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .into_diagnostic()
            .wrap_err_with(failed)?;
        // a lock of its own: writing replaces the file, and a lock on it would go with the old one
        let lock = self.directory.join("pods.lock");
        let lock = File::options().create(true).append(true).mode(0o600).open(lock);
        let lock =
            lock.and_then(|lock| lock.lock().map(|()| lock)).into_diagnostic().wrap_err_with(failed)?;
        let mut kept = self.kept()?;
        let before = kept.of(&self.whose);
        let mut memory = before.clone();
        change(&mut memory);
        if memory != before {
            kept.take(&self.whose, memory);
            write_whole(&path, &kept).wrap_err_with(failed)?;
        }
        drop(lock);
        Ok(())
    }
}

/// Whether this is a file of the older pi, the one in TypeScript: it has pods and no format.
#[must_use]
pub fn is_older(text: &str) -> bool {
    serde_json::from_str::<Value>(text)
        .is_ok_and(|file| file.get("format").is_none() && file.get("pods").is_some_and(Value::is_object))
}

fn parse(text: &str, path: &Path) -> Result<PodsFile> {
    let broken = |error: serde_json::Error| {
        miette!(
            help = "it is only a cache: move it away and pi will look at the pods anew",
            "{} is not what pi wrote: {error}",
            path.display()
        )
    };
    if is_older(text) {
        return Err(miette!(
            help = "`pi import` takes its pods and models into pi.toml, and puts it away",
            "{} was written by the older pi",
            path.display()
        ));
    }
    let Versioned { format } = serde_json::from_str(text).map_err(broken)?;
    if format > FORMAT {
        return Err(miette!(
            help = "update pi, or set PI_CONFIG_DIR to another directory",
            "{} was written by a newer pi (format {format}, this one knows {FORMAT})",
            path.display()
        ));
    }
    serde_json::from_str(text).map_err(broken)
}

fn write_whole(path: &Path, kept: &PodsFile) -> Result<()> {
    let text = serde_json::to_string_pretty(kept).into_diagnostic()?;
    whole::replace(path, &format!("{text}\n"), Readers::Owner).into_diagnostic()
}

#[cfg(test)]
mod tests;

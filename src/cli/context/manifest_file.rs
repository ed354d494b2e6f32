//! `pi.toml` for the verbs that change it: read once, edited in memory, written whole or not at all.

use crate::bounded::{self, MANIFEST};
use crate::cli::context::flags::Global;
use crate::cli::context::manifest_path::{find_manifest, surroundings};
use crate::cli::context::trust::trusted;
use crate::cli::terminal::exit::usage;
use crate::manifest::{Manifest, find, parse};
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Report, Result, WrapErr, miette};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A manifest as it was read.
pub(in crate::cli) struct ManifestFile {
    path: PathBuf,
    /// Nothing where there is no file yet.
    text: Option<String>,
}

impl ManifestFile {
    /// The manifest that there is.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(in crate::cli) fn open(global: &Global) -> Result<Self> {
        Self::at(find_manifest(global.manifest.as_deref())?)
    }

    /// The manifest that there is, else the one to be made: where `--manifest` or `$PI_MANIFEST` say, or here.
    pub(in crate::cli) fn open_or_new(global: &Global) -> Result<Self> {
        let around = surroundings(global.manifest.as_deref());
        if let Ok(found) = find(&around, Path::is_file) {
            return Self::at(trusted(found)?);
        }
        let named = [&around.flag, &around.pi_manifest].into_iter().flatten();
        let named = named.map(PathBuf::as_path).find(|path| !path.as_os_str().is_empty());
        Self::at(around.cwd.join(named.unwrap_or(Path::new("pi.toml"))))
    }

    fn at(path: PathBuf) -> Result<Self> {
        let text = current(&path)?;
        Ok(Self { path, text })
    }

    /// The file of a manifest that was read before.
    pub(in crate::cli) fn of(manifest: &Manifest) -> Result<Self> {
        Self::at(manifest.path.clone())
    }

    /// Whether there is no file yet.
    pub(in crate::cli) fn is_new(&self) -> bool {
        self.text.is_none()
    }

    /// The same file as it is now.
    pub(in crate::cli) fn again(&self) -> Result<Self> {
        Self::at(self.path.clone())
    }

    /// Where it is.
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, as people say it.
    pub(in crate::cli) fn shown(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        self.path.strip_prefix(&here).unwrap_or(&self.path).display().to_string()
    }

    /// Its text.
    pub(in crate::cli) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// What a text would mean in its place.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(in crate::cli) fn parse(&self, text: &str) -> Result<Manifest> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let manifest = parse(&self.shown(), text, directory)?;
        Ok(Manifest { path: self.path.clone(), ..manifest })
    }

    /// Puts a text in its place, with the same owner and mode; the file is never half written.
    ///
    /// # Errors
    /// Somebody else has changed it since it was read, or it cannot be written.
    pub(in crate::cli) fn write(&self, text: &str) -> Result<()> {
        let failed = || format!("cannot write {}", self.shown());
        // what links to it stays a link
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let before = File::open(&path).ok();
        if let Some(before) = &before {
            // two pi at once take turns; where a file system knows no locks, they are merely unlikely to meet
            drop(before.lock());
        }
        if current(&path)? != self.text {
            return Err(self.changed());
        }
        if self.text.as_deref() != Some(text) {
            let written = match &before {
                Some(before) => whole::replace_as(&path, text, before),
                None => whole::create(&path, text, Readers::Umask),
            };
            written.into_diagnostic().wrap_err_with(failed)?;
        }
        Ok(())
    }

    fn changed(&self) -> Report {
        let shown = self.shown();
        miette!(help = "run the command again", "{shown} has been changed meanwhile: it was left as it is")
    }
}

/// A file's text; none if there is no file.
fn current(path: &Path) -> Result<Option<String>> {
    match bounded::text(path, MANIFEST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(usage(format!("{} is not UTF-8 text", path.display()), "save it as UTF-8"))
        }
        Err(error) => {
            Err(error).into_diagnostic().wrap_err_with(|| format!("cannot read {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn file(text: Option<&str>) -> (tempfile::TempDir, ManifestFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pi.toml");
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        (directory, ManifestFile::at(path).unwrap())
    }

    #[test]
    fn it_is_replaced_whole_and_keeps_its_mode() {
        let (directory, file) = file(Some("# a\n"));
        fs::set_permissions(&file.path, Permissions::from_mode(0o640)).unwrap();
        file.write("# b\n").unwrap();
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "# b\n");
        assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "something was left beside it");
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        for before in [Some("# a\n"), None] {
            let (_directory, file) = file(before);
            fs::write(&file.path, "# theirs\n").unwrap();
            let error = file.write("# b\n").unwrap_err();
            assert!(error.to_string().contains("has been changed meanwhile"), "{error}");
            assert_eq!(fs::read_to_string(&file.path).unwrap(), "# theirs\n");
            file.again().unwrap().write("# b\n").unwrap();
            assert_eq!(fs::read_to_string(&file.path).unwrap(), "# b\n");
        }
    }

    #[test]
    fn a_new_file_is_one_that_others_may_read() {
        let (_directory, file) = file(None);
        file.write("# b\n").unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().mode() & 0o600, 0o600);
        let plain = file.path.with_file_name("plain");
        fs::write(&plain, "").unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().mode(), fs::metadata(&plain).unwrap().mode());
    }

    #[test]
    fn a_link_stays_a_link() {
        let (directory, file) = file(Some("# a\n"));
        let link = directory.path().join("link.toml");
        std::os::unix::fs::symlink(&file.path, &link).unwrap();
        ManifestFile::at(link.clone()).unwrap().write("# b\n").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "# b\n");
    }
}

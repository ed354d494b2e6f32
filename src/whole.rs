//! The one writer: a file is there whole, or as it was before.
//!
//! In: a path, a text. Out: the file, written beside its place and moved there. What only grows, line by line, is
//! appended to elsewhere.

use std::fs::{File, Permissions};
use std::io::{Result, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use tempfile::NamedTempFile;

/// Who may read a new file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Its owner.
    Owner,
    /// As any new file: whom the umask lets.
    Umask,
}

/// Writes a file that is not there yet.
///
/// # Errors
/// Anything has this name, a link too: [`std::io::ErrorKind::AlreadyExists`]. Or it cannot be written.
pub fn create(path: &Path, text: &str, readers: Readers) -> Result<()> {
    beside(path, text, readers)?.persist_noclobber(path)?;
    Ok(())
}

/// Writes a file in place of the one that may be there.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, text: &str, readers: Readers) -> Result<()> {
    beside(path, text, readers)?.persist(path)?;
    Ok(())
}

/// Writes a file in place of this one, with the same owner and mode.
///
/// # Errors
/// It cannot be written, or its owner cannot be kept.
pub fn replace_as(path: &Path, text: &str, before: &File) -> Result<()> {
    let file = beside(path, text, Readers::Owner)?;
    let (old, new) = (before.metadata()?, file.as_file().metadata()?);
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        let kept = std::os::unix::fs::fchown(file.as_file(), Some(old.uid()), Some(old.gid()));
        kept.map_err(|error| {
            std::io::Error::new(error.kind(), format!("its owner cannot be kept: {error}"))
        })?;
    }
    file.as_file().set_permissions(old.permissions())?;
    file.persist(path)?;
    Ok(())
}

fn beside(path: &Path, text: &str, readers: Readers) -> Result<NamedTempFile> {
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::Umask => 0o666,
    };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(".pi-").permissions(Permissions::from_mode(mode)).tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::ErrorKind;

    #[test]
    fn a_file_is_made_where_nothing_is_and_replaced_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let mode = |name: &str| fs::metadata(path(name)).unwrap().mode() & 0o777;
        create(&path("new"), "a", Readers::Owner).unwrap();
        assert_eq!(mode("new"), 0o600);
        std::os::unix::fs::symlink("nowhere", path("dangling")).unwrap();
        for taken in ["new", "dangling", "."] {
            let error = create(&path(taken), "b", Readers::Umask).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{taken}");
        }
        replace(&path("new"), "b", Readers::Owner).unwrap();
        fs::set_permissions(path("new"), Permissions::from_mode(0o640)).unwrap();
        replace_as(&path("new"), "c", &File::open(path("new")).unwrap()).unwrap();
        assert_eq!((fs::read_to_string(path("new")).unwrap().as_str(), mode("new")), ("c", 0o640));
        let names: Vec<_> =
            fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "something was left: {names:?}");
    }
}

//! The one writer: a file is there whole, or as it was before.
//!
//! In: a path, a text. Out: the file, written beside its place and moved there; or, where it only grows, whole lines
//! behind whole lines.

use crate::bounded::at_most;
use std::fs::{File, Permissions};
use std::io::{Result, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
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

/// Appends whole lines to a file, which is made if need be. Others who append take turns. What a writer that was killed
/// has left of a line goes first, and so does what comes of these lines when the disk is full.
///
/// # Errors
/// It cannot be written: then it is as it was.
pub fn append(path: &Path, lines: &str, readers: Readers) -> Result<()> {
    let mut file = File::options().create(true).read(true).append(true).mode(mode(readers)).open(path)?;
    file.lock()?;
    let whole = whole_lines(&mut file)?;
    file.set_len(whole)?;
    file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).inspect_err(|_| {
        // the reason is told already
        drop(file.set_len(whole));
    })
}

/// How many bytes of a file are whole lines.
fn whole_lines(file: &mut File) -> Result<u64> {
    /// As much is read at once, from the end on.
    const BLOCK: u64 = 64 << 10;
    let mut end = file.metadata()?.len();
    while end > 0 {
        let begin = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(begin))?;
        let block = at_most(&*file, end - begin)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

fn mode(readers: Readers) -> u32 {
    match readers {
        Readers::Owner => 0o600,
        Readers::Umask => 0o666,
    }
}

fn beside(path: &Path, text: &str, readers: Readers) -> Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let mut file =
        builder.prefix(".pi-").permissions(Permissions::from_mode(mode(readers))).tempfile_in(directory)?;
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
    fn lines_are_appended_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lines");
        let torn = "x".repeat(200_000);
        let table = [
            ("", "a\n"),
            ("a\n", "a\na\n"),
            ("torn", "a\n"),
            (&torn, "a\n"),
            ("b\ntorn", "b\na\n"),
            (&format!("b\n{torn}"), "b\na\n"),
        ];
        for (before, after) in table {
            fs::write(&path, before).unwrap();
            append(&path, "a\n", Readers::Owner).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
        fs::remove_file(&path).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| append(&path, "word word\n", Readers::Owner).unwrap()));
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "word word\n".repeat(400));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

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

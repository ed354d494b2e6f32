//! Where the sockets of kept connections live.
//!
//! Out: a directory of our own that nobody else can look into, with a path short enough for a Unix socket.
//! Whoever can use such a socket is root on the pod, hence the suspicion.

use super::RemoteError;
use std::fs::{DirBuilder, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Longest path of the directory: 108 bytes, less our names (`/` + 24) and the 17 bytes that ssh adds while it
/// makes a socket.
const LONGEST: usize = 108 - 25 - 17 - 1;

/// `wanted`, else `$XDG_RUNTIME_DIR/pi`, else `/tmp/pi-UID`; made if need be.
pub(super) fn directory(wanted: Option<&Path>) -> Result<PathBuf, RemoteError> {
    let me = me()?;
    let dir = match wanted {
        Some(dir) => dir.to_owned(),
        None => runtime_dir(me).map_or_else(|| PathBuf::from(format!("/tmp/pi-{me}")), |dir| dir.join("pi")),
    };
    let bad = |why: String| RemoteError::BadSocketDir { dir: dir.clone(), why };
    if dir.as_os_str().len() > LONGEST {
        return Err(bad(format!("its path is longer than {LONGEST} bytes")));
    }
    match DirBuilder::new().mode(0o700).create(&dir) {
        Err(err) if err.kind() != ErrorKind::AlreadyExists => return Err(bad(err.to_string())),
        Ok(()) | Err(_) => {}
    }
    let found = std::fs::symlink_metadata(&dir).map_err(|err| bad(err.to_string()))?;
    doubt(&found, me).map_or(Ok(dir.clone()), |why| Err(bad(why.to_owned())))
}

/// What speaks against a directory.
fn doubt(found: &Metadata, me: u32) -> Option<&'static str> {
    if found.is_symlink() {
        Some("it is a symbolic link")
    } else if !found.is_dir() {
        Some("it is not a directory")
    } else if found.uid() != me {
        Some("it belongs to somebody else")
    } else if found.mode() & 0o077 != 0 {
        Some("others may look into it")
    } else {
        None
    }
}

/// `$XDG_RUNTIME_DIR`, if it is ours: behind `sudo` and `su` it often is somebody else's.
fn runtime_dir(me: u32) -> Option<PathBuf> {
    let dir = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    let found = std::fs::metadata(&dir).ok()?;
    let fits = dir.is_absolute() && dir.as_os_str().len() + 3 <= LONGEST;
    (fits && doubt(&found, me).is_none()).then_some(dir)
}

/// The user's number. std does not tell it; whoever makes a file owns it.
fn me() -> Result<u32, RemoteError> {
    let owner = tempfile::tempfile().and_then(|file| file.metadata()).map(|found| found.uid());
    owner.map_err(|err| RemoteError::BadSocketDir { dir: std::env::temp_dir(), why: err.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_a_directory_of_our_own_will_do() {
        let temp = tempfile::tempdir_in("/tmp").unwrap();
        let path = |name: &str| temp.path().join(name);
        assert_eq!(directory(Some(&path("new"))).unwrap(), path("new"));
        assert_eq!(path("new").metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(directory(Some(&path("new"))).unwrap(), path("new"), "a second time");

        symlink(path("new"), path("link")).unwrap();
        std::fs::write(path("file"), "").unwrap();
        std::fs::create_dir(path("open")).unwrap();
        std::fs::set_permissions(path("open"), PermissionsExt::from_mode(0o750)).unwrap();
        let table = [
            (path("link"), "symbolic link"),
            (path("file"), "not a directory"),
            (path("open"), "others may look into it"),
            (path("no/parent"), "No such file"),
            (path(&"x".repeat(80)), "longer than"),
        ];
        for (dir, why) in table {
            let error = directory(Some(&dir)).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.code(), "bad-socket-dir");
        }
    }
}

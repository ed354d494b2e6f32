//! Where the sockets of kept connections live.
//!
//! Out: a directory of our own that nobody else can look into, with a path short enough for a Unix socket.
//! Whoever can use such a socket is root on the pod, hence the suspicion.

use super::RemoteError;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
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

/// Removes what connections have left that are dead: sockets where nobody listens, and what stands beside them. One that
/// another pi is making at this moment is locked, and left alone; so is the file of the lock, for which others may wait.
pub(super) fn sweep(dir: &Path) {
    let paths = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    for socket in paths.filter(|path| is_dead(path)) {
        if socket.extension().is_some_and(|end| end == "sock") {
            let lock =
                File::options().create(true).append(true).mode(0o600).open(socket.with_extension("lock"));
            // looked at again under the lock: it may be another one by now
            if lock.is_ok_and(|lock| lock.try_lock().is_ok() && is_dead(&socket)) {
                for end in ["sock", "log", "conf"] {
                    drop(std::fs::remove_file(socket.with_extension(end)));
                }
            }
        } else {
            drop(std::fs::remove_file(socket));
        }
    }
    // ssh listens on them as long as the connection stays, also when the pi that asked for them was killed
    let paths = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    for forward in paths.filter(|path| is_forsaken(path)) {
        drop(std::fs::remove_file(forward));
    }
}

/// Whether it is a socket that refuses: nobody listens, and nobody ever will.
fn is_dead(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err_and(|err| err.kind() == ErrorKind::ConnectionRefused)
}

/// Whether it is a forward (`PID-COUNT.fwd`) of a process that is gone.
fn is_forsaken(path: &Path) -> bool {
    let owner = path.file_name().and_then(OsStr::to_str).and_then(|name| {
        let (pid, _) = name.strip_suffix(".fwd")?.split_once('-')?;
        pid.parse().ok().filter(|pid| *pid > 0)
    });
    owner.is_some_and(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
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
    use std::os::unix::net::UnixListener;

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

    #[test]
    fn only_what_nobody_listens_on_is_swept() {
        let temp = tempfile::tempdir_in("/tmp").unwrap();
        let path = |name: &str| temp.path().join(name);
        let dead = |name: &str| drop(UnixListener::bind(path(name)).unwrap());
        let live = UnixListener::bind(path("live.sock")).unwrap();
        // the largest number of a process is 4194304
        let ours = format!("{}-0.fwd", std::process::id());
        let forwards = [&*ours, "4194305-0.fwd"].map(|name| UnixListener::bind(path(name)).unwrap());
        for name in ["dead.sock", "busy.sock", "77-0.fwd", "dead.sock.JqYdvbz3Yo3kHnLt"] {
            dead(name);
        }
        for name in ["live.log", "dead.log", "dead.conf", "dead.lock", "busy.log", "plain.sock"] {
            std::fs::write(path(name), "").unwrap();
        }
        let busy = File::options().create(true).append(true).open(path("busy.lock")).unwrap();
        busy.lock().unwrap();
        sweep(temp.path());
        let left = std::fs::read_dir(temp.path()).unwrap();
        let mut left: Vec<String> =
            left.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        left.sort();
        let expected = [
            &*ours,
            "busy.lock",
            "busy.log",
            "busy.sock",
            "dead.lock",
            "live.log",
            "live.sock",
            "plain.sock",
        ];
        assert_eq!(left, expected);
        drop((live, busy, forwards));
    }
}

//! Which tunnels are open on this machine, so that `pi env` can name the local end of one.
//!
//! One file for each in pi's directory, with its local port and its process. Whoever holds the tunnel holds a lock on
//! the file: that ends with the process, however it ends. The port stays, so that the next tunnel takes the same one.

use crate::bounded::{self, TOKEN};
use crate::memory::Store;
use crate::name::PodName;
use crate::name::{ModelName, Port};
use miette::{IntoDiagnostic, Result, WrapErr};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// Where a server's tunnel is noted.
pub(in crate::cli) struct Note {
    path: PathBuf,
}

/// A tunnel that is noted as open, as long as this lives.
#[derive(Debug)]
pub(in crate::cli) struct Noted {
    _lock: File,
}

impl Note {
    pub(in crate::cli) fn new(store: &Store, pod: &PodName, name: &ModelName) -> Self {
        Self { path: store.path().with_file_name("tunnels").join(pod.as_str()).join(name.as_str()) }
    }

    /// The local port of the last tunnel.
    pub(in crate::cli) fn last(&self) -> Option<Port> {
        let text = bounded::text(&self.path, TOKEN).ok()?;
        text.split_whitespace().next()?.parse().ok().and_then(Port::new)
    }

    /// The local port of the tunnel that is open now.
    pub(in crate::cli) fn open(&self) -> Option<Port> {
        let file = File::open(&self.path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => self.last(),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// Asks the process that holds the open tunnel to end; whether there is one.
    pub(in crate::cli) fn end(&self) -> bool {
        if self.open().is_none() {
            return false;
        }
        // whoever holds the lock lives, so that the number is still its own
        let text = bounded::text(&self.path, TOKEN).unwrap_or_default();
        let pid = text.split_whitespace().nth(1).and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 1);
        pid.is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok())
    }

    /// Notes an open tunnel; none if another one is noted already.
    pub(in crate::cli) fn take(&self, port: Port) -> Result<Option<Noted>> {
        let failed = || format!("cannot write {}", self.path.display());
        let directory = self.path.parent().unwrap_or(&self.path);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .into_diagnostic()
            .wrap_err_with(failed)?;
        let open = File::options().create(true).truncate(false).write(true).mode(0o600).open(&self.path);
        let mut lock = open.into_diagnostic().wrap_err_with(failed)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            done => done.into_diagnostic().wrap_err_with(failed)?,
        }
        let written = lock.set_len(0).and_then(|()| writeln!(lock, "{port} {}", std::process::id()));
        written.into_diagnostic().wrap_err_with(failed)?;
        Ok(Some(Noted { _lock: lock }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_is_open_as_long_as_somebody_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let (pod, name) = ("dc1".parse().unwrap(), "qwen".parse().unwrap());
        let note = Note::new(
            &Store::new(dir.path(), &crate::manifest::parse("pi.toml", "", dir.path()).unwrap()),
            &pod,
            &name,
        );
        let port = |number| Port::new(number).unwrap();
        assert_eq!((note.open(), note.last()), (None, None));
        let held = note.take(port(8001)).unwrap().unwrap();
        assert_eq!(note.open(), Some(port(8001)));
        assert!(note.take(port(9)).unwrap().is_none(), "a second one");
        assert_eq!(note.open(), Some(port(8001)));
        drop(held);
        assert_eq!((note.open(), note.last()), (None, Some(port(8001))));
        drop(note.take(port(123)).unwrap().unwrap());
        assert_eq!(note.last(), Some(port(123)));
    }
}

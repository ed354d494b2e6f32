//! Which tunnels are open on this machine, so that `pi env` can name the local end of one.
//!
//! One file for each in pi's directory, by project and ssh target, with its local port and its process. Whoever holds the
//! tunnel holds a lock beside the file: that ends with the process, however it ends. The port stays, so that the next
//! tunnel takes the same one.

use crate::bounded::{self, TOKEN};
use crate::memory::Store;
use crate::name::PodName;
use crate::name::{ModelName, Port};
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Result, WrapErr};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

/// Where a server's tunnel is noted.
pub(in crate::cli) struct Note {
    /// The first is the one that is written; in the others an earlier pi, or this one while `pi.toml` had no
    /// `project_id`, may have left one.
    places: Vec<Place>,
}

/// One file that may hold the note.
struct Place {
    note: PathBuf,
    /// Locked as long as the tunnel is open. In the oldest places it is the note itself.
    lock: PathBuf,
}

/// A tunnel that is noted as open, as long as this lives.
#[derive(Debug)]
pub(in crate::cli) struct Noted {
    _lock: File,
}

impl Note {
    pub(in crate::cli) fn new(store: &Store, pod: &PodName, name: &ModelName) -> Self {
        let tunnels = store.path().with_file_name("tunnels");
        let place = |folder: String| Place {
            note: tunnels.join(&folder).join(name.as_str()),
            // no server has such a name
            lock: tunnels.join(&folder).join(format!("{name}@lock")),
        };
        let oldest = tunnels.join(pod.as_str()).join(name.as_str());
        let oldest = Place { note: oldest.clone(), lock: oldest };
        Self { places: store.folders(pod).into_iter().map(place).chain([oldest]).collect() }
    }

    /// The local port of the last tunnel.
    pub(in crate::cli) fn last(&self) -> Option<Port> {
        self.places.iter().find_map(|place| Some(place.read()?.0))
    }

    /// The local port of the tunnel that is open now.
    pub(in crate::cli) fn open(&self) -> Option<Port> {
        Some(self.held()?.0)
    }

    /// Asks the process that holds the open tunnel to end; whether there is one.
    pub(in crate::cli) fn end(&self) -> bool {
        // whoever holds the lock lives, so that the number is still its own
        self.held().is_some_and(|(_, pid)| pid.is_some_and(|pid| kill(pid, Signal::SIGTERM).is_ok()))
    }

    /// Notes an open tunnel; none if another one is noted already.
    pub(in crate::cli) fn take(&self, port: Port) -> Result<Option<Noted>> {
        let Some((place, former)) = self.places.split_first() else { return Ok(None) };
        let failed = || format!("cannot write {}", place.note.display());
        if self.held().is_some() {
            return Ok(None);
        }
        let directory = place.note.parent().unwrap_or(&place.note);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .into_diagnostic()
            .wrap_err_with(failed)?;
        let open = File::options().create(true).append(true).mode(0o600).open(&place.lock);
        let lock = open.into_diagnostic().wrap_err_with(failed)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            done => done.into_diagnostic().wrap_err_with(failed)?,
        }
        let line = format!("{port} {}\n", std::process::id());
        whole::replace(&place.note, &line, Readers::Owner).into_diagnostic().wrap_err_with(failed)?;
        former.iter().for_each(Place::remove);
        Ok(Some(Noted { _lock: lock }))
    }

    fn held(&self) -> Option<(Port, Option<Pid>)> {
        self.places.iter().filter(|place| place.is_held()).find_map(Place::read)
    }
}

impl Place {
    fn is_held(&self) -> bool {
        File::open(&self.lock)
            .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The local port, and the process.
    fn read(&self) -> Option<(Port, Option<Pid>)> {
        let text = bounded::text(&self.note, TOKEN).ok()?;
        let mut words = text.split_whitespace();
        let port = words.next()?.parse().ok().and_then(Port::new)?;
        let pid = words.next().and_then(|pid| pid.parse().ok()).filter(|pid| *pid > 1);
        Some((port, pid.map(Pid::from_raw)))
    }

    /// Removes what nobody holds, and the directory if it was the last.
    fn remove(&self) {
        if !self.is_held() {
            // there is hardly ever anything
            drop(std::fs::remove_file(&self.note));
            drop(std::fs::remove_file(&self.lock));
            drop(self.note.parent().map(std::fs::remove_dir));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn port(number: u16) -> Port {
        Port::new(number).unwrap()
    }

    /// The note of `qwen` on `dc1` in a project, with an id or without, at an ssh target.
    fn note(dir: &Path, project: &str, ssh: &str) -> Note {
        let text = format!("{project}\n[pods.dc1]\nssh = \"{ssh}\"\n");
        let manifest = crate::manifest::parse("pi.toml", &text, Path::new("/there")).unwrap();
        Note::new(&Store::new(dir, &manifest), &"dc1".parse().unwrap(), &"qwen".parse().unwrap())
    }

    #[test]
    fn a_tunnel_is_open_as_long_as_somebody_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let note = note(dir.path(), "", "ssh root@a");
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

    #[test]
    fn a_tunnel_is_that_of_one_project_and_one_machine() {
        let (one, other) = ("project_id = \"aaaaaaaaaaaa\"", "project_id = \"bbbbbbbbbbbb\"");
        let table = [
            ((one, "ssh root@a"), (one, "ssh root@a"), true),
            ((one, "ssh root@a"), (other, "ssh root@a"), false),
            ((one, "ssh root@a"), (one, "ssh root@b"), false),
            // before the manifest got its id
            (("", "ssh root@a"), (one, "ssh root@a"), true),
            (("", "ssh root@a"), (one, "ssh root@b"), false),
        ];
        for ((project, ssh), (asks, at), same) in table {
            let dir = tempfile::tempdir().unwrap();
            let held = note(dir.path(), project, ssh).take(port(8001)).unwrap();
            let asked = note(dir.path(), asks, at);
            assert_eq!(asked.open().is_some(), same, "{project} {ssh}: {asks} {at}");
            assert_eq!(asked.take(port(8002)).unwrap().is_none(), same, "{project} {ssh}: {asks} {at}");
            drop(held);
        }
    }

    #[test]
    fn one_that_an_older_pi_holds_is_found_and_what_it_left_goes() {
        let dir = tempfile::tempdir().unwrap();
        let old = dir.path().join("tunnels/dc1/qwen");
        std::fs::create_dir_all(old.parent().unwrap()).unwrap();
        std::fs::write(&old, "8003 1\n").unwrap();
        let held = File::open(&old).unwrap();
        held.lock().unwrap();
        let note = note(dir.path(), "project_id = \"aaaaaaaaaaaa\"", "ssh root@a");
        assert_eq!(note.open(), Some(port(8003)));
        assert!(note.take(port(9)).unwrap().is_none(), "a second one");
        drop(held);
        assert_eq!((note.open(), note.last()), (None, Some(port(8003))));
        let held = note.take(port(8003)).unwrap();
        assert!(held.is_some() && !old.exists() && !old.parent().unwrap().exists());
    }
}

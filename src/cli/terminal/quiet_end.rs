//! Ends that leave no secrets behind: no core dump, and of a bug only where it is.

use crate::cli::terminal::exit::Exit;
use crate::ui;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

/// Sees to it that what is in memory is written nowhere, however `pi` ends.
///
/// A core dump of `pi`, or of a child such as ssh, would hold secrets. The limit is inherited; what is started for the
/// person may raise it again. That `pi` can't be dumped is not, and holds where dumps are piped to a program, too.
pub(in crate::cli) fn prepare() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, most);
    }
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
    // the words of a panic may quote what it stumbled over
    set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
        ui::note(&bug(&place.unwrap_or_default()));
    }));
}

fn bug(place: &str) -> String {
    format!("pi has a bug{place}: please report it, with the command. `pi plan` shows how the pods are now.")
}

/// Does work; a panic in it is an exit code.
pub(in crate::cli) fn guarded(work: impl FnOnce() -> Exit) -> Exit {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Exit::Bug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_exit_code() {
        assert_eq!(guarded(|| Exit::Done), Exit::Done);
        assert_eq!(guarded(|| panic!("a secret")).code(), 70);
    }
}

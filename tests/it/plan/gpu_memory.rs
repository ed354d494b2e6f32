//! After a stop GPU memory is waited for, as far as nvidia-smi tells of it. For real, but for the GPU: what stands for
//! nvidia-smi prints the lines that the real one does.

use super::scratch::{Scratch, first_run};
use pi::plan::{Action, scripts};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// A pod with a server, and an nvidia-smi that lists processes.
struct Pod(Scratch);

impl Pod {
    /// It lists the server's leader as often as said, and `4711`, which is somebody else, always.
    fn new(times: usize) -> Self {
        let scratch = Scratch::new();
        scratch.act(&first_run(scratch.server()), "");
        let smi = scratch.path("bin/nvidia-smi");
        fs::create_dir(scratch.path("bin")).unwrap();
        let leader = fs::read_to_string(scratch.path("pi/servers/sleeper/current/pid")).unwrap();
        let leader = leader.split(' ').next().unwrap();
        let asked = scratch.path("asked").display().to_string();
        let text = format!(
            "#!/bin/bash\n[[ $* == '--query-compute-apps=pid --format=csv,noheader' ]] || exit 2\necho >>{asked}\necho 4711\n\
             if (($(wc -l <{asked}) <= {times})); then echo {leader}; fi\n"
        );
        fs::write(&smi, text).unwrap();
        fs::set_permissions(&smi, fs::Permissions::from_mode(0o755)).unwrap();
        Self(scratch)
    }

    /// Stops the server: what was said, and how often nvidia-smi was asked.
    fn stop(&self) -> (String, usize) {
        let Self(scratch) = self;
        let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
        let stop = scripts(&Action::StopServer("sleeper".parse().unwrap()), scratch.pod()).unwrap();
        let [stop] = stop.try_into().unwrap();
        let out = Command::new("bash").args(["-c", &stop.text]).env("PATH", path).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(scratch.sessions(), Vec::<u32>::new());
        let asked = fs::read_to_string(scratch.path("asked")).unwrap().lines().count();
        (String::from_utf8(out.stdout).unwrap(), asked)
    }
}

#[test]
fn processes_that_the_driver_no_longer_lists_are_not_waited_for() {
    assert_eq!(Pod::new(0).stop(), (String::new(), 1));
}

#[test]
fn memory_that_comes_back_late_is_waited_for() {
    assert_eq!(Pod::new(3).stop(), ("waiting for its GPU memory\n".to_owned(), 4));
}

#[test]
fn memory_that_does_not_come_back_is_told_of() {
    let (said, _) = Pod::new(1000).stop();
    let told =
        "waiting for its GPU memory\nits GPU memory is not free after 20 s: nvidia-smi still lists PID ";
    assert!(said.starts_with(told), "{said}");
}

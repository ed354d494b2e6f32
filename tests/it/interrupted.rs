//! Ctrl-C while a server is starting: at a terminal pi asks what becomes of it, elsewhere it is stopped.

use crate::sshd::{eventually, kill, processes_with};
use crate::workplace::{Ran, Workplace};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// A server that never answers; each test has its own number.
fn manifest(number: u32) -> String {
    format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/pi.toml\"\n\
         engine = \"command\"\ncommand = [\"sleep\", \"{number}\"]\n"
    )
}

fn follower(place: &Workplace) -> String {
    format!("-F -- {}", place.pod().join("servers/echo/runs/").display())
}

#[test]
fn without_a_terminal_it_is_stopped() {
    let place = Workplace::with(&manifest(47_150));
    let child = place.command("apply --yes").spawn().unwrap();
    eventually("pi waits for the server", || !processes_with(&follower(&place)).is_empty());
    kill("INT", child.id());
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.exits(130).says("stopped before it had started").says("Not all applied");
    assert_eq!(processes_with("sleep 47150"), Vec::<u32>::new());
    assert!(place.pod().join("servers/echo/stopped").exists());
    place.pi("plan --detailed-exitcode").exits(2).says("server     echo");
    place.pi("history").exits(0).says("pi was interrupted while it started");
    place.pi("destroy --yes").exits(0);
}

/// `pi` at a real terminal: what it shows, and its exit code.
fn at_terminal(place: &Workplace, typed: &str) -> (String, Option<i32>) {
    let mut pi = Command::new("script");
    let line = format!("{} apply --yes", env!("CARGO_BIN_EXE_pi"));
    pi.args(["--quiet", "--flush", "--return", "--command", &line, "/dev/null"]).current_dir(place.path());
    let own = place.command("");
    pi.env_clear().envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "dumb");
    let mut child = pi.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let shown = Arc::new(Mutex::new(String::new()));
    let (mut out, seen) = (child.stdout.take().unwrap(), shown.clone());
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = out.read(&mut bytes) {
            seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    let mut keys = child.stdin.take().unwrap();
    eventually("pi waits for the server", || !processes_with(&follower(place)).is_empty());
    keys.write_all(b"\x03").unwrap();
    eventually("it asks", || shown.lock().unwrap().contains("[k]eep it starting, or [s]top it?"));
    keys.write_all(typed.as_bytes()).unwrap();
    let code = child.wait().unwrap().code();
    reader.join().unwrap();
    let shown = shown.lock().unwrap().clone();
    (shown, code)
}

#[test]
fn at_a_terminal_it_is_left_to_start_or_stopped() {
    let place = Workplace::with(&manifest(47_151));
    let (shown, code) = at_terminal(&place, "x\n\nk\n");
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("it was left to start: `pi logs echo` follows it"), "{shown}");
    // anything else is asked again
    assert_eq!(shown.matches("[k]eep it starting").count(), 3, "{shown}");
    assert_eq!(processes_with("sleep 47151").len(), 1);
    place.pi("destroy --yes").exits(0);
    let (shown, code) = at_terminal(&place, "s\n");
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("stopped before it had started"), "{shown}");
    assert_eq!(processes_with("sleep 47151"), Vec::<u32>::new());
    // the end of the input is as without a terminal
    let (shown, code) = at_terminal(&place, "\x04");
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("stopped before it had started"), "{shown}");
    place.pi("destroy --yes").exits(0);
}

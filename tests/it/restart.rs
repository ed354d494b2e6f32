//! `restart = "on-failure"`: the server's own session starts the engine again, without pi; it is still one session, and
//! stopping it stops all of it.

use crate::sshd::{environment, eventually, kill, processes_with};
use crate::workplace::Workplace;
use serde_json::Value;
use std::fs;

/// Ends with an error at once if the file `broken` is there; a worker outlives it, as engines' workers do.
const SERVER: &str = r#"
import os, subprocess, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
here = os.path.dirname(sys.argv[0])
if os.path.exists(here + "/broken"):
    sys.exit(3)
subprocess.Popen(["sleep", "300." + sys.argv[1]])
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("content-length", "0")
        self.end_headers()
        if self.path == "/end":
            os._exit(0)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever()
"#;

fn place(restart: &str) -> (Workplace, u16) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/server.py\"\n\
         engine = \"command\"\nport = {port}\n{restart}\ncommand = [\"python3\", \"{{model}}\", \"{{port}}\"]\n"
    ));
    fs::write(place.path().join("server.py"), SERVER).unwrap();
    (place, port)
}

/// The engine itself, which is not the session's leader.
fn engine(place: &Workplace) -> Vec<u32> {
    processes_with(&format!("python3 {}/server.py", place.path().display()))
}

fn server(place: &Workplace) -> Value {
    let plan = place.pi("plan --json");
    serde_json::from_str(&plan.out).unwrap()
}

#[test]
fn an_engine_that_dies_is_started_again_in_the_same_session() {
    let (place, port) = place("restart = \"on-failure\"");
    place.pi("apply --yes").exits(0);
    let pid = || fs::read_to_string(place.pod().join("servers/echo/current/pid")).unwrap();
    let (before, first) = (pid(), engine(&place));
    assert_eq!(first.len(), 1);
    assert_ne!(before.split(' ').next().unwrap(), first[0].to_string(), "the leader watches over it");
    assert!(server(&place)["findings"].as_array().unwrap().is_empty());

    kill("KILL", first[0]);
    eventually("it runs again", || engine(&place).first().is_some_and(|now| *now != first[0]));
    eventually("it answers again", || place.pi("plan --detailed-exitcode").code == Some(0));
    assert_eq!(pid(), before);
    assert_eq!(processes_with(&format!("sleep 300.{port}")).len(), 1, "what the dead one left was ended");
    place.pi("plan --json").exits(0).says("it ended with exit code 137, and was started again once so far");
    let log = fs::read_to_string(place.pod().join("servers/echo/current/server.log")).unwrap();
    assert!(log.contains("pi: it ended with exit code 137; started again in 1 s"), "{log}");

    place.pi("destroy --yes").exits(0);
    assert_eq!(environment(place.pod().to_str().unwrap()), Vec::<u32>::new());
    assert_eq!(processes_with(&format!("300.{port}")), Vec::<u32>::new());
}

#[test]
fn one_that_fails_again_and_again_is_given_up_and_that_is_told() {
    let (place, port) = place("restart = \"on-failure\"");
    place.pi("apply --yes").exits(0);
    let state = place.pod().join("servers/echo/current/restarts");
    let says = |text: &str| fs::read_to_string(&state).is_ok_and(|state| state.starts_with(text));
    fs::write(place.path().join("broken"), "").unwrap();
    kill("KILL", engine(&place)[0]);
    eventually("the first failure is noted", || says("1 137 again"));
    eventually("the second, too", || says("2 3 again"));
    place.pi("plan --json").exits(0).says("started again 2 times so far");
    let leader = || fs::read_to_string(place.pod().join("servers/echo/current/pid")).unwrap();
    let leader: u32 = leader().split(' ').next().unwrap().parse().unwrap();
    // the pauses grow up to 16 s: nobody waits for them here
    eventually("it is given up", || {
        for pause in processes_with("sleep").into_iter().filter(|pid| parent(*pid) == Some(leader)) {
            kill("KILL", pause);
        }
        says("5 3 given-up")
    });
    place.pi("plan --json --detailed-exitcode").exits(2).says("once more, and was given up");
    fs::remove_file(place.path().join("broken")).unwrap();
    place.pi("apply --yes").exits(0);
    assert!(!state.exists());
    place.pi("destroy --yes").exits(0);
    assert_eq!(processes_with(&format!("300.{port}")), Vec::<u32>::new());
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[test]
fn a_start_that_fails_is_told_and_not_tried_again() {
    let (place, _) = place("restart = \"on-failure\"");
    fs::write(place.path().join("broken"), "").unwrap();
    place.pi("apply --yes").exits(1).says("it was ended from outside");
    assert!(!place.pod().join("servers/echo/current/restarts").exists());
    place.pi("plan").exits(0).says("server     echo");
    place.pi("destroy --yes").exits(0);
}

#[test]
fn a_server_that_ends_well_or_is_not_to_be_started_again_stays_dead() {
    for restart in ["restart = \"on-failure\"", "restart = \"no\"", ""] {
        let (place, port) = place(restart);
        place.pi("apply --yes").exits(0);
        if restart.contains("failure") {
            drop(
                std::process::Command::new("curl")
                    .args(["-s", &format!("http://127.0.0.1:{port}/end")])
                    .status(),
            );
        } else {
            kill("KILL", engine(&place)[0]);
        }
        eventually("it is gone", || engine(&place).is_empty());
        std::thread::sleep(std::time::Duration::from_secs(2));
        assert_eq!(engine(&place), Vec::<u32>::new(), "{restart}");
        place.pi("plan --detailed-exitcode").exits(2);
        place.pi("destroy --yes").exits(0);
        assert_eq!(processes_with(&format!("300.{port}")), Vec::<u32>::new());
    }
}

#[test]
fn a_changed_restart_is_a_change() {
    let (place, _) = place("");
    place.pi("apply --yes").exits(0);
    let text = fs::read_to_string(place.path().join("pi.toml")).unwrap();
    place.write(&text.replace("command = [", "restart = \"on-failure\"\ncommand = ["));
    place.pi("plan").exits(0).says("restart   no → on-failure");
    place.write(&text.replace("command = [", "restart = \"always\"\ncommand = ["));
    place.pi("check").exits(64).says("on-failure");
    place.write(&text);
    place.pi("destroy --yes").exits(0);
}

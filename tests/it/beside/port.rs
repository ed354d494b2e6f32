//! The same on one port, which both share: its clients need not follow, and are never refused.

use super::{Client, World};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Serves on a shared port after so many seconds; the words make it different from the others.
fn shares(seconds: u32, words: &str) -> String {
    let line =
        format!("sleep {seconds}; exec python3 /root/serve.py --share-port --port $0 --model $1 {words}");
    format!("[\"bash\", \"-c\", \"{line}\", \"{{port}}\", \"{{model}}\"]")
}

/// How many ask at the same time.
const ASKING: usize = 3;

const ASKERS: &str = r#"
import http.client, os, sys, threading, time

def ask(place):
    while os.path.isdir(place) and not os.path.exists(place + "/enough"):
        server = http.client.HTTPConnection("10.77.0.11", 8001, timeout=10)
        try:
            server.request("GET", "/health")
            how = "answered" if server.getresponse().read() == b"{}" else "otherwise"
        except Exception as error:
            how = type(error).__name__
        sys.stdout.write(how + "\n")
        server.close()
        time.sleep(0.01)

threads = [threading.Thread(target=ask, args=sys.argv[1:]) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"#;

const FIXED: &str = "port = 8001\nshare_port = true";

impl World {
    /// A server that shares its port runs on it.
    fn sharing() -> Option<Self> {
        let world = Self::empty()?;
        world.wants(&shares(0, "# first"), FIXED);
        world.pi("apply --yes").exits(0);
        Some(world)
    }

    /// How many servers run, and on which ports.
    fn count(&self) -> String {
        let count = "pgrep -fc '[s]erve.py --share-port' || true";
        format!("{}{}", self.lab.podlab(&["exec", "pod1", count]), self.there())
    }

    /// Some who ask all the time, each over a new connection, and tell how it failed when it did.
    fn askers(&self) -> Client {
        let mut command: Command = self.lab.command(&["run", "python3", "-c", ASKERS]);
        command.arg(self.place.path());
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        Client { child, enough: self.place.path().join("enough") }
    }
}

impl Client {
    /// Nobody was refused or kept waiting. Connections that nobody has accepted when a listener goes are reset: of each
    /// who asks one at most.
    #[track_caller]
    fn was_never_refused(self, listeners_gone: usize) {
        std::fs::write(&self.enough, "").unwrap();
        let said = String::from_utf8(self.child.wait_with_output().unwrap().stdout).unwrap();
        std::fs::remove_file(&self.enough).unwrap();
        let failed: Vec<&str> = said.lines().filter(|how| *how != "answered").collect();
        let is_cut_off = |how: &str| matches!(how, "RemoteDisconnected" | "ConnectionResetError");
        assert!(failed.iter().all(|how| is_cut_off(how)), "{failed:?}");
        assert!(failed.len() <= ASKING * listeners_gone, "{failed:?}");
        assert!(said.lines().count() > 100, "{said}");
        eprintln!("{} of {} requests were reset", failed.len(), said.lines().count());
    }
}

#[test]
fn a_changed_server_takes_over_the_port_of_the_former_one() {
    let Some(world) = World::sharing() else { return };
    let client = world.askers();
    for round in ["# second", "# third"] {
        world.wants(&shares(1, round), FIXED);
        world.pi("plan --detailed-exitcode").exits(2).says("on its port 8001").says("no down time");
        world.pi("apply --yes").exits(0);
        world.answers_on(8001);
        assert_eq!(world.count(), "1\n:8001 ", "{round}");
        world.pi("plan --detailed-exitcode").exits(0).says("No changes. 1 server");
    }
    client.was_never_refused(2);
}

#[test]
fn whatever_the_former_one_answers_the_new_one_has_to_answer_itself() {
    let Some(world) = World::sharing() else { return };
    let leader = world.leader();
    world.wants(&shares(0, "--broken"), FIXED);
    let client = world.askers();
    for _ in 0..3 {
        world
            .pi("apply --yes")
            .exits(1)
            .says("/v1/chat/completions says 500")
            .says("`echo` still runs as it was");
        assert_eq!((world.leader(), world.count().as_str()), (leader.clone(), "1\n:8001 "));
    }
    // the new ones
    client.was_never_refused(3);

    // one that never listens is not taken for ready either
    world.wants("[\"bash\", \"-c\", \"sleep 3; exit 3\"]", FIXED);
    world.pi("apply --yes").exits(1).says("`echo` still runs as it was");
    assert_eq!(world.leader(), leader);
}

#[test]
fn what_was_begun_on_the_port_of_a_server_is_ended_by_the_next_apply() {
    let Some(world) = World::sharing() else { return };
    for moment in ["began start_beside", "began await_ready", "ended await_ready"] {
        world.wants(&shares(4, &format!("# {moment}")), FIXED);
        let client = world.askers();
        world.apply_until(moment, |pi| {
            std::thread::sleep(Duration::from_millis(300));
            pi.kill().unwrap();
        });
        if moment != "ended await_ready" {
            world.pi("list").exits(0).says("beside it on port 8001").says("ready");
        }
        world.pi("apply --yes --lock-wait 2m").exits(0);
        world.answers_on(8001);
        client.was_never_refused(1);
        assert_eq!(world.count(), "1\n:8001 ", "{moment}");
        world.pi("plan --detailed-exitcode").exits(0);
    }
}

#[test]
fn a_server_that_dies_while_another_starts_on_its_port_is_replaced_all_the_same() {
    let Some(world) = World::sharing() else { return };
    world.wants(&shares(5, "# second"), FIXED);
    let ran = world.apply_until("began await_ready", |_| {
        world.lab.podlab(&["exec", "pod1", "kill -KILL $(cut -d' ' -f1 /root/.pi/servers/echo/pid)"]);
    });
    ran.exits(0);
    world.answers_on(8001);
    assert_eq!(world.count(), "1\n:8001 ");
    world.pi("plan --detailed-exitcode").exits(0);
}

//! A server is changed, over a real sshd: what has answered comes back when its successor does not, also after pi was
//! killed in between; what hangs is started anew.

use crate::sshd::{Sshd, eventually, kill};
use crate::workplace::{Ran, Workplace};
use std::fs;

/// A pod with one server.
struct World {
    place: Workplace,
    sshd: Sshd,
    port: u16,
}

const GOOD: &str = r#"["python3", "{home}/serve.py", "--port", "{port}", "--model", "{model}"]"#;
const ALSO_GOOD: &str = r#"["python3", "-u", "{home}/serve.py", "--port", "{port}", "--model", "{model}"]"#;
const DIES: &str = r#"["bash", "-c", "echo 'no such thing as 42' >&2; exit 3"]"#;
const NEVER: &str = r#"["sleep", "1000"]"#;

impl World {
    fn new() -> Self {
        let sshd = Sshd::start();
        let serve = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/podlab/serve.py");
        fs::copy(serve, sshd.home().join("serve.py")).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let world = Self { place: Workplace::new(), sshd, port };
        world.wants(GOOD);
        world.pi("apply --yes").exits(0);
        world
    }

    fn wants(&self, command: &str) {
        let home = self.sshd.home().display().to_string();
        self.place.write(&format!(
            "[pods.far]\nssh = \"{}\"\n[models.echo]\nmodel = \"{home}/serve.py\"\nengine = \"command\"\n\
             listen = \"127.0.0.1\"\nport = {}\ncommand = {}\n",
            self.sshd.ssh_line(),
            self.port,
            command.replace("{home}", &home),
        ));
    }

    fn pi(&self, args: &str) -> Ran {
        self.place.pi(&format!("{args} --no-persist"))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.sshd.home().join(".pi/servers/echo/current").join(name)).unwrap_or_default()
    }

    fn leader(&self) -> u32 {
        self.read("pid").split(' ').next().and_then(|pid| pid.parse().ok()).unwrap_or(0)
    }

    fn answers(&self) -> bool {
        let url = format!("http://127.0.0.1:{}/health", self.port);
        let curl = std::process::Command::new("curl").args(["-sf", "-m", "5", &url]).output();
        curl.unwrap().status.success()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // also in a test that fails: servers outlive their pod's sshd
        drop(self.pi("destroy --yes"));
    }
}

#[test]
fn what_has_answered_comes_back_when_its_successor_does_not() {
    let world = World::new();
    let first = world.read("spec.json");
    world.wants(DIES);
    world.pi("plan").exits(0).says("will be restarted").says("the previous one is started again");
    for times in ["once", "twice"] {
        world.pi("apply --yes").exits(1).says("no such thing as 42").says("The previous one runs again");
        assert!(world.answers());
        assert_eq!(world.read("spec.json"), first);
        world
            .pi("plan --detailed-exitcode")
            .exits(2)
            .says("will be restarted")
            .says(&format!("it failed to start {times}"));
    }
    world.wants(GOOD);
    world.pi("plan --detailed-exitcode").exits(0).says("No changes");
    world.wants(ALSO_GOOD);
    world.pi("apply --yes").exits(0);
    assert!(world.answers());
    assert_eq!(world.read("../previous"), "", "it has answered: nothing else is needed");
}

#[test]
fn what_has_answered_comes_back_also_after_pi_was_killed() {
    let world = World::new();
    let (first, leader) = (world.read("spec.json"), world.leader());
    world.wants(NEVER);
    let mut pi = world.place.command("apply --yes --no-persist").spawn().unwrap();
    eventually("the changed one has been started", || {
        world.leader() != leader && world.leader() != 0 && world.read("spec.json").contains("sleep")
    });
    pi.kill().unwrap();
    pi.wait().unwrap();
    world
        .pi("plan --detailed-exitcode")
        .exits(2)
        .says("it is still starting")
        .says("the previous one is started again");
    world.wants(DIES);
    world.pi("apply --yes --lock-wait 30s").exits(1).says("The previous one runs again");
    assert!(world.answers());
    assert_eq!(world.read("spec.json"), first);
}

#[test]
fn what_hangs_is_started_anew_and_what_was_busy_is_left_alone() {
    let world = World::new();
    let leader = world.leader();
    kill("STOP", leader);
    world.pi("plan --detailed-exitcode").exits(2).says("will be restarted if it stays silent");
    let pi = world.place.command("apply --yes --no-persist").spawn().unwrap();
    // the probe takes three seconds to find it silent
    std::thread::sleep(std::time::Duration::from_secs(8));
    kill("CONT", leader);
    Ran::from(pi.wait_with_output().unwrap()).exits(0);
    assert_eq!(world.leader(), leader, "it was only busy");

    kill("STOP", leader);
    world.pi("apply --yes").exits(0);
    assert_ne!(world.leader(), leader);
    assert!(world.answers());
    world.pi("plan --detailed-exitcode").exits(0);
}

#[test]
fn what_has_answered_comes_back_when_its_successor_is_interrupted() {
    let world = World::new();
    let (first, leader) = (world.read("spec.json"), world.leader());
    world.wants(NEVER);
    let pi = world.place.command("apply --yes --no-persist").spawn().unwrap();
    eventually("the changed one has been started", || {
        world.leader() != leader && world.leader() != 0 && world.read("spec.json").contains("sleep")
    });
    kill("INT", pi.id());
    Ran::from(pi.wait_with_output().unwrap()).exits(130).says("and the previous one was");
    assert_eq!(world.read("spec.json"), first);
    eventually("it answers", || world.answers());
    world.wants(GOOD);
    world.pi("apply --yes").exits(0);
}

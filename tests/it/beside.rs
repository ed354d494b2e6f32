//! A server is changed on a pod with a GPU to spare, over real SSH: clients are served all the time, whatever becomes of
//! the new one, of `pi`, and of what is wanted.

use crate::lab::Lab;
use crate::workplace::{KEY, Ran, Workplace};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A pod with two GPUs, and a server on one of them.
struct World {
    lab: Lab,
    place: Workplace,
}

/// Serves after so many seconds; the word makes one different from the others.
fn serves(seconds: u32, word: &str) -> String {
    let line = format!("sleep {seconds}; exec python3 /root/serve.py --port $0 --model $1 # {word}");
    format!("[\"bash\", \"-c\", \"{line}\", \"{{port}}\", \"{{model}}\"]")
}

const DIES: &str = r#"["bash", "-c", "sleep 2; echo 'no such thing as 42' >&2; exit 3"]"#;

impl World {
    fn empty() -> Option<Self> {
        let lab = Lab::up(&["2xH100"], "none")?;
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/podlab/serve.py");
        lab.send("pod1", &serve, "/root/serve.py");
        Some(Self { lab, place: Workplace::new() })
    }

    fn up() -> Option<Self> {
        let world = Self::empty()?;
        world.wants(&serves(0, "first"), "");
        world.pi("apply --yes").exits(0);
        Some(world)
    }

    fn wants(&self, command: &str, more: &str) {
        self.place.write(&format!(
            "[pods.pod1]\nssh = \"ssh -F {}/ssh_config pod1\"\n[models.echo]\nmodel = \"/root/serve.py\"\n\
             engine = \"command\"\ngpus = 1\ncommand = {command}\n{more}\n",
            self.lab.dir.display()
        ));
    }

    fn pi(&self, args: &str) -> Ran {
        self.place.pi(args)
    }

    /// An apply that does something as soon as it has told of a step, `began await_ready`.
    fn apply_until(&self, moment: &str, then: impl FnOnce(&mut Child)) -> Ran {
        let mut pi = self.place.command("apply --yes --json").spawn().unwrap();
        let mut steps = std::collections::BTreeMap::new();
        let (mut then, mut heard) = (Some(then), String::new());
        for line in BufReader::new(pi.stdout.take().unwrap()).lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap();
            if let Some(action) = event["step"]["action"].as_str() {
                steps.insert(event["step"]["id"].as_u64(), action.to_owned());
            }
            let id = event["step"]["id"].as_u64().or_else(|| event["id"].as_u64());
            let now = format!(
                "{} {}",
                event["event"].as_str().unwrap_or(""),
                steps.get(&id).map_or("", String::as_str)
            );
            if now == moment
                && let Some(then) = then.take()
            {
                then(&mut pi);
            }
            heard.push_str(&line);
            heard.push('\n');
        }
        assert!(then.is_none(), "it never told `{moment}`:\n{heard}");
        let mut ran = Ran::from(pi.wait_with_output().unwrap());
        ran.out = heard;
        ran
    }

    /// The leader of the server itself.
    fn leader(&self) -> String {
        self.lab.podlab(&["exec", "pod1", "cat /root/.pi/servers/echo/current/pid"])
    }

    /// How many servers run, and on which ports.
    fn there(&self) -> String {
        self.lab.podlab(&["exec", "pod1", "ss -ltnH | grep -Eo ':80[0-9]+' | sort -u | tr '\\n' ' '; ls -d /root/.pi/servers/echo/runs/*/pid 2>/dev/null | wc -l"])
    }

    #[track_caller]
    fn answers_on(&self, port: u16) {
        let url = format!("http://10.77.0.11:{port}/v1/chat/completions");
        let (code, said) = self.lab.ask(&url, KEY, r#"{"messages": [{"content": "Hello?"}]}"#);
        assert!(code == "200" && said.contains("Hello?"), "{port}: {code} {said}");
    }

    /// Asks one port after the other until it ends; tells when no port answered.
    fn client(&self, ports: &[u16]) -> Client {
        let ask = |port: &u16| format!("curl -sf -m 5 -o /dev/null http://10.77.0.11:{port}/health");
        let asked: Vec<String> = ports.iter().map(ask).collect();
        let line = format!(
            "n=0; until [ -e {0}/enough ] || ! [ -d {0} ]; do {1} || echo nobody; n=$((n + 1)); sleep 0.02; done; echo asked $n; rm -f {0}/enough",
            self.place.path().display(),
            asked.join(" || ")
        );
        let mut command: Command = self.lab.command(&["run", "bash", "-c", &line]);
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        Client { child, enough: self.place.path().join("enough") }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.pi("destroy --yes --no-persist"));
    }
}

/// Somebody who uses the server.
struct Client {
    child: Child,
    enough: std::path::PathBuf,
}

impl Client {
    #[track_caller]
    fn was_always_served(self) {
        std::fs::write(&self.enough, "").unwrap();
        let said = String::from_utf8(self.child.wait_with_output().unwrap().stdout).unwrap();
        let count: usize =
            said.trim().strip_prefix("asked ").unwrap_or_else(|| panic!("{said}")).parse().unwrap();
        assert!(count > 20, "asked {count} times only");
    }
}

#[test]
fn clients_are_served_while_a_server_is_replaced() {
    let Some(world) = World::up() else { return };
    world.wants(&serves(2, "second"), "");
    let plan = world.pi("plan --detailed-exitcode").exits(2).says("no down time").says("port 8002, GPU 1");
    assert!(!plan.out.contains("will be restarted"), "{}", plan.out);
    let client = world.client(&[8001, 8002]);
    let tunnel = world.pi("tunnel echo --background").exits(0).out;
    world.pi("apply --yes").exits(0);
    world.answers_on(8002);
    let url = format!("{}/health", tunnel.trim().trim_end_matches("/v1"));
    let through = Command::new("curl").args(["-sf", "-m", "10", &url]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&through.stdout), "{}", "an open tunnel follows");
    world.pi("tunnel echo --close").exits(0);
    client.was_always_served();
    world.pi("plan --detailed-exitcode").exits(0).says("No changes. 1 server");
    assert_eq!(world.there(), ":8002 1\n");
    // its answer has the key in it, as it should
    world.pi("env echo").says(":8002/v1");

    // one that dies: who serves is not touched
    let leader = world.leader();
    world.wants(DIES, "");
    let client = world.client(&[8002]);
    world.pi("apply --yes").exits(1).says("no such thing as 42").says("`echo` still runs as it was");
    client.was_always_served();
    assert_eq!((world.leader(), world.there().as_str()), (leader, ":8002 1\n"));
    world.pi("plan --detailed-exitcode").exits(2).says("no down time").says("it failed to start once");

    // one whose port is fixed
    world.wants(&serves(0, "third"), "port = 8002");
    world
        .pi("plan --detailed-exitcode")
        .exits(2)
        .says("will be restarted")
        .says("pi.toml sets `port = 8002`");
    world.pi("apply --yes").exits(0);
    world.answers_on(8002);
}

#[test]
fn what_was_begun_beside_a_server_is_ended_by_the_next_apply() {
    let Some(world) = World::up() else { return };
    // the address goes from port to port
    for (at, moment) in
        ["began start_beside", "began await_ready", "ended await_ready"].into_iter().enumerate()
    {
        let (from, to) = if at % 2 == 0 { (8001, 8002) } else { (8002, 8001) };
        // slow enough that two looks at it see the same
        world.wants(&serves(6, moment), "");
        let client = world.client(&[from, to]);
        world.apply_until(moment, |pi| {
            std::thread::sleep(Duration::from_millis(300));
            pi.kill().unwrap();
        });
        // in the end it may have taken its place already
        if moment != "ended await_ready" {
            world.pi("list").exits(0).says("beside it on port");
        }
        world.pi("apply --yes --lock-wait 2m").exits(0);
        world.answers_on(to);
        client.was_always_served();
        assert_eq!(world.there(), format!(":{to} 1\n"), "{moment}");
        world.pi("plan --detailed-exitcode").exits(0);
    }
}

#[test]
fn what_was_begun_beside_a_server_goes_when_it_is_not_wanted_any_more() {
    let Some(world) = World::up() else { return };
    let leader = world.leader();
    let begin = || {
        world.wants(&serves(0, "second"), "");
        world.apply_until("ended await_ready", |pi| pi.kill().unwrap());
        world.there()
    };
    assert_eq!(begin(), ":8001 :8002 2\n");
    world.wants(&serves(0, "first"), "");
    world.pi("plan --detailed-exitcode").exits(2).says("the run started beside it will be stopped");
    world.pi("apply --yes --lock-wait 2m").exits(0);
    assert_eq!((world.there().as_str(), world.leader()), (":8001 1\n", leader.clone()));

    // interrupted while it starts, without a terminal: the new one is stopped
    world.wants(&serves(30, "third"), "");
    let ran = world.apply_until("began await_ready", |pi| {
        std::thread::sleep(Duration::from_millis(500));
        Command::new("kill").args(["-INT", &pi.id().to_string()]).status().unwrap();
    });
    ran.exits(130).says("the running one was left alone");
    assert_eq!((world.there().as_str(), world.leader()), (":8001 1\n", leader));

    assert_eq!(begin(), ":8001 :8002 2\n");
    world.pi("stop echo --lock-wait 2m").exits(0);
    assert_eq!(world.there(), "0\n");
}

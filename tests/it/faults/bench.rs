//! What a row has at hand: a pod, a manifest, `pi`, and a look at what is there in the end.

use super::hub::Hub;
use crate::lab::{Lab, wheels, wheels_for};
use crate::workplace::{KEY, Ran, Workplace};
use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The pod's only package, and what installs it: the pod has no route out.
const WHEELS: [&str; 2] = ["uv", "iniconfig==2.1.0"];
/// What fetches weights.
const HUB_CLIENT: &str = "huggingface_hub==2.4.0";

const PODS: &str = r#"
[defaults.pod]
env = { PIP_NO_INDEX = "1", PIP_FIND_LINKS = "/root/wheels", UV_FIND_LINKS = "/root/wheels", UV_OFFLINE = "1", HF_ENDPOINT = "{hub}" }
models_path = "/models"

[pods.pod1]
ssh = "ssh -F {lab}/ssh_config pod1"

[engines.packed]
kind = "command"
packages = ["iniconfig==2.1.0"]
find_links = ["/root/wheels"]

[defaults.model]
model = "/root/model"
engine = "packed"
"#;

/// Two servers: one that runs from the engine, and one with a worker of its own.
pub(super) const ONE: &str = "[models.one]\nport = 8010\ngpus = 0\n\
    command = [\"python3\", \"/root/serve.py\", \"--port\", \"{port}\", \"--model\", \"{model}\"]\n";
pub(super) const TWO: &str = "[models.two]\nport = 8011\ngpus = 1\n\
    command = [\"bash\", \"-c\", \"sleep 100000 & python3 /root/serve.py --port $0 --model $1\", \"{port}\", \"{model}\"]\n";

/// The first one, from weights that are fetched.
pub(super) const FETCHED: &str = "[models.one]\nport = 8010\ngpus = 0\nmodel = \"org/big\"\n\
    command = [\"python3\", \"/root/serve.py\", \"--port\", \"{port}\", \"--model\", \"{model}\"]\n";

pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) place: Workplace,
    pub(super) hub: Hub,
    told: RefCell<Vec<String>>,
}

impl Bench {
    /// A pod that has all it needs but servers.
    pub(super) fn new() -> Option<Self> {
        let lab = Lab::up(&["2xH100"], "4G")?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let python =
            lab.podlab(&["exec", "pod1", "python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'"]);
        for wheel in wheels(&WHEELS).into_iter().chain(wheels_for(python.trim(), &[HUB_CLIENT])) {
            let name = wheel.file_name().unwrap().to_str().unwrap();
            lab.send("pod1", &wheel, &format!("/root/wheels/{name}"));
        }
        lab.send("pod1", &here.join("podlab/serve.py"), "/root/serve.py");
        lab.send("pod1", &here.join("podlab/serve.py"), "/root/model");
        let place = Workplace::new();
        let hub = Hub::start(&lab, place.path());
        let bench = Self { lab, place, hub, told: RefCell::default() };
        // what is downloaded to install anything stays: it is the same for all rows
        bench.wants(&[FETCHED]);
        bench.pi("apply --yes").exits(0);
        Some(bench)
    }

    /// Mends the pod and takes everything away but tools.
    pub(super) fn clear(&self) {
        self.told.borrow_mut().clear();
        self.mend();
        self.lab.podlab(&["fault", "pod1", "trust"]);
        self.inside("pkill -KILL -f '[s]erve.py|[s]leep 100000|[h]ttp.server' || true; sleep 0.3");
        self.inside("umount /mnt/store 2>/dev/null || true");
        self.inside("mount -o remount,rw /models; umount /root/.pi 2>/dev/null || true");
        self.inside(
            "rm -rf /root/.pi/servers /root/.pi/beside /root/.pi/engines /root/.pi/env /root/.pi/secrets /root/.pi/lock /models/* /tmp/*",
        );
        drop(std::fs::remove_file(self.place.path().join("home/.pi/pods.json")));
        self.wants(&[ONE, TWO]);
    }

    /// Ends every fault.
    pub(super) fn mend(&self) {
        for fault in [&["unhang"][..], &["heal"], &["netem", "off"], &["gpu-ok"], &["disk-ok"], &["ssh-up"]] {
            drop(self.lab.command(&[&["fault", "pod1"], fault].concat()).output());
        }
    }

    pub(super) fn fault(&self, fault: &[&str]) {
        // what delays packets stays behind, and would keep a pipe open
        let mut podlab = self.lab.command(&[&["fault", "pod1"], fault].concat());
        let status = podlab.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "podlab fault {fault:?}");
    }

    /// Writes the manifest.
    pub(super) fn wants(&self, models: &[&str]) {
        let pods =
            PODS.replace("{lab}", &self.lab.dir.display().to_string()).replace("{hub}", self.hub.in_lab());
        self.place.write(&format!("{pods}{}", models.concat()));
    }

    pub(super) fn pi(&self, args: &str) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// The same, to be started by the row.
    pub(super) fn command(&self, args: &str) -> Command {
        let mut command = self.place.command(args);
        command.env("HF_HUB_OFFLINE", "0").env("HF_ENDPOINT", self.hub.here());
        command
    }

    /// Has everything run as it should.
    #[track_caller]
    pub(super) fn apply(&self) {
        self.pi("apply --yes").exits(0);
    }

    /// Runs a line of bash in the pod.
    #[track_caller]
    pub(super) fn inside(&self, line: &str) -> String {
        self.lab.podlab(&["exec", "pod1", line])
    }

    /// Notes what goes into the table.
    pub(super) fn tell(&self, what: impl Into<String>) {
        self.told.borrow_mut().push(what.into());
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.told.borrow().clone()
    }

    /// An apply that does something as soon as it has told of an event, `began restart_server one`; gives its end.
    #[track_caller]
    pub(super) fn apply_until(&self, event: &str, then: impl FnOnce(&mut Child)) -> Ran {
        let mut then = Some(then);
        let ran = self.apply_telling(|told, pi| {
            if told.starts_with(event)
                && let Some(then) = then.take()
            {
                then(pi);
            }
        });
        assert!(then.is_none(), "it never told `{event}`:\n{}", ran.out);
        ran
    }

    /// An apply whose events are heard as it tells of them; gives its end.
    pub(super) fn apply_telling(&self, mut hear: impl FnMut(&str, &mut Child)) -> Ran {
        let mut pi = self.command("apply --yes --json").spawn().unwrap();
        let mut lines = BufReader::new(pi.stdout.take().unwrap()).lines();
        let mut names = std::collections::BTreeMap::new();
        let mut heard = String::new();
        while let Some(Ok(line)) = lines.next() {
            hear(&told(&line, &mut names), &mut pi);
            heard += &line;
            heard.push('\n');
        }
        let mut ran = Ran::from(pi.wait_with_output().unwrap());
        ran.out = heard;
        ran
    }

    /// Applies as soon as the lock is free that a lost pi may hold, and tells whether that took a while.
    #[track_caller]
    pub(super) fn applies_once_free(&self) -> bool {
        let (ran, waited) = self.apply_once_free();
        ran.exits(0);
        waited
    }

    /// The same, however that apply ends: the pod may give the lock to a lost pi for as long as the lease lasts.
    pub(super) fn apply_once_free(&self) -> (Ran, bool) {
        let until = Instant::now() + Duration::from_secs(100);
        let mut waited = false;
        loop {
            let ran = self.pi("apply --yes");
            if ran.code != Some(75) || Instant::now() > until {
                return (ran, waited);
            }
            waited = true;
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    /// At most one more apply makes it as it should be; a lock that a lost pi holds is waited for.
    #[track_caller]
    pub(super) fn converges(&self) {
        let waited = self.applies_once_free();
        self.is_as_wanted();
        self.tell(if waited {
            "the next apply, once the lock is free, mends it"
        } else {
            "the next apply mends it"
        });
    }

    /// Nothing is left to do, everything answers, and nothing else is there.
    #[track_caller]
    pub(super) fn is_as_wanted(&self) {
        self.is_as_wanted_but_for("nothing");
    }

    /// The same, with one file more that may be there.
    #[track_caller]
    pub(super) fn is_as_wanted_but_for(&self, file: &str) {
        self.pi("plan --detailed-exitcode").exits(0).says("No changes");
        for port in [8010, 8011] {
            let url = format!("http://10.77.0.11:{port}/v1/chat/completions");
            let (code, said) = self.lab.ask(&url, KEY, r#"{"messages": [{"content": "Hello?"}]}"#);
            assert!(code == "200" && said.contains("Hello?"), "{port}: {code} {said}");
        }
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            let there = self.inside(LOOK).replace(&format!("{file}\n"), "");
            if there == EXPECTED {
                break;
            }
            assert!(Instant::now() < until, "there is\n{there}\nbut there should be\n{EXPECTED}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.mend();
        // the connection that is kept for the next command
        drop(self.pi("destroy --yes --no-persist"));
    }
}

/// Servers by their processes, what else pi has running, and its files but for logs.
const LOOK: &str = r#"cd /root/.pi
count() { pgrep -f -- "$1" | wc -l; }
echo servers $(count '^python3[ ]/root/serve.py') workers $(count '^sleep[ ]100000$') scripts $(count '[m]ain\(\) \{')
echo listening $(ss -ltnH | grep -Eo ':80[0-9]+' | sort -u)
find . -name lock -prune -print
for server in servers/*; do
  find $server -maxdepth 1 ! -name took
  find -L $server/current -type f ! -name 'server.log*'
  for run in $server/runs/*; do [ $run -ef $server/current ] || find $run -name pid -o -name secrets; done
  [ $(ls $server/runs | wc -l) -le 5 ] || echo too many runs are kept
done | sort"#;

const EXPECTED: &str = "servers 2 workers 1 scripts 0\nlistening :8010 :8011\n\
    servers/one\nservers/one/current\nservers/one/current/answered\nservers/one/current/pid\n\
    servers/one/current/run.sh\nservers/one/current/secrets\nservers/one/current/spec.json\n\
    servers/one/owner\nservers/one/pid\nservers/one/runs\n\
    servers/two\nservers/two/current\nservers/two/current/answered\nservers/two/current/pid\n\
    servers/two/current/run.sh\nservers/two/current/secrets\nservers/two/current/spec.json\n\
    servers/two/owner\nservers/two/pid\nservers/two/runs\n";

/// `began start_server one`, of a line of events.
fn told(line: &str, names: &mut std::collections::BTreeMap<u64, String>) -> String {
    let event: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let what = text(&event["event"]);
    if what == "began" {
        let step = &event["step"];
        let name = format!("{} {}", text(&step["action"]), text(&step["target"]));
        names.insert(step["id"].as_u64().unwrap_or(0), name.clone());
        return format!("began {name}");
    }
    let name = event["id"].as_u64().and_then(|id| names.get(&id)).cloned().unwrap_or_default();
    format!("{what} {name}")
}

/// Kills `pi` as nothing can be prepared for.
pub(super) fn kill_9(pi: &mut Child) {
    pi.kill().unwrap();
}

/// A command that is running beside the test.
pub(super) fn beside(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

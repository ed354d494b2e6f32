//! Pods whose PID 1 is systemd, and whose logind ends a login's processes with it: servers get a unit of their own,
//! which outlives logins and which nothing escapes from; without it all works as elsewhere.

use crate::lab::Lab;
use crate::sshd::eventually;
use crate::workplace::{KEY, Ran, Workplace};
use std::path::Path;

/// Starts a worker, and a helper in a session of its own, as some launchers do; then serves.
const SERVER: &str = r#"
setsid bash -c '[[ ! -e /srv/deaf ]] || trap "" TERM; exec -a helper-of-it sleep 3000' &
bash -c 'exec -a worker-of-it sleep 3000' &
exec python3 /srv/serve.py "$@"
"#;

const MANIFEST: &str = r#"
[pods.pod1]
ssh = "ssh -F {lab}/ssh_config {user}@pod1"

[models.echo]
model = "/srv/server.sh"
engine = "command"
gpus = 0
port = 8010
command = ["bash", "{model}", "--port", "{port}", "--model", "{model}"]
"#;

/// A pod, and somebody who logs in there as a user of it.
struct Scene {
    lab: Lab,
    place: Workplace,
    home: &'static str,
}

impl Scene {
    fn of(user: &str, home: &'static str, groups: &str) -> Option<Self> {
        let lab = Lab::with_systemd(groups)?;
        let manifest = MANIFEST.replace("{lab}", lab.dir.to_str().unwrap()).replace("{user}", user);
        let place = Workplace::with(&manifest);
        std::fs::write(place.path().join("server.sh"), SERVER).unwrap();
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/podlab/serve.py");
        lab.send("pod1", &place.path().join("server.sh"), "/srv/server.sh");
        lab.send("pod1", &serve, "/srv/serve.py");
        lab.inside("pod1", "chmod 755 /srv /srv/*");
        Some(Self { lab, place, home })
    }

    /// One whose user is not root.
    fn of_ann() -> Option<Self> {
        let scene = Self::of("ann", "/home/ann", "host")?;
        let make =
            "useradd -m -s /bin/bash ann && cp -r /root/.ssh /home/ann && chown -R ann: /home/ann/.ssh";
        scene.inside(make);
        Some(scene)
    }

    #[track_caller]
    fn inside(&self, line: &str) -> String {
        self.lab.inside("pod1", line)
    }

    /// Each `pi` is a login of its own, which ends with it.
    #[track_caller]
    fn pi(&self, args: &str) -> Ran {
        self.place.pi(&format!("{args} --no-persist"))
    }

    /// The leader's PID, if there is one.
    #[track_caller]
    fn leader(&self) -> String {
        self.inside(&format!("head -n 1 {}/.pi/servers/echo/current/pid | cut -d ' ' -f 1", self.home))
    }

    /// The scope that a process is in.
    #[track_caller]
    fn group(&self, pid: &str) -> String {
        self.inside(&format!("grep -m 1 -oE '/[^:]*[.]scope$' /proc/{pid}/cgroup"))
    }

    /// How many processes have a command line that begins so.
    #[track_caller]
    fn count(&self, name: &str) -> usize {
        self.inside(&format!("pgrep -cf '^{name}' || true")).parse().unwrap()
    }

    /// Every unit of pi's there is, failed ones too.
    #[track_caller]
    fn units(&self) -> String {
        self.inside("systemctl list-units --all --plain --no-legend 'pi-*' | cut -d ' ' -f 1")
    }

    fn logins_have_ended(&self) {
        eventually("no login is left", || self.inside("loginctl list-sessions --no-legend").is_empty());
    }
}

#[test]
fn a_server_has_a_unit_that_outlives_logins_and_that_nothing_escapes_from() {
    let Some(scene) = Scene::of("root", "/root", "unified") else { return };
    let ssh = scene.lab.dir.join("ssh_config");
    let login = format!(
        "ssh -F {} pod1 'setsid -f sleep 4321 </dev/null >/dev/null 2>&1; pgrep -cf [s]leep.4321'",
        ssh.display()
    );
    let out = scene.place.command_of("bash", &["-c", &login]).output().unwrap();
    assert_eq!(out.stdout, b"1\n", "{}", String::from_utf8_lossy(&out.stderr));

    scene.pi("apply --yes").exits(0);
    let leader = scene.leader();
    assert_eq!(scene.group(&leader), format!("/system.slice/pi-echo-{leader}.scope"));
    assert_eq!(scene.inside(&format!("ps -o sid= {leader}")), leader, "a session of its own, too");
    assert_eq!(scene.units(), format!("pi-echo-{leader}.scope"));

    scene.logins_have_ended();
    assert_eq!(scene.count("sleep 4321"), 0, "logind ends what only began a session of its own");
    scene.pi("plan --detailed-exitcode").exits(0).says("No changes");
    assert_eq!((scene.leader(), scene.count("[a-z]*-of-it")), (leader.clone(), 2));

    let told = scene.inside(
        "systemctl show 'pi-*'; journalctl --no-pager -o export; cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
    );
    assert!(told.contains(&format!("pi-echo-{leader}.scope")) && !told.contains(KEY), "{told}");
    let environment = scene.inside(&format!("tr '\\0' '\\n' </proc/{leader}/environ"));
    assert!(environment.contains("HOME=/root\n") && !environment.contains("XDG_"), "{environment}");

    scene.pi("stop echo --yes").exits(0);
    assert_eq!((scene.count("[a-z]*-of-it"), scene.units()), (0, String::new()));
    scene.pi("plan --detailed-exitcode").exits(0);
}

#[test]
fn what_a_dead_leader_left_in_its_unit_is_seen_and_ended() {
    let Some(scene) = Scene::of("root", "/root", "host") else { return };
    scene.pi("apply --yes").exits(0);
    let first = scene.leader();
    scene.inside(&format!("kill -KILL {first}"));
    let plan = scene.pi("plan --json").exits(0).says("its process is gone");
    let left = scene.inside("pgrep -f '^[a-z]*-of-it'");
    assert_eq!(left.lines().count(), 2);
    assert!(plan.out.contains("2 processes"), "{}", plan.out);

    scene.inside("touch /srv/deaf");
    scene.pi("apply --yes").exits(0);
    let second = scene.leader();
    assert_ne!(first, second);
    assert_eq!(scene.units(), format!("pi-echo-{second}.scope"));
    assert_eq!(scene.count("[a-z]*-of-it"), 2);
    scene.pi("plan --detailed-exitcode").exits(0).says("No changes");
    // the leader's session has ended, what began one of its own has not, and does not hear TERM
    scene.inside(&format!("pkill -KILL -s {second}"));
    assert_eq!(scene.count("helper-of-it"), 1);
    scene.pi("destroy --yes").exits(0);
    assert_eq!((scene.count("[a-z]*-of-it"), scene.units()), (0, String::new()));
}

#[test]
fn an_engine_that_is_started_again_stays_in_its_unit_and_leaves_nothing_there() {
    let Some(scene) = Scene::of("root", "/root", "host") else { return };
    scene
        .place
        .write(&scene.place.manifest().replace("port = 8010", "port = 8010\nrestart = \"on-failure\""));
    scene.pi("apply --yes").exits(0);
    let (leader, helper) = (scene.leader(), scene.inside("pgrep -f ^helper-of-it"));
    assert_eq!(scene.lab.kill("pod1", "^python3 /srv/serve"), 1);
    eventually("another one answers", || scene.pi("plan --detailed-exitcode").code == Some(0));
    assert_eq!((scene.leader(), scene.count("[a-z]*-of-it")), (leader.clone(), 2));
    assert_ne!(scene.inside("pgrep -f ^helper-of-it"), helper, "the former one's helper was ended");
    let engine = scene.inside("pgrep -f '^python3 /srv/serve'");
    assert_eq!(scene.group(&engine), format!("/system.slice/pi-echo-{leader}.scope"));
}

#[test]
fn a_user_who_may_become_root_gets_a_unit_too_and_keeps_the_login_s_environment() {
    let Some(scene) = Scene::of_ann() else { return };
    scene.inside("echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann");
    scene.inside(
        "echo OF_THE_LOGIN=kept >>/etc/environment; echo 'ann hard nofile 5000' >>/etc/security/limits.conf",
    );
    scene.pi("apply --yes").exits(0);
    let leader = scene.leader();
    assert_eq!(scene.group(&leader), format!("/system.slice/pi-echo-{leader}.scope"));
    assert_eq!(scene.inside(&format!("ps -o user= {leader}")), "ann");
    let environment = scene.inside(&format!("tr '\\0' '\\n' </proc/{leader}/environ"));
    for kept in ["OF_THE_LOGIN=kept", "HOME=/home/ann", "USER=ann"] {
        assert!(environment.lines().any(|line| line == kept), "{environment}");
    }
    assert!(!environment.contains("SUDO") && !environment.contains("XDG_"), "{environment}");
    assert!(scene.inside(&format!("grep 'open files' /proc/{leader}/limits")).contains(" 5000 "));
    scene.logins_have_ended();
    scene.pi("plan --detailed-exitcode").exits(0).says("No changes");
    scene.pi("destroy --yes").exits(0);
    assert_eq!((scene.count("[a-z]*-of-it"), scene.units()), (0, String::new()));
}

#[test]
fn without_a_unit_a_server_is_started_all_the_same_and_that_is_said() {
    let Some(scene) = Scene::of_ann() else { return };
    let ran = scene.pi("apply --yes").exits(0).says("`echo` runs without a systemd unit");
    assert!(ran.err.contains("(KillUserProcesses)"), "{}", ran.err);
    scene.logins_have_ended();
    assert_eq!(scene.count("[a-z]*-of-it"), 0, "it was right about that");

    scene.inside("echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann");
    scene.inside("printf '#!/bin/sh\\necho no such luck >&2\\nexit 5\\n' >/usr/local/bin/systemd-run; chmod 755 /usr/local/bin/systemd-run");
    scene.pi("apply --yes").exits(0).says("without a systemd unit of its own: systemd-run: no such luck");
    assert_eq!(scene.units(), "");
}

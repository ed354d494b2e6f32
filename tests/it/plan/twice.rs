//! Law 4, for real: every script run twice leaves what one run leaves. In scratch directories, with this machine's
//! bash and processes.

use pi::manifest::{Manifest, Mount, Pod};
use pi::model_ref::ModelRef;
use pi::plan::{Action, Storage, scripts};
use pi::script::{Script, Template, render};
use pi::spec::ServerSpec;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A pod's home in a scratch directory; what still runs in there ends with it.
struct Scratch {
    folder: TempDir,
    manifest: Manifest,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text =
            format!("[pods.here]\nssh = \"local\"\npi_path = \"{at}/pi\"\nmodels_path = \"{at}/models\"\n");
        fs::create_dir(folder.path().join("pi")).unwrap();
        let manifest = super::case::parse(&text).unwrap();
        Self { folder, manifest }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn pod(&self) -> &Pod {
        self.manifest.pods.values().next().unwrap()
    }

    fn act(&self, action: &Action, input: &str) {
        for script in scripts(action, self.pod()).unwrap() {
            let out = bash(&script, input);
            assert!(out.status.success(), "{}: {}", script.name, String::from_utf8_lossy(&out.stderr));
        }
    }

    /// Leaders of the sessions whose processes know this directory.
    fn sessions(&self) -> Vec<u32> {
        let mark = self.path("pi").display().to_string();
        let mut sessions: Vec<u32> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
            .filter_map(|pid: u32| {
                let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
                let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
                let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
                let lives = !matches!(fields[0], "Z" | "X");
                let ours = String::from_utf8_lossy(&environ).contains(&format!("PI_TEST_AT={mark}"));
                if lives && ours { fields[3].parse().ok() } else { None }
            })
            .collect();
        sessions.sort_unstable();
        sessions.dedup();
        sessions
    }

    /// A server that only sleeps, in two processes.
    fn server(&self) -> Box<ServerSpec> {
        let mark = self.path("pi").display().to_string();
        let spec = json!({
            "name": "sleeper", "project": "team", "kind": "command", "engine": null, "model": "/dev/null",
            "commit": null, "context": null, "memory": null, "gpus": [], "listen": "127.0.0.1", "port": 8001,
            "key": "required", "args": [], "command": ["bash", "-c", "sleep 300 & echo started; wait"],
            "env": { "PI_TEST_AT": mark },
        });
        Box::new(serde_json::from_value(spec).unwrap())
    }

    /// Every file with its mode and text, but for what differs from run to run by its nature.
    fn tree(&self) -> BTreeMap<PathBuf, String> {
        let mut tree = BTreeMap::new();
        walk(self.folder.path(), self.folder.path(), &mut tree);
        tree
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for session in self.sessions() {
            let group = format!("-{session}");
            drop(Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status());
        }
    }
}

fn walk(root: &Path, at: &Path, tree: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_owned();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        if path.is_dir() {
            tree.insert(name, format!("{mode:o}"));
            walk(root, &path, tree);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            // who runs differs, and there is one log more after a second start
            let text = if matches!(path.file_name().unwrap().to_str().unwrap(), "pid" | "answered") {
                ""
            } else {
                &text
            };
            if !name.ends_with("server.log.1") {
                tree.insert(name, format!("{mode:o} {text}"));
            }
        }
    }
}

fn bash(script: &Script, input: &str) -> Output {
    let mut child = Command::new("bash")
        .args(["--norc", "-c", &script.text, script.name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // a script that reads nothing may have ended already
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

#[test]
fn secrets_are_written_once_however_often() {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "other=kept\napi_key=old\n").unwrap();
    let write = Action::WriteSecrets(vec!["api_key".parse().unwrap()]);
    let input = "api_key=a 'new' $key=1\n";
    scratch.act(&write, input);
    let once = scratch.tree();
    assert_eq!(once[Path::new("pi/env")], "100600 other=kept\napi_key=a 'new' $key=1\n");
    scratch.act(&write, input);
    assert_eq!(scratch.tree(), once);
}

#[test]
fn a_server_that_is_started_twice_runs_once() {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "api_key=k\nhf_token=h\nother=o\n").unwrap();
    let start = Action::StartServer(scratch.server());
    let started = || {
        let log = scratch.path("pi/servers/sleeper/server.log");
        wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text == "started\n"));
    };
    scratch.act(&start, "");
    started();
    let (once, first) = (scratch.tree(), scratch.sessions());
    assert_eq!(once[Path::new("pi/servers/sleeper/secrets")], "100600 api_key=k\nhf_token=h\n");
    assert_eq!(first.len(), 1, "{first:?}");
    scratch.act(&start, "");
    started();
    assert_eq!(scratch.tree(), once);
    let second = scratch.sessions();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
}

#[test]
fn answered_is_marked_stopped_and_removed_alike() {
    let scratch = Scratch::new();
    scratch.act(&Action::StartServer(scratch.server()), "");
    let name = || "sleeper".parse().unwrap();
    let mark =
        render(Template::MARK_ANSWERED, &json!({ "pi": scratch.path("pi"), "name": "sleeper" })).unwrap();
    let marked = || {
        let out = bash(&mark, "");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let read = |file| fs::read_to_string(scratch.path("pi/servers/sleeper").join(file)).unwrap();
        assert!(read("pid").starts_with(&read("answered")), "{} {}", read("pid"), read("answered"));
        scratch.tree()
    };
    assert_eq!(marked(), marked());
    twice(&scratch, &Action::StopServer(name()));
    assert_eq!(scratch.sessions(), Vec::<u32>::new());
    assert!(scratch.path("pi/servers/sleeper/stopped").exists());
    assert!(!bash(&mark, "").status.success(), "a server that is gone has not answered");
    twice(&scratch, &Action::RemoveServer(name()));
    assert!(!scratch.path("pi/servers/sleeper").exists());
}

#[test]
fn what_was_measured_at_a_start_is_kept_until_the_next_one() {
    let scratch = Scratch::new();
    let mut server = scratch.server();
    let said = "echo 'INFO Available KV cache memory: 38.12 GiB'; echo odds; sleep 300 & echo started; wait";
    server.command = vec!["bash".to_owned(), "-c".to_owned(), said.to_owned()];
    let start = Action::StartServer(server);
    scratch.act(&start, "");
    let log = scratch.path("pi/servers/sleeper/server.log");
    while !fs::read_to_string(&log).unwrap().contains("started") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mark =
        render(Template::MARK_ANSWERED, &json!({ "pi": scratch.path("pi"), "name": "sleeper" })).unwrap();
    assert!(bash(&mark, "").status.success());
    let kept = scratch.path("pi/servers/sleeper/measured");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "INFO Available KV cache memory: 38.12 GiB\n");
    scratch.act(&start, "");
    assert!(!kept.exists());
}

#[test]
fn a_running_server_is_removed_alike() {
    let scratch = Scratch::new();
    scratch.act(&Action::StartServer(scratch.server()), "");
    twice(&scratch, &Action::RemoveServer("sleeper".parse().unwrap()));
    assert_eq!(scratch.sessions(), Vec::<u32>::new());
}

#[test]
fn engines_and_weights_are_removed_alike_and_nothing_beside_them() {
    let scratch = Scratch::new();
    for file in [
        "pi/engines/vllm-1/bin/python",
        "pi/engines/vllm-10/bin/python",
        "models/hub/models--o--a/blobs/x",
        "models/hub/models--o--ab/blobs/x",
        "models/hub/.locks/models--o--a/x",
    ] {
        fs::create_dir_all(scratch.path(file).parent().unwrap()).unwrap();
        fs::write(scratch.path(file), "x").unwrap();
    }
    twice(&scratch, &Action::RemoveEngine("vllm-1".parse().unwrap()));
    twice(&scratch, &Action::RemoveWeights(ModelRef::parse("o/a").unwrap()));
    let left: Vec<_> =
        scratch.tree().into_keys().filter(|path| scratch.path(path.to_str().unwrap()).is_file()).collect();
    assert_eq!(
        left,
        [Path::new("models/hub/models--o--ab/blobs/x"), Path::new("pi/engines/vllm-10/bin/python")]
    );
}

#[test]
fn storage_is_mounted_once() {
    let scratch = Scratch::new();
    let target = scratch.path("storage");
    if !Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n") {
        skipped("mounting needs root");
        return;
    }
    let words = ["mount", "-t", "tmpfs", "none", target.to_str().unwrap()];
    let mount = Mount {
        source: "none".to_owned(),
        target: target.to_str().unwrap().parse().unwrap(),
        command: words.map(str::to_owned).to_vec(),
    };
    let action = Action::MountStorage(Storage { mount, holds: vec!["/no/such/path".parse().unwrap()] });
    fs::create_dir(&target).unwrap();
    let probe = Command::new(words[0]).args(&words[1..]).output().unwrap();
    if !probe.status.success() {
        skipped(&format!("nothing can be mounted here: {}", String::from_utf8_lossy(&probe.stderr)));
        return;
    }
    assert!(Command::new("umount").arg(&target).status().unwrap().success());
    let mounts = || {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        table.lines().filter(|line| line.contains(&format!(" {} ", target.display()))).count()
    };
    twice(&scratch, &action);
    let count = mounts();
    assert!(Command::new("umount").arg(&target).status().unwrap().success());
    assert_eq!(count, 1);
}

#[expect(clippy::print_stderr, reason = "who reads the results should know what was not tried")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn the_lock_is_held_by_one_and_goes_with_its_holder() {
    let scratch = Scratch::new();
    let values = json!({ "pi": scratch.path("pi"), "who": "ann@laptop", "project": "team", "expiry": 60 });
    let lock = render(Template::LOCK, &values).unwrap();
    for _ in 0..2 {
        let mut holder = Command::new("bash")
            .args(["--norc", "-c", &lock.text, lock.name])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until(|| scratch.path("pi/lock/holder").exists());
        let other = bash(&lock, "");
        assert_eq!(other.status.code(), Some(75));
        assert!(String::from_utf8_lossy(&other.stdout).starts_with("held\tann@laptop\tteam\t"));
        assert!(Command::new("kill").arg(holder.id().to_string()).status().unwrap().success());
        assert_eq!(holder.wait().unwrap().code(), Some(143));
        assert!(!scratch.path("pi/lock").exists());
    }
}

/// Runs an action's script once, and again: the second run changes nothing.
fn twice(scratch: &Scratch, action: &Action) {
    scratch.act(action, "");
    let once = (scratch.tree(), scratch.sessions());
    scratch.act(action, "");
    assert_eq!((scratch.tree(), scratch.sessions()), once, "{}", action.name());
}

fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not happen within 10 s");
}

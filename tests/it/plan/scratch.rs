//! A pod's home in a scratch directory, with this machine's bash and processes.

use pi::manifest::{Manifest, Pod};
use pi::plan::{Action, Replaces, Start, scripts};
use pi::script::Script;
use pi::spec::{RunId, ServerSpec};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A pod's home in a scratch directory; what still runs in there ends with it.
pub(super) struct Scratch {
    pub(super) folder: TempDir,
    pub(super) manifest: Manifest,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text =
            format!("[pods.here]\nssh = \"local\"\npi_path = \"{at}/pi\"\nmodels_path = \"{at}/models\"\n");
        fs::create_dir(folder.path().join("pi")).unwrap();
        let manifest = super::case::parse(&text).unwrap();
        Self { folder, manifest }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(super) fn pod(&self) -> &Pod {
        self.manifest.pods.values().next().unwrap()
    }

    pub(super) fn act(&self, action: &Action, input: &str) {
        for script in scripts(action, self.pod()).unwrap() {
            let out = bash(&script, input);
            assert!(out.status.success(), "{}: {}", script.name, String::from_utf8_lossy(&out.stderr));
        }
    }

    /// Leaders of the sessions whose processes know this directory.
    pub(super) fn sessions(&self) -> Vec<u32> {
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
    pub(super) fn server(&self) -> Box<ServerSpec> {
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
    pub(super) fn tree(&self) -> BTreeMap<PathBuf, String> {
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
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::symlink_metadata(&path).unwrap().permissions());
        if path.is_symlink() {
            tree.insert(name, fs::read_link(&path).unwrap().display().to_string());
        } else if path.is_dir() {
            tree.insert(name, format!("{mode:o}"));
            walk(root, &path, tree);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            // who runs differs
            let text = if matches!(path.file_name().unwrap().to_str().unwrap(), "pid" | "answered" | "took") {
                ""
            } else {
                &text
            };
            tree.insert(name, format!("{mode:o} {text}"));
        }
    }
}

/// Starts the first run of a server.
pub(super) fn first_run(spec: Box<ServerSpec>) -> Action {
    start(spec, 1, Replaces::Nothing)
}

pub(super) fn start(spec: Box<ServerSpec>, run: u32, replaces: Replaces) -> Action {
    Action::StartServer(Box::new(Start { spec: *spec, run: RunId(run), replaces, launch: None }))
}

pub(super) fn bash(script: &Script, input: &str) -> Output {
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

/// Runs an action's script once, and again: the second run changes nothing.
pub(super) fn twice(scratch: &Scratch, action: &Action) {
    scratch.act(action, "");
    let once = (scratch.tree(), scratch.sessions());
    scratch.act(action, "");
    assert_eq!((scratch.tree(), scratch.sessions()), once, "{}", action.name());
}

pub(super) fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it did not happen within 10 s");
}

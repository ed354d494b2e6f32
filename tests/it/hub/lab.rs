//! A hub on loopback and a directory in which somebody types `pi`.

use crate::workplace::{Ran, Workplace};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// Both, gone with the value.
pub(super) struct Lab {
    pub(super) place: Workplace,
    hub: Option<Child>,
    endpoint: String,
    tools: PathBuf,
}

impl Lab {
    /// A hub without repositories.
    pub(super) fn new() -> Self {
        let place = Workplace::new();
        fs::create_dir(place.path().join("hub")).unwrap();
        let (hub, endpoint) = start(place.path());
        let lab = Self { place, hub: Some(hub), endpoint, tools: tools() };
        lab.share("pod");
        lab
    }

    /// Lets a pod find what uv has downloaded for others.
    pub(super) fn share(&self, pod: &str) {
        let cache = self.place.path().join(pod).join("cache");
        fs::create_dir_all(&cache).unwrap();
        std::os::unix::fs::symlink(self.tools.join("cache"), cache.join("uv")).unwrap();
    }

    /// Adds a repository, or replaces files of it.
    pub(super) fn repo(&self, name: &str, about: &str, files: &[(&str, &[u8])]) {
        let root = self.place.path().join("hub").join(name);
        for (path, data) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, data).unwrap();
        }
        fs::write(root.with_file_name(format!("{}.json", root.file_name().unwrap().display())), about)
            .unwrap();
    }

    /// Types `pi …`; `token` is `$HF_TOKEN`, if not empty.
    pub(super) fn pi(&self, args: &str, token: &str) -> Ran {
        self.command(args, token).output().unwrap().into()
    }

    pub(super) fn command(&self, args: &str, token: &str) -> Command {
        let mut command = self.place.command(args);
        let path = format!("{}:{}", self.tools.join("bin").display(), std::env::var("PATH").unwrap());
        command.env("HF_HUB_OFFLINE", "0").env("HF_ENDPOINT", &self.endpoint).env("PATH", path);
        if !token.is_empty() {
            command.env("HF_TOKEN", token);
        }
        command
    }

    /// What the hub was asked since the last time this was asked: `GET /path with token -> 200`.
    pub(super) fn asked(&self) -> Vec<String> {
        let log = self.place.path().join("hub.log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        fs::write(&log, "").unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The hub is gone.
    pub(super) fn stop(&mut self) {
        if let Some(mut hub) = self.hub.take() {
            hub.kill().unwrap();
            hub.wait().unwrap();
        }
    }

    /// A directory below the workplace's.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    /// The cache's directory of a repository.
    pub(super) fn cached(&self, repo: &str) -> PathBuf {
        self.path("hf/hub").join(format!("models--{}", repo.replace('/', "--")))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop();
        // also where a test fails: servers are sessions of their own
        drop(self.command("destroy --yes", "").output());
    }
}

fn start(place: &Path) -> (Child, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hub/minihub.py");
    let mut hub = Command::new("python3")
        .arg(script)
        .arg(place.join("hub"))
        .arg(place.join("hub.log"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need python3");
    let mut endpoint = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut endpoint).unwrap();
    (hub, endpoint.trim().to_owned())
}

/// uv, and what it has downloaded before: got once, kept in `target`.
fn tools() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hub-tools");
    fs::create_dir_all(tools.join("cache")).unwrap();
    // tests may also be processes of their own
    let lock = fs::File::create(tools.join("lock")).unwrap();
    lock.lock().unwrap();
    if !tools.join("bin/uv").exists() {
        let run = |program: &Path, args: &[&str]| {
            let ran = Command::new(program).args(args).status();
            assert!(ran.unwrap().success(), "{} {args:?}", program.display());
        };
        run(Path::new("python3"), &["-m", "venv", tools.join("venv").to_str().unwrap()]);
        let quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"];
        run(&tools.join("venv/bin/python"), &quiet);
        fs::create_dir_all(tools.join("bin")).unwrap();
        std::os::unix::fs::symlink("../venv/bin/uv", tools.join("bin/uv")).unwrap();
    }
    tools
}

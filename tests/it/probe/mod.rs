//! The probe itself, on this machine: what is set up here is what it must see.

mod gpus;
mod machine;
mod records;
mod servers;
mod trouble;
mod weights;

use pi::manifest::{DEFAULT_DRAIN, EngineKind, Restart};
use pi::model_ref::ModelRef;
use pi::name::{ModelName, PodPath, Port, Project};
use pi::observe::{Ask, Blind, Expect, PodFacts, read};
use pi::script::{Template, render};
use pi::spec::{KeyUse, ServerSpec};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SALT: &str = "salt";

/// Programs of coreutils, all that a probe may find.
const COREUTILS: &str = "basename cat chmod cp cut date dd df dirname du env head id join ln ls mkdir mktemp mv nproc paste printf readlink realpath rm sha256sum sleep sort stat tail tee timeout touch tr uname uniq wc whoami";

/// A pod in a directory: its home, and a `PATH` with bash and coreutils alone.
struct Place {
    root: tempfile::TempDir,
    ask: Ask,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["bin", "home", "pi/servers", "pi/engines", "hf/hub"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        let path = |name: &str| PodPath::parse(root.path().join(name).to_str().unwrap()).unwrap();
        let ask = Ask {
            pi_path: path("pi"),
            models_path: path("hf"),
            mount_targets: Vec::new(),
            model_paths: Vec::new(),
            repos: Vec::new(),
            programs: vec!["gcc".to_owned(), "uv".to_owned()],
            topology: true,
            project: String::new(),
            salt: SALT.to_owned(),
        };
        let place = Self { root, ask };
        for name in COREUTILS.split(' ').chain(["bash"]) {
            let real =
                ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(name)).into_iter().find(|p| p.exists());
            symlink(real.expect(name), place.path("bin").join(name)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts a program of its own on the pod's `PATH`.
    fn program(&self, name: &str, script: &str) {
        self.write(&format!("bin/{name}"), &format!("#!/bin/bash\n{script}\n"));
        fs::set_permissions(self.path("bin").join(name), Permissions::from_mode(0o755)).unwrap();
    }

    fn script(&self) -> String {
        render(Template::PROBE, &self.ask).unwrap().text
    }

    fn text(&self, script: &str) -> String {
        let out = Command::new("/bin/bash")
            .args(["--norc", "-c", script])
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .current_dir(self.path("home"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stderr).as_ref()), (Some(0), ""));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    fn probe(&self) -> PodFacts {
        self.sight().unwrap()
    }

    /// What is seen, or why it can't be told what runs.
    fn sight(&self) -> Result<PodFacts, Blind> {
        read(&self.text(&self.script()), &Expect::default())
    }
}

fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Until a process is gone, or a zombie that nobody reaps.
fn wait_until_gone(pid: impl std::fmt::Display) {
    wait_for(|| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn spec(name: &str, port: u16) -> ServerSpec {
    ServerSpec {
        name: ModelName::parse(name).unwrap(),
        project: Project::parse("test").unwrap(),
        kind: EngineKind::Command,
        engine: None,
        build: None,
        model: ModelRef::parse("tiny/qwen3").unwrap(),
        commit: None,
        context: None,
        fitted: false,
        memory: None,
        gpus: Vec::new(),
        listen: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: Port::new(port).unwrap(),
        drain: DEFAULT_DRAIN,
        can_drain: false,
        key: KeyUse::Open,
        args: vec!["--note".to_owned(), "a \"port\":1 \\ b".to_owned()],
        command: Vec::new(),
        env: BTreeMap::new(),
        restart: Restart::No,
        log_limit: None,
    }
}

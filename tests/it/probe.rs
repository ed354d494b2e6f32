//! The probe itself, on this machine: what is set up here is what it must see.

use pi::manifest::EngineKind;
use pi::model_ref::ModelRef;
use pi::name::{AbsPath, HfRepo, ModelName, PodPath, Port, Project, SecretName};
use pi::observe::{Ask, Expect, GpuSight, Life, MountSeen, PodFacts, SecretSeen, Whole, read, salted};
use pi::script::{Template, render};
use pi::spec::{KeyUse, ServerSpec};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

const SALT: &str = "salt";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Programs of coreutils, all that a probe may find.
const COREUTILS: &[&str] = &[
    "basename",
    "cat",
    "chmod",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "dirname",
    "du",
    "env",
    "head",
    "id",
    "join",
    "ln",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "nproc",
    "paste",
    "printf",
    "readlink",
    "realpath",
    "rm",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tee",
    "timeout",
    "touch",
    "tr",
    "uname",
    "uniq",
    "wc",
    "whoami",
];

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
            salt: SALT.to_owned(),
        };
        let place = Self { root, ask };
        for name in COREUTILS.iter().chain(&["bash"]) {
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
        read(&self.text(&self.script()), &Expect::default())
    }

    /// Starts a server as `start_server.sh` does: its session's leader notes who it is, then becomes the engine.
    fn serve(&self, name: &str, port: u16) -> Leader {
        self.write(
            &format!("pi/servers/{name}/spec.json"),
            &serde_json::to_string(&spec(name, port)).unwrap(),
        );
        let dir = self.path(&format!("pi/servers/{name}"));
        let run =
            "read -r stat </proc/$$/stat; rest=(${stat##*) }); read -r boot </proc/sys/kernel/random/boot_id
            sleep 1000 & echo $! >\"$1/child\"
            echo \"$$ ${rest[19]} $boot\" >\"$1/pid\"; exec sleep 1000";
        let done = Command::new("setsid")
            .args(["-f", "bash", "-c", run, "run"])
            .arg(&dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.unwrap().success());
        let pid = |file: &str| {
            wait_for(|| fs::read_to_string(dir.join(file)).ok()?.split(' ').next()?.trim().parse().ok())
        };
        Leader { pid: pid("pid"), child: pid("child") }
    }
}

/// A server's processes, ended with the test.
struct Leader {
    pid: u32,
    child: u32,
}

impl Leader {
    fn kill(pid: u32) {
        drop(Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status());
        wait_for(|| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            (stat.is_empty() || stat.contains(") Z ")).then_some(())
        });
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        Self::kill(self.pid);
        Self::kill(self.child);
    }
}

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
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

fn spec(name: &str, port: u16) -> ServerSpec {
    ServerSpec {
        name: ModelName::parse(name).unwrap(),
        project: Project::parse("test").unwrap(),
        kind: EngineKind::Command,
        engine: None,
        model: ModelRef::parse("tiny/qwen3").unwrap(),
        commit: None,
        context: None,
        memory: None,
        gpus: Vec::new(),
        listen: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: Port::new(port).unwrap(),
        key: KeyUse::Open,
        args: vec!["--note".to_owned(), "a \"port\":1 \\ b".to_owned()],
        command: Vec::new(),
        env: BTreeMap::new(),
    }
}

/// Answers every request with this status.
fn http(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            assert!(request.starts_with(b"GET /health HTTP/1.0\r\n"));
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    port
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

#[test]
fn bash_and_coreutils_are_enough() {
    let place = Place::new();
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let host = &facts.host;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(host.clock) < 30, "{}", host.clock);
    assert!(host.uptime > 0 && host.cpus > 0 && host.memory.0 > host.memory_available.0, "{host:?}");
    let texts = [
        &host.os,
        &host.kernel,
        &host.arch,
        &host.hostname,
        &host.boot_id,
        &host.user,
        &host.init,
        &host.libc,
    ];
    assert!(texts.iter().all(|text| !text.is_empty()), "{host:?}");
    assert_eq!(host.home, place.path("home").to_str().unwrap());
    assert_eq!(facts.pi_path, place.ask.pi_path.as_str());
    let disks: Vec<_> = facts.disks.iter().map(|disk| disk.path.as_str()).collect();
    assert_eq!(disks[..2], [place.ask.pi_path.as_str(), place.ask.models_path.as_str()]);
    assert!(facts.disks.iter().all(|disk| disk.size.0 >= disk.free.0 && !disk.kind.is_empty()), "{facts:?}");
    assert_eq!((facts.gpus, facts.programs.len(), facts.servers.len()), (GpuSight::None, 0, 0));
}

#[test]
fn nothing_but_path_and_home_is_fine_too() {
    let mut place = Place::new();
    place.ask.pi_path = PodPath::parse("~/.pi").unwrap();
    place.ask.models_path = PodPath::parse("~/a/b/c").unwrap();
    let facts = place.probe();
    let home = place.path("home");
    assert_eq!(facts.gaps, []);
    assert_eq!(Path::new(&facts.pi_path), home.join(".pi"));
    assert_eq!(Path::new(&facts.models_path), home.join("a/b/c"));
    assert!(facts.disks.len() >= 3, "a disk is that of the nearest directory that exists: {:?}", facts.disks);
}

#[test]
fn a_listener_is_seen_with_its_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let facts = Place::new().probe();
    let seen = facts.listeners.iter().find(|seen| seen.port.get() == port).unwrap();
    assert_eq!((seen.address.as_str(), seen.pid), ("127.0.0.1", Some(std::process::id())));
    assert!(seen.command.contains("it-"), "{seen:?}");
    assert!(seen.session.is_some());
}

#[test]
fn a_server_lives_dies_and_leaves_something_behind() {
    let place = Place::new();
    let leader = place.serve("qwen", http("200 OK"));
    let other = place.serve("coder", http("503 Service Unavailable"));
    place.write("pi/servers/old/spec.json", &serde_json::to_string(&spec("old", 1)).unwrap());
    place.write("pi/servers/old/stopped", "");
    place.write("pi/servers/booted/pid", &format!("{} 12 0f0f0f0f-0000-0000-0000-000000000000", leader.pid));
    place.write("pi/servers/broken/spec.json", "{\"name\": 1");
    let run = fs::read_to_string(place.path("pi/servers/qwen/pid")).unwrap();
    place.write("pi/servers/qwen/answered", run.trim().rsplit_once(' ').unwrap().0);
    place.write("pi/servers/coder/answered", "1 2\n");

    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let life = |name: &str| facts.servers[&model(name)].life.clone();
    assert!(
        matches!(life("qwen"), Life::Running { pid, seconds: 0..60, health: Some(200) } if pid == leader.pid)
    );
    assert!(matches!(life("coder"), Life::Running { pid, health: Some(503), .. } if pid == other.pid));
    assert_eq!(life("old"), Life::Stopped);
    assert_eq!(life("booted"), Life::Dead { left: vec![] });
    assert_eq!(life("broken"), Life::Stopped);
    assert!(facts.servers[&model("broken")].spec.is_err());
    assert_eq!(facts.servers[&model("old")].spec, Ok(spec("old", 1)));
    assert!(facts.servers[&model("qwen")].answered && !facts.servers[&model("coder")].answered);

    Leader::kill(leader.pid);
    let facts = place.probe();
    assert_eq!(facts.servers[&model("qwen")].life, Life::Dead { left: vec![leader.child] });
    Leader::kill(leader.child);
    place.write("pi/servers/coder/stopped", "");
    let facts = place.probe();
    assert_eq!(facts.servers[&model("qwen")].life, Life::Dead { left: vec![] });
    assert!(matches!(facts.servers[&model("coder")].life, Life::Running { .. }));
    place.write("pi/servers/qwen/stopped", "");
    assert_eq!(place.probe().servers[&model("qwen")].life, Life::Stopped);
}

#[test]
fn a_server_that_does_not_answer_holds_up_nothing() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let _servers = [place.serve("a", port), place.serve("b", port), place.serve("c", 1)];
    let start = Instant::now();
    let facts = place.probe();
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert_eq!(facts.gaps, []);
    for server in facts.servers.values() {
        assert!(matches!(server.life, Life::Running { health: None, .. }), "{server:?}");
    }
}

#[test]
fn secrets_are_compared_and_never_shown() {
    let place = Place::new();
    place.write("pi/env", "api_key=sk-it's $HOME `x` \\n\nhf_token=hf_other\nwandb=w\n\nodd\n");
    place.write("pi/servers/qwen/secrets", "api_key=sk-it's $HOME `x` \\n");
    let name = |name: &str| SecretName::parse(name).unwrap();
    let expect = Expect {
        digests: BTreeMap::from([
            (name("api_key"), salted(SALT, "sk-it's $HOME `x` \\n")),
            (name("hf_token"), salted(SALT, "hf_mine")),
        ]),
    };
    let text = place.text(&place.script());
    assert!(!text.contains("sk-it") && !text.contains("hf_other"));
    let facts = read(&text, &expect);
    let wanted =
        [("api_key", SecretSeen::Same), ("hf_token", SecretSeen::Differs), ("wandb", SecretSeen::There)];
    assert_eq!(facts.secrets, wanted.map(|(text, seen)| (name(text), seen)).into());
    assert_eq!(facts.servers[&model("qwen")].secrets, [(name("api_key"), SecretSeen::Same)].into());
}

#[test]
fn weights_are_whole_or_they_are_not() {
    let mut place = Place::new();
    place.ask.repos = vec![HfRepo::parse("tiny/qwen3").unwrap(), HfRepo::parse("not/there").unwrap()];
    let repo = place.path("hf/hub/models--tiny--qwen3");
    let snapshot = repo.join("snapshots").join(COMMIT);
    fs::create_dir_all(snapshot.join("sub/deep")).unwrap();
    place.write("hf/hub/models--tiny--qwen3/refs/main", COMMIT);
    place.write("hf/hub/models--tiny--qwen3/refs/pr/1", "abc");
    place.write("hf/hub/models--tiny--qwen3/blobs/aa", "12345");
    place.write("hf/hub/models--tiny--qwen3/blobs/bb", "123");
    place.write("hf/hub/models--tiny--qwen3/blobs/cc.1f.incomplete", "1234567");
    symlink("../../blobs/aa", snapshot.join(".gitattributes")).unwrap();
    symlink("../../../../blobs/bb", snapshot.join("sub/deep/notes.txt")).unwrap();
    let tree = "{\n \"format_version\": 1,\n \"files\": {\n  \".gitattributes\": {\"size\": 5, \"blob_id\": \"aa\"},\n  \
                \"sub/deep/notes.txt\": {\"size\": 3, \"blob_id\": \"bb\"}\n }\n}";
    let tree_path = format!("hf/hub/models--tiny--qwen3/trees/{COMMIT}.json");

    let unknown = place.probe().cache;
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].snapshots[COMMIT].whole, Whole::Unknown);
    place.write(&tree_path, tree);
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let cached = &facts.cache[0];
    assert_eq!((cached.bytes.0, cached.incomplete.0), (8, 7));
    assert_eq!(
        cached.refs,
        [("main".to_owned(), COMMIT.to_owned()), ("pr/1".to_owned(), "abc".to_owned())].into()
    );
    let seen = &cached.snapshots[COMMIT];
    assert_eq!((seen.files, seen.whole, seen.missing.len()), (2, Whole::Yes, 0));
    fs::remove_file(repo.join("blobs/bb")).unwrap();
    let seen = &place.probe().cache[0].snapshots[COMMIT];
    assert_eq!(
        (seen.files, seen.whole, seen.missing.as_slice()),
        (1, Whole::No, &["sub/deep/notes.txt".to_owned()][..])
    );
}

#[test]
fn paths_mounts_engines_programs_and_the_lock_are_seen() {
    let mut place = Place::new();
    let path = |name: &str| AbsPath::parse(place.path(name).to_str().unwrap()).unwrap();
    place.write("models/a b/x.safetensors", "12345");
    place.write("models/a b/sub/y", "123");
    place.write("models/one.gguf", "1234");
    let asked = [path("models/a b"), path("models/one.gguf"), path("models/none")];
    let mounts = vec![path("models"), AbsPath::parse("/proc").unwrap()];
    place.write("pi/engines/vllm-0.32.0/pi-recipe", "abcdef123456");
    place.write("pi/engines/vllm-0.33.0/bin/python", "");
    place.write("pi/lock/holder", "ann@laptop\nproject\n1700000000\nboot 12");
    place.program("gcc", "");
    place.ask.model_paths = asked.to_vec();
    place.ask.mount_targets = mounts;
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let seen: Vec<_> = asked.iter().map(|path| facts.model_paths.get(path.as_str())).collect();
    assert!(seen[0].is_some_and(|seen| seen.directory && seen.bytes.0 == 5), "{seen:?}");
    assert!(seen[1].is_some_and(|seen| !seen.directory && seen.bytes.0 == 4), "{seen:?}");
    assert_eq!(seen[2], None);
    assert_eq!(facts.mounts[place.path("models").to_str().unwrap()], MountSeen::Nothing);
    assert!(matches!(&facts.mounts["/proc"], MountSeen::Mounted { kind, .. } if kind == "proc"));
    let digests: Vec<_> = facts.engines.values().map(|engine| engine.digest.as_deref()).collect();
    assert_eq!(digests, [Some("abcdef123456"), None]);
    assert_eq!(facts.programs.keys().collect::<Vec<_>>(), ["gcc"]);
    let lock = facts.lock.unwrap();
    assert_eq!(
        (lock.who.as_str(), lock.project.as_str(), lock.since),
        ("ann@laptop", "project", 1_700_000_000)
    );
    assert!(lock.idle < 60, "{lock:?}");
}

#[test]
fn hostile_names_get_nowhere() {
    let mut place = Place::new();
    let evil = "\u{1b}[2J\nsecret\tapi_key\t00\n$(touch x)`touch x`\u{9b}\u{202e}";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // the child has it for its standard input, and is called what it likes
    let child = Command::new("sleep").arg0(evil).arg("1000").stdin(OwnedFd::from(listener)).spawn();
    let child = Killed(child.unwrap());
    let mut leader = spec("qwen", 1);
    leader.args = vec!["\u{1b}]0;pwned\u{7}".to_owned()];
    place.write("pi/servers/qwen/spec.json", &serde_json::to_string(&leader).unwrap());
    for name in [evil, "$(touch x)", "*", "-rf", "a b"] {
        place.write(&format!("pi/servers/{name}/spec.json"), evil);
        place.write(&format!("pi/servers/{name}/pid"), "* $(touch x)");
        place.write(&format!("pi/engines/{name}/pi-recipe"), evil);
        place.write(&format!("hf/hub/models--{}/refs/main", name.replace('/', "")), evil);
        place.write(&format!("hf/hub/models--tiny--qwen3/refs/{name}"), evil);
        place.write(&format!("hf/hub/models--tiny--qwen3/snapshots/{name}/{name}"), evil);
        place.write(&format!("models/{name}"), evil);
    }
    place.write("pi/env", &format!("{evil}=1\napi\u{1b}=2\n"));
    place.write("pi/lock/holder", evil);
    fs::write(place.path("pi/servers").join(OsString::from_vec(vec![0xff, 0xfe])), "").unwrap();
    place.ask.repos = vec![HfRepo::parse("tiny/qwen3").unwrap()];
    place.ask.model_paths = vec![AbsPath::parse(place.path("models").to_str().unwrap()).unwrap()];
    place.program("nvidia-smi", "printf '0, GPU-1, \\e[2J\\r, 80, 40, 1.2\\n\\e]0;x\\a\\n'; exit 3");
    let facts = place.probe();
    assert_eq!(facts.listeners.iter().find(|seen| seen.port.get() == port).unwrap().pid, Some(child.0.id()));
    assert_eq!(facts.secrets.len(), 0, "a name has become a record");
    assert!(facts.servers[&model("qwen")].spec.as_ref().is_err_and(|why| why.contains("control characters")));
    let shown = serde_json::to_value(&facts).unwrap();
    assert_tame(&shown);
    for directory in ["home", "pi", "bin"] {
        assert!(!place.path(directory).join("x").exists(), "a name was executed");
    }
}

/// No string in it has characters that a terminal would obey.
fn assert_tame(value: &serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
        Value::Array(items) => items.iter().for_each(assert_tame),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            assert_tame(&Value::String(key.clone()));
            assert_tame(value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn a_fifo_does_not_hang_it() {
    let place = Place::new();
    for file in [
        "env",
        "servers/a/spec.json",
        "servers/a/pid",
        "servers/a/secrets",
        "engines/e/pi-recipe",
        "lock/holder",
    ] {
        place.write(&format!("pi/{file}"), "");
        fs::remove_file(place.path("pi").join(file)).unwrap();
        assert!(Command::new("mkfifo").arg(place.path("pi").join(file)).status().unwrap().success());
    }
    let start = Instant::now();
    let facts = place.probe();
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!((facts.gaps.len(), facts.servers.len(), facts.engines.len()), (0, 1, 1), "{facts:?}");
}

#[test]
fn what_hangs_is_ended_and_becomes_a_gap() {
    let place = Place::new();
    fs::remove_file(place.path("bin/df")).unwrap();
    place.program("df", "echo $$ >>pids; exec sleep 1000");
    place.program("nvidia-smi", "echo $$ >>pids; exec sleep 1000");
    let script = place.script().replace("section 5 disks", "section 1 disks").replace("-t 20", "-t 1");
    let start = Instant::now();
    let facts = read(&place.text(&script), &Expect::default());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let sections: Vec<_> = facts.gaps.iter().map(|gap| gap.section.as_str()).collect();
    assert_eq!(sections, ["disks", "gpus"], "{:?}", facts.gaps);
    assert!(
        matches!(&facts.gpus, GpuSight::Broken { exit: 124, message } if message.contains("did not answer"))
    );
    assert!(!facts.host.boot_id.is_empty());
    for pid in fs::read_to_string(place.path("home/pids")).unwrap().split_whitespace() {
        wait_for(|| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            (stat.is_empty() || stat.contains(") Z ")).then_some(())
        });
    }
}

#[test]
fn a_missing_program_is_a_gap_and_no_more() {
    let place = Place::new();
    for name in ["df", "ls", "stat", "sha256sum"] {
        fs::remove_file(place.path("bin").join(name)).unwrap();
    }
    let facts = place.probe();
    assert!(facts.gaps.iter().any(|gap| gap.section == "disks"), "{:?}", facts.gaps);
    assert!(!facts.host.boot_id.is_empty());
}

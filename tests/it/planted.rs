//! Secrets whose values are known are planted, everything is done, failures too, and then everything is searched for
//! them: what is printed, what is written on either machine, every command line and environment while it happens.

use crate::sshd::Sshd;
use crate::workplace::{Ran, Workplace};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Answers as it should; tells everybody who reads its log what it knows, and ends, if it is told to.
const SERVER: &str = r#"
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
if len(sys.argv) > 2:
    print("environment:", dict(os.environ), flush=True)
    raise RuntimeError("no more: " + os.environ["PI_API_KEY"])
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"data": [{"id": "echo"}]})
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer({"choices": [{}]})
    def answer(self, body):
        known = self.headers.get("authorization") == "Bearer " + os.environ["PI_API_KEY"]
        text = json.dumps(body).encode()
        self.send_response(200 if known or self.path == "/health" else 401)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Server).serve_forever()
"#;

/// The planted values; no other process of this machine knows them.
struct Planted {
    key: String,
    token: String,
}

impl Planted {
    fn new() -> Self {
        let id = std::process::id();
        Self { key: format!("planted-key-{id}-Zq7"), token: format!("hf_planted{id}Zq7") }
    }

    fn in_text(&self, text: &[u8]) -> bool {
        let has = |value: &String| text.windows(value.len()).any(|window| window == value.as_bytes());
        has(&self.key) || has(&self.token)
    }
}

/// Command lines that hold a planted value, and those of processes whose environment does, until `done`.
fn watch(planted: &Planted, done: &AtomicBool) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut told, mut inherited) = (BTreeSet::new(), BTreeSet::new());
    while !done.load(Ordering::Relaxed) {
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let shown = || String::from_utf8_lossy(&line).replace('\0', " ");
            if planted.in_text(&line) {
                told.insert(shown());
            }
            if fs::read(process.path().join("environ")).is_ok_and(|environ| planted.in_text(&environ)) {
                inherited.insert(shown());
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    (told, inherited)
}

/// Every file below, links not followed.
fn files(at: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(at).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

fn manifest(sshd: &Sshd, (port, dying): (u16, u16)) -> String {
    let home = sshd.home().display().to_string();
    format!(
        "[secrets]\napi_key = {{ file = \"key\" }}\nhf_token = {{ command = [\"cat\", \"token\"] }}\n\
         [pods.far]\nssh = \"{}\"\n\
         [defaults.model]\nengine = \"command\"\nmodel = \"{home}/server.py\"\ngpus = 0\n\
         [models.echo]\nport = {port}\ncommand = [\"python3\", \"{{model}}\", \"{{port}}\"]\n\
         [models.dying]\nport = {dying}\ncommand = [\"python3\", \"{{model}}\", \"{{port}}\", \"die\"]\n",
        sshd.ssh_line()
    )
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn planted_secrets_are_found_nowhere_but_where_they_belong() {
    let (sshd, planted, done) = (Sshd::start(), Planted::new(), AtomicBool::new(false));
    fs::write(sshd.home().join("server.py"), SERVER).unwrap();
    let place = Workplace::with(&manifest(&sshd, (free_port(), free_port())));
    fs::write(place.path().join("token"), &planted.token).unwrap();
    let (ran, (told, inherited)) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&planted, &done));
        let ran = type_all(&place, &planted);
        done.store(true, Ordering::Relaxed);
        (ran, watching.join().unwrap())
    });
    let holding = holding(&place, &sshd, &planted);
    place.pi("destroy --yes --no-persist").exits(0);

    for (args, code, ran) in ran {
        assert!(!planted.in_text(ran.out.as_bytes()), "pi {args}:\n{}", ran.out);
        assert!(!planted.in_text(ran.err.as_bytes()), "pi {args}:\n{}", ran.err);
        assert_eq!(ran.code, Some(code), "pi {args}:\n{}\n{}", ran.out, ran.err);
        if code == 1 {
            // it did see what the dying server said
            let said = ran.out + &ran.err;
            assert!(said.contains("no more: (hidden)"), "pi {args}:\n{said}");
        }
    }
    assert_eq!(told, BTreeSet::new(), "command lines with a secret");
    let others: Vec<_> = inherited.iter().filter(|line| !line.contains("server.py")).collect();
    assert_eq!(others, Vec::<&String>::new(), "processes with a secret that is none of theirs");
    assert!(!inherited.is_empty(), "nothing was seen: the watch does not work");
    let expected = [
        ".pi/secrets/thetestproject 600",
        ".pi/servers/dying/runs/1/server.log 600",
        ".pi/servers/dying/runs/2/server.log 600",
        ".pi/servers/dying/runs/3/secrets 600",
        ".pi/servers/dying/runs/3/server.log 600",
        ".pi/servers/echo/runs/2/secrets 600",
        "key 644",
        "token 644",
    ];
    assert_eq!(holding, expected.map(str::to_owned).into(), "files with a secret");
}

/// Everything that somebody might type on a bad day: the words, the exit code to expect, what came of it.
fn type_all(place: &Workplace, planted: &Planted) -> Vec<(&'static str, i32, Ran)> {
    let plant = |key: &str| fs::write(place.path().join("key"), format!("{key}\n")).unwrap();
    plant(&planted.key);
    let commands = [
        ("plan --verbose", 0),
        ("plan --json --out saved.json", 0),
        ("apply --yes --json", 1),
        ("plan --verbose", 0),
        ("apply --yes", 1),
        ("list", 0),
        ("list --json", 0),
        ("history --json", 0),
        ("pods --refresh --json", 0),
        ("check --json", 0),
        ("import --json", 0),
        ("unlock --json", 0),
    ];
    let mut ran: Vec<_> = commands.iter().map(|(args, code)| (*args, *code, place.pi(args))).collect();
    // the same again with another key: what was there before is no more to be seen
    plant(&format!("{}-second", planted.key));
    ran.push(("apply --yes", 1, place.pi("apply --yes --no-persist")));
    // a wrong manifest and a pod that is not reached are told of, too
    let right = fs::read_to_string(place.path().join("pi.toml")).unwrap();
    place.write(&right.replace("-p ", "-p 1 -p "));
    ran.push(("apply --yes", 69, place.pi("apply --yes --no-persist")));
    place.write(&right);
    ran
}

/// The files with a planted value in them, here and on the pod, and their modes.
fn holding(place: &Workplace, sshd: &Sshd, planted: &Planted) -> BTreeSet<String> {
    let mut written = Vec::new();
    files(place.path(), &mut written);
    files(sshd.dir(), &mut written);
    let holding = written.iter().filter(|path| planted.in_text(&fs::read(path).unwrap_or_default()));
    holding
        .map(|path| {
            let below = path.strip_prefix(place.path()).or(path.strip_prefix(sshd.home())).unwrap();
            let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
            format!("{} {mode:o}", below.display())
        })
        .collect()
}

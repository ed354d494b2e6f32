//! Servers and secrets.

use super::{Place, SALT, model, spec, wait_for, wait_until_gone};
use pi::name::SecretName;
use pi::observe::{Expect, Life, SecretSeen, read, salted};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server's processes, ended with the test.
struct Leader {
    pid: u32,
    child: u32,
}

impl Leader {
    fn kill(pid: u32) {
        drop(Command::new("kill").args(["-KILL", &pid.to_string()]).stderr(Stdio::null()).status());
        wait_until_gone(pid);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        Self::kill(self.pid);
        Self::kill(self.child);
    }
}

impl Place {
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
    let log = "(Worker_TP0 pid=1) INFO [gpu_worker.py:298] Available KV cache memory: 38.12 GiB\n";
    place.write("pi/servers/qwen/measured", &format!("Model loading took 30.7 GiB memory\n\x1b[31m{log}"));

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

    let measured = facts.servers[&model("qwen")].measured.unwrap();
    assert_eq!(measured.kv_cache.map(|bytes| bytes.to_string()), Some("40.9 GB".to_owned()));
    assert!(measured.weights.is_some() && facts.servers[&model("coder")].measured.is_none());

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
fn secrets_are_compared_by_any_program_and_without_one_they_are_unknown() {
    let name = |name: &str| SecretName::parse(name).unwrap();
    let digests = [(name("api_key"), salted(SALT, "one")), (name("hf_token"), salted(SALT, "two"))];
    let expect = Expect { digests: BTreeMap::from(digests), project: None };
    let sum = "/usr/bin/sha256sum";
    let table = [
        ("shasum", format!("[[ $* == '-a 256' ]] && {sum}"), true),
        ("openssl", format!("[[ $* == 'dgst -sha256 -r' ]] && echo \"$({sum} | head -c 64) *stdin\""), true),
        ("busybox", format!("[[ $* == sha256sum ]] && {sum}"), true),
        ("sha256sum", "exit 1".to_owned(), false),
        ("sha256sum", "echo no such applet".to_owned(), false),
        ("odd", String::new(), false),
    ];
    for (program, script, works) in table {
        let place = Place::new();
        place.write("pi/env", "api_key=one\nhf_token=other\n");
        place.write("pi/servers/qwen/spec.json", "{}");
        place.write("pi/servers/qwen/secrets", "api_key=other\n");
        fs::remove_file(place.path("bin/sha256sum")).unwrap();
        place.program(program, &script);
        let facts = read(&place.text(&place.script()), &expect).unwrap();
        let seen = |seen, unknown| if works { seen } else { unknown };
        let wanted = [
            (name("api_key"), seen(SecretSeen::Same, SecretSeen::There)),
            (name("hf_token"), seen(SecretSeen::Differs, SecretSeen::There)),
        ];
        assert_eq!(facts.secrets.seen(), Some(&wanted.into()), "{program} {script}");
        let of_server = [(name("api_key"), seen(SecretSeen::Differs, SecretSeen::There))];
        assert_eq!(facts.servers[&model("qwen")].secrets, of_server.into(), "{program} {script}");
        let gaps: Vec<_> = facts.gaps.iter().map(|gap| gap.section.as_str()).collect();
        assert_eq!(gaps, if works { vec![] } else { vec!["secrets"] }, "{program} {script}");
    }
}

#[test]
fn secrets_are_compared_and_never_shown() {
    let place = Place::new();
    place.write("pi/env", "api_key=sk-it's $HOME `x` \\n\nhf_token=hf_other\nwandb=w\n\nodd\n");
    place.write("pi/servers/qwen/spec.json", "{}");
    place.write("pi/servers/qwen/secrets", "api_key=sk-it's $HOME `x` \\n");
    let name = |name: &str| SecretName::parse(name).unwrap();
    let expect = Expect {
        digests: BTreeMap::from([
            (name("api_key"), salted(SALT, "sk-it's $HOME `x` \\n")),
            (name("hf_token"), salted(SALT, "hf_mine")),
        ]),
        project: None,
    };
    let text = place.text(&place.script());
    assert!(!text.contains("sk-it") && !text.contains("hf_other"));
    let facts = read(&text, &expect).unwrap();
    let wanted =
        [("api_key", SecretSeen::Same), ("hf_token", SecretSeen::Differs), ("wandb", SecretSeen::There)];
    assert_eq!(facts.secrets.seen().unwrap(), &wanted.map(|(text, seen)| (name(text), seen)).into());
    assert_eq!(facts.servers[&model("qwen")].secrets, [(name("api_key"), SecretSeen::Same)].into());
}

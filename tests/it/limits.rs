//! Whatever comes from outside without end, hits a limit that is named, within a minute and a gigabyte.

use crate::workplace::{Ran, Workplace};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

/// `pi …` in a gigabyte of memory.
fn small(place: &Workplace, args: &str, env: &[(&str, &str)]) -> Ran {
    let pi = place.command("");
    let mut command = Command::new("prlimit");
    command.arg("--as=1073741824").arg(pi.get_program()).args(args.split_whitespace());
    command.current_dir(place.path()).env_clear().stdin(std::process::Stdio::null());
    command.envs(pi.get_envs().filter_map(|(name, value)| Some((name, value?)))).envs(env.iter().copied());
    let begun = Instant::now();
    let ran: Ran = command.output().unwrap().into();
    assert!(begun.elapsed() < Duration::from_mins(1), "pi {args} took {:?}", begun.elapsed());
    ran
}

/// The words of an error, on one line.
#[track_caller]
fn says(ran: &Ran, words: &[&str]) {
    let said = ran.err.replace(['│', '╰', '─', '▶'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let said = said + &ran.out;
    assert!(!said.contains("has a bug") && !said.contains("panicked"), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "not said: {words:?}\n{}{}", ran.out, ran.err);
}

#[test]
fn secrets_end() {
    let table = [
        ("{ file = \"/dev/zero\" }", "/dev/zero", "64 KiB, the limit for a secret"),
        ("{ file = \"{dir}/pipe\" }", "pipe", "20 s, the limit for a secret"),
        ("{ file = \"{dir}\" }", "cannot read", "directory"),
        ("{ command = [\"yes\"] }", "`yes`", "64 KiB, the limit for the command of a secret"),
        ("{ command = [\"sleep\", \"1000\"] }", "`sleep`", "45 s, the limit for the command of a secret"),
        ("{ env = \"LONG\" }", "LONG", "64 KiB, the limit for a secret"),
    ];
    let long = "x".repeat(100_000);
    for (secret, what, limit) in table {
        let place = Workplace::with(&format!("[secrets]\nkey = {secret}\n[pods.here]\nssh = \"local\"\n"));
        assert!(Command::new("mkfifo").arg(place.path().join("pipe")).status().unwrap().success());
        let ran = small(&place, "plan", &[("LONG", &long)]).exits(1);
        says(&ran, &["the secret `key`", what, limit]);
    }
    let held = "[secrets]\nkey = { command = [\"sh\", \"-c\", \"echo word; sleep 20 &\"] }\n[pods.here]\nssh = \"local\"\n\
                pi_path = \"{dir}/pod\"\n";
    small(&Workplace::with(held), "plan", &[]).exits(0);
}

#[test]
fn files_end() {
    let place = Workplace::with("[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n");
    let path = |name: &str| place.path().join(name);
    fs::File::create(path("huge")).unwrap().set_len(1 << 30).unwrap();
    fs::write(path("tree.json"), format!("[{}0]", "0,".repeat((4 << 20) - 2))).unwrap();
    fs::write(path("wrong.toml"), "x\n".repeat(500_000)).unwrap();
    fs::write(path("wide.toml"), format!("a = [{}]", "0,".repeat(500_000))).unwrap();
    fs::create_dir_all(path("home/.pi")).unwrap();
    for (args, code, words) in [
        ("check --manifest huge", 1, &["huge", "1 MiB, the limit for a manifest"][..]),
        ("check --manifest wrong.toml", 64, &["500000 problems", "… and 499990 more"]),
        ("check --manifest wrong.toml --json", 64, &["\"more\": 490000"]),
        ("check --manifest wide.toml", 64, &["unknown key `a`", "in line 1"]),
        ("apply huge", 1, &["huge", "8 MiB, the limit for a plan"]),
        ("apply tree.json", 64, &["tree.json is no plan"]),
        ("apply /dev/zero", 1, &["/dev/zero", "8 MiB, the limit for a plan"]),
        ("import --from /dev/zero", 1, &["/dev/zero", "8 MiB, the limit for pods.json"]),
        ("import --from tree.json", 64, &["tree.json is not of the older pi"]),
    ] {
        says(&small(&place, args, &[]).exits(code), words);
    }
    symlink("/dev/zero", path("home/.pi/pods.json")).unwrap();
    says(&small(&place, "plan", &[]).exits(1), &["pods.json", "8 MiB, the limit for pods.json"]);
}

/// A server that answers every request with this head, and then with this for ever, `pause` between.
fn endless(head: &'static str, again: &'static str, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serve = move |mut stream: TcpStream| {
        let mut request = vec![0; 65536];
        drop(stream.read(&mut request));
        drop(stream.write_all(head.as_bytes()));
        let many = if pause.is_zero() { 1000 } else { 1 };
        let portion = again.repeat(many);
        while stream.write_all(portion.as_bytes()).is_ok() {
            std::thread::sleep(pause);
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    url
}

const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

#[test]
fn a_hub_ends() {
    let manifest = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n[models.m]\nmodel = \"org/m\"\n\
                    engine = \"command\"\ncommand = [\"true\"]\ngpus = 0\n";
    let place = Workplace::with(manifest);
    for (again, pause, limit) in [
        ("{\"a\":[", Duration::ZERO, "4 MiB, the limit for what the hub says of a revision"),
        (" ", Duration::from_millis(50), "no answer within 10s"),
    ] {
        let url = endless(JSON, again, pause);
        says(&small(&place, "plan", &[("HF_ENDPOINT", &url), ("HF_HUB_OFFLINE", "0")]), &["org/m", limit]);
    }
}

#[test]
fn a_model_ends() {
    let nothing = Duration::ZERO;
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"word word word word \"}}]}\n\n";
    let call = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"ls\"}},{\"id\":\"b\",\"function\":{\"name\":\"ls\"}}]}}]}\n\n";
    let arguments = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"ls\",\"arguments\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}]}}]}\n\n";
    let ending = "2 MiB, the limit for what a model says in a turn";
    let table = [
        ("prompt --model m", EVENTS, text, nothing, ending),
        ("prompt --model m", EVENTS, call, nothing, "128, the limit for calls of tools in a turn"),
        ("prompt --model m", EVENTS, arguments, nothing, ending),
        ("prompt --model m", EVENTS, "x", nothing, "4 MiB, the limit for an event of a stream"),
        ("prompt --model m", EVENTS, "data: [", nothing, "4 MiB, the limit for an event of a stream"),
        ("prompt --model m", EVENTS, ": still here\n\n", nothing, "128 MiB, the limit for a model's turn"),
        ("prompt --model m", EVENTS, "x", Duration::from_secs(1), "55 s, the limit for an event of a stream"),
        ("prompt --model m", JSON, "[", nothing, "4 MiB, the limit for an event of a stream"),
        ("prompt", JSON, "[", nothing, "1 MiB, the limit for a list of models"),
        ("prompt", JSON, " ", Duration::from_millis(100), "30 s, the limit for a list of models"),
    ];
    let place = Workplace::new();
    std::thread::scope(|scope| {
        for (verb, head, again, pause, limit) in table {
            let place = &place;
            let run = move || {
                let url = endless(head, again, pause);
                let ran = small(place, &format!("{verb} --base-url {url}/v1 hello"), &[]);
                let last = ran.err.lines().rev().take(12).collect::<Vec<_>>();
                let ran = Ran {
                    err: last.into_iter().rev().collect::<Vec<_>>().join("\n"),
                    out: String::new(),
                    ..ran
                };
                says(&ran.exits(1), &[limit]);
            };
            // those that wait do so side by side; the others need the processor
            if pause.is_zero() { run() } else { drop(scope.spawn(run)) }
        }
    });
}

//! What is kept of a server that has answered, while a changed one is tried in its place. For real: in scratch
//! directories, with this machine's bash and processes.

use super::scratch::{Scratch, bash, twice, wait_until};
use pi::plan::{Action, Before, Otherwise, scripts};
use pi::script::{Script, Template, render};
use pi::spec::ServerSpec;
use pi::units::Seconds;
use serde_json::json;
use std::fs;

/// A pod with a server that has answered.
fn answered() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "api_key=k\n").unwrap();
    scratch.act(&Action::StartServer(scratch.server()), "");
    let log = scratch.path("pi/servers/sleeper/server.log");
    wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text == "started\n"));
    run(&named(&scratch, Template::MARK_ANSWERED, "0"), "");
    scratch
}

fn changed(scratch: &Scratch) -> Box<ServerSpec> {
    let command = ["bash", "-c", "exec sleep 301"].map(str::to_owned).to_vec();
    Box::new(ServerSpec { command, ..*scratch.server() })
}

fn named(scratch: &Scratch, template: Template, digest: &str) -> Script {
    render(
        template,
        &json!({ "pi": scratch.path("pi"), "name": "sleeper", "place": "servers", "digest": digest }),
    )
    .unwrap()
}

fn run(script: &Script, input: &str) {
    let out = bash(script, input);
    assert!(out.status.success(), "{}: {}", script.name, String::from_utf8_lossy(&out.stderr));
}

fn restart(scratch: &Scratch, before: Before) -> Vec<Script> {
    let action =
        Action::RestartServer { to: changed(scratch), changes: Vec::new(), before, down: None, first: None };
    scripts(&action, scratch.pod()).unwrap()
}

#[test]
fn the_former_server_is_kept_and_started_again_as_it_was() {
    let scratch = answered();
    let file = |name: &str| scratch.path("pi/servers/sleeper").join(name);
    let read = |name: &str| fs::read_to_string(file(name)).unwrap();
    let (spec, run_sh) = (read("spec.json"), read("run.sh"));
    let [keep, start, again] = restart(&scratch, Before::KeepPrevious).try_into().unwrap();
    for _ in 0..2 {
        // the second time what runs has not answered: the one that has stays the former
        run(&keep, "");
        run(&start, "");
        assert_eq!((read("former/spec.json"), read("former/run.sh")), (spec.clone(), run_sh.clone()));
        assert_eq!(read("former/secrets"), "api_key=k\n");
        assert_ne!(read("spec.json"), spec);
    }
    for _ in 0..2 {
        run(&again, "");
        assert_eq!((read("spec.json"), read("run.sh")), (spec.clone(), run_sh.clone()));
        // it may yet be on its way to what it runs
        wait_until(|| scratch.sessions().len() == 1);
        wait_until(|| read("server.log") == "started\n");
    }
    run(&named(&scratch, Template::MARK_ANSWERED, "0"), "");
    assert!(!file("former").exists(), "it has answered: nothing has to be kept");
    let out = bash(&again, "");
    assert!(!out.status.success() && scratch.sessions().len() == 1, "there is none to be started");
}

#[test]
fn a_full_disk_is_told_before_anything_is_stopped() {
    let scratch = answered();
    let sessions = scratch.sessions();
    let [keep, _, _] = restart(&scratch, Before::KeepPrevious).try_into().unwrap();
    // no file may grow, as if there were no space: what is copied can't be written
    let text = format!("ulimit -f 0\n{}", keep.text);
    let out = bash(&Script { text, ..keep }, "");
    assert!(!out.status.success());
    assert!(!scratch.path("pi/servers/sleeper/former").exists());
    assert_eq!(scratch.sessions(), sessions, "it runs on");
}

#[test]
fn failures_are_counted_until_the_same_start_answers() {
    let scratch = answered();
    let failed = || fs::read_to_string(scratch.path("pi/servers/sleeper/failed")).unwrap_or_default();
    let fail = |digest: &str, why: &str| run(&named(&scratch, Template::MARK_FAILED, digest), why);
    let hostile = "it died: `$(touch x)` \\ \"'\n";
    fail("aaaa", hostile);
    fail("aaaa", hostile);
    assert_eq!(failed(), format!("aaaa 2 {hostile}"));
    fail("bbbb", "another\n");
    assert_eq!(failed(), "bbbb 1 another\n");
    run(&named(&scratch, Template::MARK_ANSWERED, "aaaa"), "");
    assert_eq!(failed(), "bbbb 1 another\n");
    run(&named(&scratch, Template::MARK_ANSWERED, "bbbb"), "");
    assert_eq!(failed(), "");
}

#[test]
fn waiting_comes_with_what_is_done_when_it_fails() {
    let scratch = Scratch::new();
    let wait = |otherwise| Action::AwaitReady { spec: changed(&scratch), stall: Seconds(60), otherwise };
    let names = |action| scripts(&action, scratch.pod()).unwrap().iter().map(|s| s.name).collect::<Vec<_>>();
    assert_eq!(names(wait(Otherwise::Nothing)), ["await_ready.sh", "mark_answered.sh", "mark_failed.sh"]);
    assert_eq!(
        names(wait(Otherwise::StartPrevious(scratch.server())))[3..],
        ["start_former.sh", "await_ready.sh", "mark_answered.sh"]
    );
}

#[test]
fn a_silent_server_is_asked_again_before_it_is_restarted() {
    let scratch = answered();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ask = |patience: u64| {
        let values = json!({ "pi": scratch.path("pi"), "name": "sleeper", "host": "127.0.0.1", "port": port,
            "patience": patience });
        bash(&render(Template::ASK_AGAIN, &values).unwrap(), "").status.code()
    };
    assert_eq!(ask(1), Some(0), "it accepts, and says nothing");
    let late = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let (mut second, _) = listener.accept().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        for stream in [&mut client, &mut second] {
            drop(std::io::Write::write_all(stream, b"HTTP/1.1 200 OK\r\n\r\n"));
        }
    });
    assert_eq!(ask(10), Some(6), "it was only busy");
    late.join().unwrap();
    scratch.act(&Action::StopServer("sleeper".parse().unwrap()), "");
    assert_eq!(ask(10), Some(0), "its process is gone: nobody has to be asked");
}

#[test]
fn what_is_left_of_pi_is_removed_but_for_its_journal() {
    let scratch = Scratch::new();
    for file in ["env", "tools/uv/bin/uv", "cache/uv/x", "python/x", "journal.jsonl", "of-mine"] {
        fs::create_dir_all(scratch.path("pi").join(file).parent().unwrap()).unwrap();
        fs::write(scratch.path("pi").join(file), "x").unwrap();
    }
    fs::create_dir_all(scratch.path("pi/engines")).unwrap();
    let left = || {
        let left = fs::read_dir(scratch.path("pi")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort();
        left
    };
    // a server is left that may need it
    fs::create_dir_all(scratch.path("pi/servers/other")).unwrap();
    let before = left();
    twice(&scratch, &Action::RemovePiFiles);
    assert_eq!(left(), before);
    fs::remove_dir(scratch.path("pi/servers/other")).unwrap();
    twice(&scratch, &Action::RemovePiFiles);
    assert_eq!(left(), ["journal.jsonl", "of-mine"]);
}

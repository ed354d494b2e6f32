//! A server's runs: one is started in the place of another or beside it, promoted, stopped, and started again as it was. For
//! real: in scratch directories, with this machine's bash and processes.

use super::scratch::{Scratch, bash, first_run, start, twice, wait_until};
use pi::manifest::Restart;
use pi::observe::{Expect, Life, PodFacts, read};
use pi::plan::{Action, Care, Otherwise, Recreate, Replaces, scripts};
use pi::script::{ExitCode, Script, Template, render};
use pi::spec::{RunId, ServerSpec};
use pi::units::Seconds;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

fn name() -> pi::name::ModelName {
    "sleeper".parse().unwrap()
}

fn changed(scratch: &Scratch) -> Box<ServerSpec> {
    let command = ["bash", "-c", "echo changed; exec sleep 301"].map(str::to_owned).to_vec();
    Box::new(ServerSpec { command, ..*scratch.server() })
}

fn beside(scratch: &Scratch, run: u32) -> Action {
    start(changed(scratch), run, Replaces::Beside(Vec::new()))
}

fn instead(spec: Box<ServerSpec>, run: u32, care: Care) -> Action {
    let recreate = Recreate { changes: Vec::new(), care, down: None, not_beside: None };
    start(spec, run, Replaces::Stopped(recreate))
}

fn run(script: &Script, input: &str) -> String {
    let out = bash(script, input);
    assert!(out.status.success(), "{}: {}", script.name, String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn mark(scratch: &Scratch, run_id: u32) {
    let values =
        json!({ "pi": scratch.path("pi"), "name": "sleeper", "run": run_id, "digest": "0123456789ab" });
    run(&render(Template::MARK_ANSWERED, &values).unwrap(), "");
}

impl Scratch {
    fn server_dir(&self) -> PathBuf {
        self.path("pi/servers/sleeper")
    }

    fn read(&self, file: impl AsRef<Path>) -> String {
        fs::read_to_string(self.server_dir().join(file)).unwrap_or_default()
    }

    /// What the probe tells of it.
    fn probe(&self) -> PodFacts {
        let pod = self.pod();
        let values = json!({
            "pi_path": pod.pi_path, "models_path": pod.models_path, "mount_targets": [], "model_paths": [],
            "repos": [], "programs": [], "project": "", "salt": "s", "topology": false,
        });
        let script = render(Template::PROBE, &values).unwrap();
        read(&run(&script, ""), &Expect::default()).unwrap()
    }

    /// Where `current` leads.
    fn current(&self) -> String {
        fs::read_link(self.server_dir().join("current")).unwrap_or_default().display().to_string()
    }

    fn log_says(&self, run: u32, text: &str) {
        wait_until(|| self.read(format!("runs/{run}/server.log")) == text);
    }

    /// The IDs of its runs, those with processes before a bar.
    fn runs(&self) -> String {
        let ids = fs::read_dir(self.server_dir().join("runs")).into_iter().flatten();
        let mut ids: Vec<String> = ids.map(|id| id.unwrap().file_name().into_string().unwrap()).collect();
        ids.sort_unstable_by_key(|id| id.parse::<u32>().unwrap());
        let alive = |id: &&String| self.server_dir().join("runs").join(id).join("pid").exists();
        let (alive, ended): (Vec<_>, Vec<_>) = ids.iter().partition(alive);
        let list = |ids: Vec<&String>| ids.into_iter().cloned().collect::<Vec<_>>().join(" ");
        format!("{} | {}", list(alive), list(ended))
    }
}

/// A pod with a server that has answered.
fn answered() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "api_key=k\n").unwrap();
    scratch.act(&first_run(scratch.server()), "");
    scratch.log_says(1, "started\n");
    mark(&scratch, 1);
    scratch
}

/// The same with a second run beside it, which has answered too; the sessions of the two.
fn both() -> (Scratch, u32, u32) {
    let scratch = answered();
    let old = scratch.sessions()[0];
    scratch.act(&beside(&scratch, 2), "");
    scratch.log_says(2, "changed\n");
    mark(&scratch, 2);
    let new = *scratch.sessions().iter().find(|session| **session != old).unwrap();
    (scratch, old, new)
}

#[test]
fn the_current_run_is_not_touched_until_the_other_is_promoted() {
    let (scratch, old, new) = both();
    assert_eq!((scratch.current().as_str(), scratch.runs().as_str()), ("runs/1", "1 2 | "));
    assert!(scratch.read("current/pid").starts_with(&format!("{old} ")));
    assert_eq!(scratch.read("runs/2/secrets"), "api_key=k\n");
    let place = fs::canonicalize(scratch.server_dir().join("runs/2")).unwrap();
    twice(&scratch, &Action::Promote(name(), RunId(2)));
    assert_eq!(scratch.sessions(), [new]);
    assert_eq!((scratch.current().as_str(), scratch.runs().as_str()), ("runs/2", "2 | 1"));
    assert_eq!(fs::canonicalize(scratch.server_dir().join("current")).unwrap(), place, "it did not move");
    assert!(scratch.read("current/pid").starts_with(&scratch.read("current/answered")));
    assert_eq!((scratch.read("current/server.log"), scratch.read("runs/1/server.log")), {
        ("changed\n".to_owned(), "started\n".to_owned())
    });
    assert_eq!(scratch.read("runs/1/secrets"), "", "what has ended keeps no secret");
}

#[test]
fn a_run_that_is_started_twice_is_there_once() {
    let (scratch, old, new) = both();
    scratch.act(&beside(&scratch, 2), "");
    scratch.log_says(2, "changed\n");
    let sessions = scratch.sessions();
    assert!(sessions.len() == 2 && sessions.contains(&old) && !sessions.contains(&new), "{sessions:?}");
}

#[test]
fn what_was_started_beside_a_server_goes_alone_or_with_it() {
    for at in 0..4 {
        let (scratch, ..) = both();
        let (action, left) = match at {
            0 => (Action::StopRun(name()), 1),
            1 => (Action::StopServer(name()), 0),
            2 => (Action::RemoveServer(name()), 0),
            _ => (instead(scratch.server(), 3, Care::Nothing), 1),
        };
        scratch.act(&action, "");
        assert_eq!(scratch.sessions().len(), left, "{}", action.name());
        assert_eq!(scratch.read("runs/2/pid"), "", "{}", action.name());
    }
    let (scratch, old, _) = both();
    twice(&scratch, &Action::StopRun(name()));
    assert_eq!(scratch.sessions(), [old]);
    assert_eq!(scratch.read("runs/2/server.log"), "changed\n", "why it failed can be read");
}

#[test]
fn what_died_is_not_promoted() {
    let (scratch, old, new) = both();
    let group = format!("-{new}");
    std::process::Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
    wait_until(|| scratch.sessions() == [old]);
    let [script] = scripts(&Action::Promote(name(), RunId(2)), scratch.pod()).unwrap().try_into().unwrap();
    let out = bash(&script, "");
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("is gone"));
    assert_eq!((scratch.sessions(), scratch.current().as_str()), (vec![old], "runs/1"));
}

/// Broken off after any of its commands, a promotion is taken up again: meanwhile the server is one that runs.
#[test]
fn a_promotion_may_be_broken_off_anywhere() {
    for line in [
        "rm -f -- \"$1/current.new\"",
        "ln -s -- \"runs/$2\" \"$1/current.new\"",
        "mv -fT -- \"$1/current.new\" \"$1/current\"",
        "end_runs \"$server\" \"$run\"",
        "rm -f -- \"$1/pid\" \"$1\"/secrets{,.new} 2>/dev/null || true",
    ] {
        let (scratch, old, new) = both();
        let script = scripts(&Action::Promote(name(), RunId(2)), scratch.pod()).unwrap().remove(0);
        let text = script.text.replace(line, &format!("{line}; kill -KILL $BASHPID\n"));
        assert_ne!(text, script.text, "{line}");
        assert!(!bash(&Script { text, ..script.clone() }, "").status.success(), "{line}");
        let leader = scratch.read("current/pid");
        let runs = |session: u32| leader.starts_with(&format!("{session} "));
        assert!(runs(new) || runs(old) && scratch.sessions().contains(&old), "{line}");
        run(&script, "");
        assert_eq!((scratch.sessions(), scratch.runs().as_str()), (vec![new], "2 | 1"), "{line}");
    }
}

#[test]
fn waiting_for_one_beside_another_comes_with_its_stop() {
    let (scratch, ..) = both();
    let wait = Action::AwaitReady {
        spec: changed(&scratch),
        run: RunId(2),
        stall: Seconds(60),
        otherwise: Otherwise::StopRun,
    };
    let scripts = scripts(&wait, scratch.pod()).unwrap();
    let names: Vec<&str> = scripts.iter().map(|script| script.name).collect();
    assert_eq!(names, ["await_ready.sh", "mark_answered.sh", "mark_failed.sh", "stop_run.sh"]);
    assert_eq!(run(&scripts[3], ""), "runs-on\tsleeper\n");
}

#[test]
fn what_the_pod_starts_again_is_so_once_promoted_too() {
    let scratch = Scratch::new();
    let watched = |to: Box<ServerSpec>| Box::new(ServerSpec { restart: Restart::OnFailure, ..*to });
    scratch.act(&first_run(watched(scratch.server())), "");
    scratch.log_says(1, "started\n");
    scratch.act(&start(watched(changed(&scratch)), 2, Replaces::Beside(Vec::new())), "");
    scratch.log_says(2, "changed\n");
    mark(&scratch, 2);
    scratch.act(&Action::Promote(name(), RunId(2)), "");
    let [leader] = scratch.sessions().try_into().unwrap();
    let children = fs::read_to_string(format!("/proc/{leader}/task/{leader}/children")).unwrap();
    std::process::Command::new("kill").args(["-KILL", children.trim()]).status().unwrap();
    wait_until(|| scratch.read("current/restarts") == "1 137 again\n");
    wait_until(|| scratch.read("current/server.log").matches("changed\n").count() == 2);
    assert_eq!(scratch.sessions(), [leader]);
}

#[test]
fn the_run_that_answered_last_is_known_until_another_answers() {
    let scratch = answered();
    let care = Care::StartPrevious(scratch.server());
    let [first, again] =
        scripts(&instead(changed(&scratch), 2, care), scratch.pod()).unwrap().try_into().unwrap();
    for _ in 0..2 {
        run(&first, "");
        assert_eq!((scratch.current().as_str(), scratch.read("previous").as_str()), ("runs/2", "1\n"));
    }
    // what runs has not answered: the one that has stays the previous one
    scratch.act(&instead(changed(&scratch), 3, Care::Nothing), "");
    assert_eq!(scratch.read("previous"), "1\n");
    run(&again, "");
    scratch.log_says(3, "started\n");
    assert_eq!(scratch.sessions().len(), 1);
    assert_eq!(scratch.read("current/spec.json"), scratch.read("runs/1/spec.json"), "as it was");
    mark(&scratch, 3);
    assert_eq!(scratch.read("previous"), "", "it has answered: nothing else is needed");
    // one that was stopped on purpose is no reason to start what ran before it
    scratch.act(&Action::StopServer(name()), "");
    scratch.act(&first_run(scratch.server()), "");
    assert_eq!(scratch.read("previous"), "");
}

#[test]
fn logs_of_the_last_three_runs_are_kept_and_that_of_the_previous_one() {
    let scratch = answered();
    for id in 2..8 {
        scratch.act(&instead(changed(&scratch), id, Care::Nothing), "");
    }
    assert_eq!(scratch.runs(), "7 | 1 4 5 6", "the first one has answered last");
    mark(&scratch, 7);
    scratch.act(&instead(scratch.server(), 8, Care::Nothing), "");
    assert_eq!(scratch.runs(), "8 | 4 5 6 7");
    for id in [5, 6, 7] {
        assert_eq!(scratch.read(format!("runs/{id}/secrets")), "");
    }
}

#[test]
fn a_full_disk_is_told_before_anything_is_stopped() {
    let scratch = answered();
    let sessions = scratch.sessions();
    let mut scripts = scripts(&instead(changed(&scratch), 2, Care::Nothing), scratch.pod()).unwrap();
    let script = scripts.remove(0);
    // no file may grow, as if there were no space
    let text = format!("ulimit -f 0\n{}", script.text);
    let out = bash(&Script { text, ..script }, "");
    assert!(!out.status.success() && out.status.code() != Some(ExitCode::NotBegun as i32));
    assert_eq!((scratch.sessions(), scratch.current().as_str()), (sessions, "runs/1"), "it runs on");
}

#[test]
fn that_only_the_old_one_was_stopped_is_told_by_the_exit_code() {
    let scratch = answered();
    let mut scripts = scripts(&instead(changed(&scratch), 2, Care::Nothing), scratch.pod()).unwrap();
    let script = scripts.remove(0);
    let text = script.text.replace("setsid -f bash", "false bash");
    assert_ne!(text, script.text);
    let out = bash(&Script { text, ..script }, "");
    assert_eq!(out.status.code(), Some(ExitCode::NotBegun as i32));
    assert_eq!(scratch.sessions(), [] as [u32; 0]);
}

/// Whatever ends a start, the pod can still be looked at, and the next start works.
#[test]
fn a_start_may_be_broken_off_anywhere() {
    for line in [
        "put \"$dir/spec.json\" \"$spec\"",
        "own \"$server\"",
        "prepare_current \"$server\" \"$run\"",
        "end_runs \"$server\" \"$run\"",
        "mark_runs \"$server\" || exit \"$EXIT_NOT_BEGUN\"",
        "rm -f -- \"$server/stopped\"",
        "mv -fT -- \"$server/current.new\" \"$server/current\" || exit \"$EXIT_NOT_BEGUN\"",
        "start_session \"$dir\" \"$name\"",
    ] {
        for before in [Scratch::new(), answered(), earlier::pod(earlier::Beside::None).0] {
            let is_first = before.sessions().is_empty();
            let script =
                scripts(&instead(changed(&before), 2, Care::Nothing), before.pod()).unwrap().remove(0);
            let text = script.text.replace(&format!("{line}\n"), &format!("{line}; kill -KILL $BASHPID\n"));
            assert_ne!(text, script.text, "{line}");
            assert!(!bash(&Script { text, ..script }, "").status.success(), "{line}");
            let probed = before.probe();
            let seen = &probed.servers[&name()];
            let sessions = before.sessions();
            let told = seen.both().filter(|seen| matches!(seen.life, Life::Running { .. })).count();
            assert_eq!(told, sessions.len(), "{line}: what runs is told of: {probed:?}");
            assert!(is_first || seen.past.previous.is_some() || !sessions.is_empty(), "{line}: {probed:?}");
            before.act(&instead(changed(&before), seen.next_run().0, Care::Nothing), "");
            assert_eq!(before.sessions().len(), 1, "{line}");
        }
    }
}

#[test]
fn failures_are_counted_until_the_same_start_answers() {
    let scratch = answered();
    let script = |template, digest: &str| {
        let values = json!({ "pi": scratch.path("pi"), "name": "sleeper", "run": 1, "digest": digest });
        render(template, &values).unwrap()
    };
    let failed = || scratch.read("failed");
    let fail = |digest: &str, why: &str| run(&script(Template::MARK_FAILED, digest), why);
    let hostile = "it died: `$(touch x)` \\ \"'\n";
    fail("aaaa", hostile);
    fail("aaaa", hostile);
    assert_eq!(failed(), format!("aaaa 2 {hostile}"));
    fail("bbbb", "another\n");
    assert_eq!(failed(), "bbbb 1 another\n");
    run(&script(Template::MARK_ANSWERED, "aaaa"), "");
    assert_eq!(failed(), "bbbb 1 another\n");
    run(&script(Template::MARK_ANSWERED, "bbbb"), "");
    assert_eq!(failed(), "");
}

#[test]
fn waiting_comes_with_what_is_done_when_it_fails() {
    let scratch = Scratch::new();
    let wait = |otherwise| Action::AwaitReady {
        spec: changed(&scratch),
        run: RunId(2),
        stall: Seconds(60),
        otherwise,
    };
    let names = |action| scripts(&action, scratch.pod()).unwrap().iter().map(|s| s.name).collect::<Vec<_>>();
    assert_eq!(names(wait(Otherwise::Nothing)), ["await_ready.sh", "mark_answered.sh", "mark_failed.sh"]);
    assert_eq!(
        names(wait(Otherwise::StartPrevious(scratch.server())))[3..],
        ["start_server.sh", "await_ready.sh", "mark_answered.sh"]
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
    scratch.act(&Action::StopServer(name()), "");
    assert_eq!(ask(10), Some(0), "its process is gone: nobody has to be asked");
}

/// Pods that an earlier pi set up, which had no runs: its own scripts, recorded, start what is there.
mod earlier {
    use super::*;

    fn recorded(scratch: &Scratch, file: &str) {
        let text = fs::read_to_string(Path::new("tests/earlier").join(file)).unwrap();
        let at = scratch.folder.path().display().to_string();
        let text = text.replace("@AT@", &at);
        let script = Script { text, ..first_script(scratch) };
        run(&script, "");
    }

    fn first_script(scratch: &Scratch) -> Script {
        scripts(&first_run(scratch.server()), scratch.pod()).unwrap().remove(0)
    }

    /// What it has started to take the server's place.
    #[derive(Clone, Copy, PartialEq)]
    pub(super) enum Beside {
        None,
        One,
    }

    /// A server of it that has answered, and perhaps one that is to take its place; their sessions.
    pub(super) fn pod(beside: Beside) -> (Scratch, Vec<u32>) {
        let scratch = Scratch::new();
        fs::write(scratch.path("pi/env"), "api_key=k\n").unwrap();
        recorded(&scratch, "start_server.txt");
        wait_until(|| scratch.read("server.log") == "started\n");
        recorded(&scratch, "mark_answered_servers.txt");
        if beside == Beside::One {
            recorded(&scratch, "start_beside.txt");
            wait_until(|| scratch.read("../../beside/sleeper/server.log") == "changed\n");
            recorded(&scratch, "mark_answered_beside.txt");
        }
        let sessions = scratch.sessions();
        assert_eq!(sessions.len(), if beside == Beside::One { 2 } else { 1 });
        (scratch, sessions)
    }

    #[test]
    fn its_server_is_replaced_in_its_place() {
        let (scratch, _) = pod(Beside::None);
        scratch.act(&instead(changed(&scratch), 2, Care::Nothing), "");
        scratch.log_says(2, "changed\n");
        assert_eq!(scratch.sessions().len(), 1);
        assert_eq!((scratch.current().as_str(), scratch.runs().as_str()), ("runs/2", "2 | 0"));
        assert_eq!((scratch.read("runs/0/server.log"), scratch.read("runs/0/secrets")), {
            ("started\n".to_owned(), String::new())
        });
        assert_eq!(scratch.read("previous"), "0\n");
        let mut files: Vec<_> =
            fs::read_dir(scratch.server_dir()).unwrap().map(|it| it.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(
            files,
            ["current", "pid", "previous", "runs", "took"],
            "nothing of it is left beside the runs"
        );
    }

    #[test]
    fn its_server_serves_while_a_run_is_started_beside_it() {
        let (scratch, old) = pod(Beside::None);
        scratch.act(&beside(&scratch, 2), "");
        scratch.log_says(2, "changed\n");
        assert!(scratch.sessions().len() == 2 && scratch.current().is_empty());
        scratch.act(&Action::StopRun(name()), "");
        assert_eq!(scratch.sessions(), old);
        assert_eq!(scratch.read("server.log"), "started\n");
        scratch.act(&beside(&scratch, 3), "");
        mark(&scratch, 3);
        twice(&scratch, &Action::Promote(name(), RunId(3)));
        assert!(scratch.sessions().len() == 1 && scratch.sessions() != old);
        assert_eq!((scratch.current().as_str(), scratch.runs().as_str()), ("runs/3", "3 | 0 2"));
    }

    #[test]
    fn its_replacement_is_promoted_where_it_lies() {
        let (scratch, both) = pod(Beside::One);
        twice(&scratch, &Action::Promote(name(), RunId(1)));
        let [new] = scratch.sessions().try_into().unwrap();
        assert!(both.contains(&new) && scratch.read("current/pid").starts_with(&format!("{new} ")));
        assert!(scratch.path("pi/beside/sleeper/pid").exists(), "it runs from there");
        assert_eq!(scratch.runs(), "1 | 0");
        scratch.act(&instead(scratch.server(), 2, Care::Nothing), "");
        assert!(!scratch.path("pi/beside").exists());
        assert_eq!(scratch.runs(), "2 | 0 1");
    }

    #[test]
    fn it_is_stopped_and_removed() {
        let (scratch, _) = pod(Beside::One);
        twice(&scratch, &Action::StopServer(name()));
        assert_eq!(scratch.sessions(), [] as [u32; 0]);
        let (scratch, _) = pod(Beside::One);
        twice(&scratch, &Action::RemoveServer(name()));
        assert_eq!(scratch.sessions(), [] as [u32; 0]);
        assert!(!scratch.server_dir().exists() && !scratch.path("pi/beside").exists());
        let (scratch, old) = pod(Beside::One);
        twice(&scratch, &Action::StopRun(name()));
        let [left] = scratch.sessions().try_into().unwrap();
        assert!(old.contains(&left) && scratch.read("pid").starts_with(&format!("{left} ")));
    }

    #[test]
    fn an_earlier_pi_leaves_a_server_with_runs_alone() {
        let scratch = answered();
        let marker = scratch.server_dir().join("pid");
        assert!(marker.is_symlink() && !marker.exists(), "its probe can't read this, and says so");
    }
}

//! A server is started beside another one, and takes its place. For real: in scratch directories, with this machine's
//! bash and processes.

use super::scratch::{Scratch, bash, twice, wait_until};
use pi::manifest::Restart;
use pi::plan::{Action, Otherwise, scripts};
use pi::script::{Script, Template, render};
use pi::spec::ServerSpec;
use pi::units::Seconds;
use serde_json::json;
use std::fs;

fn name() -> pi::name::ModelName {
    "sleeper".parse().unwrap()
}

fn changed(scratch: &Scratch) -> Box<ServerSpec> {
    let command = ["bash", "-c", "echo changed; exec sleep 301"].map(str::to_owned).to_vec();
    Box::new(ServerSpec { command, ..*scratch.server() })
}

fn run(script: &Script) -> String {
    let out = bash(script, "");
    assert!(out.status.success(), "{}: {}", script.name, String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn mark(scratch: &Scratch, place: &str) {
    let values =
        json!({ "pi": scratch.path("pi"), "name": "sleeper", "place": place, "digest": "0123456789ab" });
    run(&render(Template::MARK_ANSWERED, &values).unwrap());
}

fn log_says(scratch: &Scratch, place: &str, text: &str) {
    let log = scratch.path("pi").join(place).join("sleeper/server.log");
    wait_until(|| fs::read_to_string(&log).is_ok_and(|said| said == text));
}

/// A pod with a server that has answered, and one beside it that has answered too; the sessions of the two.
fn both() -> (Scratch, u32, u32) {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "api_key=k\n").unwrap();
    scratch.act(&Action::StartServer(scratch.server()), "");
    log_says(&scratch, "servers", "started\n");
    mark(&scratch, "servers");
    let old = scratch.sessions()[0];
    scratch.act(&Action::StartBeside { to: changed(&scratch), changes: Vec::new() }, "");
    log_says(&scratch, "beside", "changed\n");
    mark(&scratch, "beside");
    let new = *scratch.sessions().iter().find(|session| **session != old).unwrap();
    (scratch, old, new)
}

#[test]
fn the_one_that_runs_is_not_touched_until_the_other_takes_its_place() {
    let (scratch, old, new) = both();
    let read = |file: &str| fs::read_to_string(scratch.path("pi").join(file)).unwrap_or_default();
    assert!(read("servers/sleeper/pid").starts_with(&format!("{old} ")));
    assert!(read("beside/sleeper/pid").starts_with(&format!("{new} ")));
    assert_eq!(read("beside/sleeper/secrets"), "api_key=k\n");
    twice(&scratch, &Action::TakeOver(name()));
    assert_eq!(scratch.sessions(), [new]);
    assert!(read("servers/sleeper/pid").starts_with(&format!("{new} ")));
    assert!(read("servers/sleeper/pid").starts_with(&read("servers/sleeper/answered")));
    assert!(read("servers/sleeper/spec.json").contains("sleep 301"));
    assert_eq!(read("servers/sleeper/server.log"), "changed\n");
    assert_eq!(read("servers/sleeper/server.log.1"), "started\n");
    assert!(!scratch.path("pi/beside/sleeper").exists());
}

#[test]
fn a_server_started_beside_another_twice_is_there_once() {
    let (scratch, old, new) = both();
    let start = Action::StartBeside { to: changed(&scratch), changes: Vec::new() };
    scratch.act(&start, "");
    log_says(&scratch, "beside", "changed\n");
    let sessions = scratch.sessions();
    assert!(sessions.len() == 2 && sessions.contains(&old) && !sessions.contains(&new), "{sessions:?}");
}

#[test]
fn what_was_started_beside_a_server_goes_alone_or_with_it() {
    for at in 0..4 {
        let (scratch, ..) = both();
        let (action, left) = match at {
            0 => (Action::RemoveBeside(name()), 1),
            1 => (Action::StopServer(name()), 0),
            2 => (Action::RemoveServer(name()), 0),
            _ => (Action::StartServer(scratch.server()), 1),
        };
        scratch.act(&action, "");
        assert_eq!(scratch.sessions().len(), left, "{}", action.name());
        assert!(!scratch.path("pi/beside/sleeper").exists(), "{}", action.name());
    }
    let (scratch, old, _) = both();
    twice(&scratch, &Action::RemoveBeside(name()));
    assert_eq!(scratch.sessions(), [old]);
    let log = fs::read_to_string(scratch.path("pi/servers/sleeper/server.log.failed"));
    assert_eq!(log.unwrap(), "changed\n", "why it failed can be read");
}

#[test]
fn what_died_takes_nobodys_place() {
    let (scratch, old, new) = both();
    let group = format!("-{new}");
    std::process::Command::new("kill").args(["-KILL", "--", &group]).status().unwrap();
    wait_until(|| scratch.sessions() == [old]);
    let [script] = scripts(&Action::TakeOver(name()), scratch.pod()).unwrap().try_into().unwrap();
    let out = bash(&script, "");
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("is gone"));
    assert_eq!(scratch.sessions(), [old]);
}

/// Broken off after any of its commands, it is taken up again: meanwhile one of the two places tells of what runs.
#[test]
fn taking_a_place_may_be_broken_off_anywhere() {
    let take = |scratch: &Scratch| scripts(&Action::TakeOver(name()), scratch.pod()).unwrap().remove(0);
    // behind the functions, so that each cut is in what it does with files
    let cut_at = |script: &Script, mark: &str| {
        let text = script.text.replace(mark, &format!("{mark}; kill -KILL $BASHPID\n"));
        assert_ne!(text, script.text, "{mark}");
        Script { text, ..script.clone() }
    };
    for line in [
        "end_session \"$dir\"",
        "rm -rf -- \"$dir/former\" \"$dir/former.new\"",
        "mv -f -- \"$dir/server.log\" \"$dir/server.log.1\"",
        "mv -f -- \"$new/server.log\" \"$dir/server.log\"",
        "cp -p --remove-destination -- \"$file\" \"$dir/${file##*/}.new\"",
        "mv -f -- \"$dir/${file##*/}.new\" \"$dir/${file##*/}\"",
        "mv -f -- \"$new/pid\" \"$dir/pid\"",
    ] {
        let (scratch, _, new) = both();
        let script = take(&scratch);
        assert!(!bash(&cut_at(&script, line), "").status.success(), "{line}");
        let pid = |place: &str| fs::read_to_string(scratch.path("pi").join(place).join("sleeper/pid"));
        let tells = |place: &str| pid(place).is_ok_and(|text| text.starts_with(&format!("{new} ")));
        assert_eq!(u8::from(tells("servers")) + u8::from(tells("beside")), 1, "{line}");
        run(&script);
        assert_eq!(scratch.sessions(), [new], "{line}");
        assert!(tells("servers") && !scratch.path("pi/beside/sleeper").exists(), "{line}");
        let files = fs::read_dir(scratch.path("pi/servers/sleeper")).unwrap();
        let mut files: Vec<String> =
            files.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort_unstable();
        let there =
            ["answered", "pid", "run.sh", "secrets", "server.log", "server.log.1", "spec.json", "took"];
        assert_eq!(files, there, "{line}");
    }
}

#[test]
fn waiting_for_one_beside_another_comes_with_its_removal() {
    let (scratch, ..) = both();
    let wait = Action::AwaitReady {
        spec: changed(&scratch),
        stall: Seconds(60),
        otherwise: Otherwise::RemoveBeside,
    };
    let scripts = scripts(&wait, scratch.pod()).unwrap();
    let names: Vec<&str> = scripts.iter().map(|script| script.name).collect();
    assert_eq!(names, ["await_ready.sh", "mark_answered.sh", "mark_failed.sh", "remove_beside.sh"]);
    assert_eq!(run(&scripts[3]), "runs-on\tsleeper\n");
}

#[test]
fn what_is_started_again_on_the_pod_is_so_in_its_new_place_too() {
    let scratch = Scratch::new();
    let watched = |to: Box<ServerSpec>| Box::new(ServerSpec { restart: Restart::OnFailure, ..*to });
    scratch.act(&Action::StartServer(watched(scratch.server())), "");
    log_says(&scratch, "servers", "started\n");
    scratch.act(&Action::StartBeside { to: watched(changed(&scratch)), changes: Vec::new() }, "");
    log_says(&scratch, "beside", "changed\n");
    mark(&scratch, "beside");
    scratch.act(&Action::TakeOver(name()), "");
    let [leader] = scratch.sessions().try_into().unwrap();
    let children = fs::read_to_string(format!("/proc/{leader}/task/{leader}/children")).unwrap();
    std::process::Command::new("kill").args(["-KILL", children.trim()]).status().unwrap();
    let restarts = scratch.path("pi/servers/sleeper/restarts");
    wait_until(|| fs::read_to_string(&restarts).is_ok_and(|text| text == "1 137 again\n"));
    let log = scratch.path("pi/servers/sleeper/server.log");
    wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text.matches("changed\n").count() == 2));
    assert_eq!(scratch.sessions(), [leader]);
}

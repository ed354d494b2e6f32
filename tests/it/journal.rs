//! The pod's journal: written by the steps' own scripts, whatever becomes of them and of pi; read by `pi history`.

use crate::sshd::{eventually, kill, processes_with};
use crate::workplace::Workplace;
use pi::journal::{Entry, JournalAction, JournalOutcome};
use pi::script::{Script, Template, around, wrap};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What bash, JSON and terminals would stumble over.
const HOSTILE: &str = "a \"b\" 'c' \\ $(touch /tmp/pwned) `id` %s \n\t\u{1b}[2J {\"x\": 1} é 🦀";

fn deed(target: &str) -> JournalAction {
    JournalAction {
        pi: "0.1.0".to_owned(),
        who: HOSTILE.to_owned(),
        project: "team".parse().unwrap(),
        project_id: None,
        action: "start_server".to_owned(),
        target: target.to_owned(),
        reason: HOSTILE.to_owned(),
    }
}

/// A step that does this, and notes it.
fn step(pi: &Path, body: &str, (noted, limit): (&str, u32)) -> Script {
    let values = json!({
        "pi": pi, "deed": deed(body).fields(), "owner": "", "project_id": "", "noted": noted, "limit": limit, "token": "",
    });
    around(Template::JOURNAL, &values, wrap("step.sh", &[], body)).unwrap()
}

fn begin(script: &Script) -> Child {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script.text, script.name]).stdin(Stdio::piped());
    bash.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(script: &Script) -> (Option<i32>, String) {
    let out = begin(script).wait_with_output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

fn entries(pi: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(pi.join("journal.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_step_is_noted_as_it_ended_whatever_is_in_its_texts() {
    let folder = tempfile::tempdir().unwrap();
    let pi = folder.path().join("its own $(dir)");
    let table = [
        ("say fine", Some(0), "fine\n", JournalOutcome::Done),
        ("return 0; say never", Some(0), "", JournalOutcome::Done),
        ("false; say never", Some(1), "", JournalOutcome::Failed),
        ("die 'no more'", Some(1), "no more\n", JournalOutcome::Failed),
        ("say \"$nothing\"", Some(1), "environment: line", JournalOutcome::Failed),
        ("trap 'say cleaned' EXIT; exit 3", Some(3), "cleaned\n", JournalOutcome::Failed),
        ("kill -TERM \"$BASHPID\"", Some(143), "", JournalOutcome::Stopped),
    ];
    for (at, (body, code, said, outcome)) in table.into_iter().enumerate() {
        let (exit, text) = run(&step(&pi, body, ("always", 1 << 20)));
        assert_eq!(exit, code, "{body}: {text}");
        assert!(text.starts_with(said), "{body}: {text}");
        let entries = entries(&pi);
        assert_eq!((entries.len(), entries[at].outcome), (at + 1, outcome), "{body}");
        assert_eq!((Some(entries[at].exit), &entries[at].deed), (code, &deed(body)));
    }
    let mode = fs::metadata(pi.join("journal.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!Path::new("/tmp/pwned").exists());
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("step.sh");
    fs::write(&file, step(folder.path(), "say fine", ("always", 1)).text).unwrap();
    let check = ["--norc", "--shell=bash", "--severity=warning", "--format=gcc"];
    let out = Command::new("shellcheck").args(check).arg(&file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
}

#[test]
fn what_changes_nothing_is_noted_only_where_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    for body in ["say fine", "exit 4", "kill -TERM \"$BASHPID\""] {
        run(&step(folder.path(), body, ("interruptions", 1 << 20)));
    }
    let outcomes: Vec<_> = entries(folder.path()).iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [JournalOutcome::Stopped]);
    run(&step(folder.path(), "say 'it is noted that it failed'", ("failed", 1 << 20)));
    assert_eq!(entries(folder.path())[1].outcome, JournalOutcome::Failed);
}

#[test]
fn a_step_that_is_ended_from_outside_is_noted_when_it_has_cleaned_up() {
    let folder = tempfile::tempdir().unwrap();
    let body =
        "trap 'sleep 0.3; : >\"$0.cleaned\"; exit 143' TERM; : >\"$0.begun\"; while :; do sleep 0.1; done";
    let mut script = step(folder.path(), body, ("always", 1 << 20));
    let name = folder.path().join("step").display().to_string();
    script.name = Box::leak(name.clone().into_boxed_str());
    let mut child = begin(&script);
    eventually("it has begun", || Path::new(&format!("{name}.begun")).exists());
    // as the runner does: to the whole group
    for pid in processes_with(&name) {
        kill("TERM", pid);
    }
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(Path::new(&format!("{name}.cleaned")).exists());
    assert_eq!(entries(folder.path())[0].outcome, JournalOutcome::Stopped);
}

#[test]
fn a_long_journal_is_put_aside_and_a_torn_line_stays_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.jsonl");
    fs::write(&file, "{\"when\":\"2026-11").unwrap();
    let step = step(folder.path(), "say fine", ("always", 600));
    run(&step);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    let mut lines = 2;
    while !folder.path().join("journal.jsonl.1").exists() {
        run(&step);
        lines += 1;
        assert!(lines < 20, "it was never put aside");
    }
    assert_eq!(entries(folder.path()).len(), 1);
    let former = fs::read_to_string(folder.path().join("journal.jsonl.1")).unwrap();
    assert_eq!(former.lines().count(), lines - 1);
}

#[test]
fn a_journal_that_cannot_be_written_fails_no_step() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("journal.jsonl")).unwrap();
    let (code, said) = run(&step(folder.path(), "say fine", ("always", 1 << 20)));
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "fine\nwarning\tthis could not be noted in the pod's journal: not a regular file\n")
    );
}

const SLEEPER: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"

[models.echo]
model = "{dir}/pi.toml"
engine = "command"
command = ["sleep", "4712"]
"#;

#[test]
fn history_tells_what_was_done_also_when_pi_was_killed() {
    let place = Workplace::with(SLEEPER);
    place.pi("history").exits(0).says("Nothing was changed yet.");
    let mut child = place.command("apply --yes").env("USER", "ann").spawn().unwrap();
    let log = place.pod().join("servers/echo/runs/1/server.log");
    let follower = format!("-F -- {}", log.display());
    eventually("pi waits for the server", || !processes_with(&follower).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let history = || -> Vec<Value> {
        let said = place.pi("history --json").exits(0).out;
        serde_json::from_str::<Value>(&said).unwrap()["entries"].as_array().unwrap().clone()
    };
    eventually("what pi was killed at is noted", || history().len() == 3);
    let told: Vec<String> = history()
        .iter()
        .map(|entry| format!("{} {}", entry["action"], entry["outcome"]).replace('"', ""))
        .collect();
    assert_eq!(told, ["write_secrets done", "start_server done", "await_ready stopped"]);
    let who = history()[0]["who"].as_str().unwrap().to_owned();
    assert!(who.starts_with("ann@"), "{who}");
    // whoever has no $USER is told by the name of the uid
    // and the lock outlasts what pi was killed at
    let mut destroy = place.command("destroy --yes --lock-wait 30s");
    assert!(destroy.env_remove("USER").env("LOGNAME", "").output().unwrap().status.success());
    let name = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    place.pi("history -n 1").exits(0).says(&format!(" {}@", name.trim()));
    place.pi("history here -n 1").exits(0).says("remove server echo").says("(project ");
    place.pi("history -n 2").exits(0).says("await ready echo").says("interrupted");
    // a line that does not tell who
    let file = place.pod().join("journal.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&format!("\"who\":\"{who}\","), "")).unwrap();
    place.pi("history").exits(0).says(" unknown ");
    fs::write(&file, "half a li").unwrap();
    place.pi("history").exits(0).says("1 line of its journal.jsonl can't be read");
}

#[test]
fn history_of_a_pod_that_is_not_there() {
    let place = Workplace::with(SLEEPER);
    place.pi("history hare").exits(64).says("did you mean `here`?");
    place.pi("history -n 0").exits(64);
    place.write("[pods.far]\nssh = \"ssh -F none -p 1 root@127.0.0.1\"\n");
    place.pi("history").exits(69).says("far");
    place.pi("history --json").exits(69).says("\"far\": false");
}

//! A real model on a pod, reached over real SSH: it calls a tool, gets the result, answers.

use crate::sshd::Sshd;
use crate::workplace::{KEY, Ran, Workplace};
use serde_json::Value;
use std::fs;

/// A pod that serves the tiny model on its loopback: the way to it leads through ssh.
fn manifest(sshd: &Sshd) -> String {
    let home = sshd.home().display().to_string();
    fs::copy(
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny-qwen3.gguf"),
        sshd.home().join("tiny.gguf"),
    )
    .unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!(
        "[pods.far]\nssh = \"{}\"\n\
         [models.tiny]\nmodel = \"{home}/tiny.gguf\"\nengine = \"llama.cpp\"\ngpus = 0\ncontext = \"2k\"\n\
         listen = \"127.0.0.1\"\nport = {port}\n",
        sshd.ssh_line()
    )
}

/// What somebody asks, in a project of two entries.
fn prompt(place: &Workplace, args: &[&str]) -> Ran {
    let project = place.path().join("project");
    fs::create_dir_all(project.join("src")).unwrap();
    fs::write(project.join("notes.txt"), "hello\n").unwrap();
    let mut command = place.command("prompt tiny --temperature 0");
    command.args(args).current_dir(&project).output().unwrap().into()
}

#[test]
fn a_model_on_a_pod_lists_the_files_here() {
    let sshd = Sshd::start();
    let place = Workplace::with(&manifest(&sshd));
    place.pi("apply --yes").exits(0);
    let asked = [
        prompt(&place, &["list the files"]),
        prompt(&place, &["list the files", "--json", "--api", "chat"]),
        prompt(&place, &["list the files", "--json", "--api", "responses"]),
        prompt(&place, &["-c", "and again", "--stats"]),
        prompt(&place, &["hello", "--no-tools"]),
    ];
    let keyless: Ran = place.command("prompt tiny hello").env_remove("PI_API_KEY").output().unwrap().into();
    place.pi("destroy --yes").exits(0);
    let gone = place.pi("prompt tiny hello");

    let [text, chat, responses, again, plain] = asked.map(|ran| ran.exits(0));
    assert_eq!(text.out, "The tool has answered.\n");
    assert_eq!(text.err, "> ls {\"path\": \".\"}\n  notes.txt  6 bytes\n  src/\n");
    in_the_manual(&format!("{}{}", text.err, text.out));
    is_whole(&chat.out);
    is_whole(&responses.out);
    again.says("> ls").says("2 turns · ").says(" tokens read, ");
    assert_eq!(plain.out, "Hello from the tiny test model.\n");
    keyless.exits(1).says("needs the API key");
    gone.exits(1).says("`tiny`");
    assert!(sessions(&place).iter().all(|text| !text.contains(KEY)));
    assert_eq!(sessions(&place).len(), 4);
}

/// The README shows what is said, and nothing else.
#[track_caller]
fn in_the_manual(said: &str) {
    let page = include_str!("../../../docs/src/prompt.md");
    let shown = page.split("$ pi prompt tiny \"list the files\"\n").nth(1).unwrap();
    assert_eq!(shown.split("```").next(), Some(said));
}

/// The events of a call, its result and the answer to it.
#[track_caller]
fn is_whole(lines: &str) {
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |kind: &str| {
        events.iter().find(|event| event["event"] == kind).unwrap_or_else(|| panic!("no {kind}: {lines}"))
    };
    assert_eq!(find("tool_call")["name"], "ls");
    assert_eq!(find("tool_call")["arguments"]["path"], ".");
    assert_eq!(find("tool_result")["text"], "notes.txt  6 bytes\nsrc/");
    let end = events.last().unwrap();
    assert_eq!(
        (&end["event"], &end["finish"], &end["turns"]),
        (&"end".into(), &"answered".into(), &2.into())
    );
    assert_eq!(end["text"], "The tool has answered.");
    assert!(end["input_tokens"].as_u64().unwrap() > 1000, "{end}");
    assert!(end["output_tokens"].as_u64().unwrap() > 20, "{end}");
}

/// What the files of all sessions hold.
fn sessions(place: &Workplace) -> Vec<String> {
    let folders = fs::read_dir(place.path().join("home/.pi/sessions")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

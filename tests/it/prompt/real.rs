//! A real model on a pod, reached over real SSH: it calls a tool, gets the result, answers.

use crate::sshd::Sshd;
use crate::workplace::{KEY, Workplace};
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

#[test]
fn a_model_on_a_pod_lists_the_files_here() {
    let sshd = Sshd::start();
    let place = Workplace::with(&manifest(&sshd));
    let project = place.path().join("project");
    fs::create_dir_all(project.join("src")).unwrap();
    fs::write(project.join("notes.txt"), "hello\n").unwrap();
    place.pi("apply --yes").exits(0);
    let prompt = |args: &[&str]| {
        let mut command = place.command("prompt tiny --temperature 0");
        crate::workplace::Ran::from(command.args(args).current_dir(&project).output().unwrap())
    };
    let asked = [
        prompt(&["list the files"]),
        prompt(&["list the files", "--json", "--api", "chat"]),
        prompt(&["list the files", "--json", "--api", "responses"]),
        prompt(&["-c", "and again", "--stats"]),
        prompt(&["hello", "--no-tools"]),
    ];
    let keyless = place.command("prompt tiny hello").env_remove("PI_API_KEY").output().unwrap();
    place.pi("destroy --yes").exits(0);
    let gone = place.pi("prompt tiny hello");

    let [text, chat, responses, again, plain] = asked.map(|ran| ran.exits(0));
    assert_eq!(text.out, "The tool has answered.\n");
    assert_eq!(text.err, "> ls {\"path\": \".\"}\n  notes.txt  6 bytes\n  src/\n");
    for ran in [&chat, &responses] {
        let events: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let find = |kind: &str| {
            events
                .iter()
                .find(|event| event["event"] == kind)
                .unwrap_or_else(|| panic!("no {kind}: {}", ran.out))
        };
        assert_eq!(
            (&find("tool_call")["name"], &find("tool_call")["arguments"]["path"]),
            (&"ls".into(), &".".into())
        );
        assert_eq!(find("tool_result")["text"], "notes.txt  6 bytes\nsrc/");
        let end = events.last().unwrap();
        assert_eq!(
            (&end["finish"], &end["text"], &end["turns"]),
            (&"answered".into(), &"The tool has answered.".into(), &2.into())
        );
        assert!(
            end["input_tokens"].as_u64().unwrap() > 1000 && end["output_tokens"].as_u64().unwrap() > 20,
            "{end}"
        );
    }
    again.says("> ls").says("2 turns · ").says(" tokens read, ");
    assert_eq!(plain.out, "Hello from the tiny test model.\n");
    crate::workplace::Ran::from(keyless).exits(1).says("wants the API key");
    gone.exits(1).says("`tiny`");
    assert!(!place.path().join("home/.pi/sessions").read_dir().unwrap().flatten().any(|folder| {
        folder
            .path()
            .read_dir()
            .unwrap()
            .flatten()
            .any(|file| fs::read_to_string(file.path()).unwrap().contains(KEY))
    }));
}

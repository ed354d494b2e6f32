//! What a conversation does, as its server and its files see it.

use super::server::{Reply, Server, delta, end};
use crate::workplace::{KEY, Ran, Workplace};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Asks in a directory of its own.
fn prompt(place: &Workplace, server: &Server, args: &[&str]) -> Ran {
    let mut command = place.command("prompt --model m --base-url");
    command.arg(server.url()).args(args).env("OPENAI_API_KEY", KEY).current_dir(project(place));
    command.output().unwrap().into()
}

fn project(place: &Workplace) -> PathBuf {
    let project = place.path().join("project");
    fs::create_dir_all(&project).unwrap();
    project
}

fn contents(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            format!("{}: {}", message["role"].as_str().unwrap(), message["content"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn wrong_calls_go_back_to_the_model_which_does_better() {
    let two = json!([{ "index": 0, "id": "a", "function": { "name": "bash", "arguments": "{}" } },
                     { "index": 1, "id": "b", "function": { "name": "read", "arguments": "{\"file_path\": \"notes.txt\"}" } }]);
    let server = Server::start(vec![
        Reply::calls("ls", "{\"path\": "),
        Reply::stream(&[delta(&json!({ "tool_calls": two })), end()]),
        Reply::says(&["<think>now", " I know</think>", "It says hello."]),
    ]);
    let place = Workplace::new();
    fs::write(project(&place).join("notes.txt"), format!("hello {KEY}\n")).unwrap();
    let ran = prompt(&place, &server, &["what is in my notes?"]).exits(0);
    assert_eq!(ran.out, "It says hello.\n", "the answer alone");
    insta::assert_snapshot!(ran.err);
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    let results: Vec<String> =
        contents(&asked[2]).into_iter().filter(|line| line.starts_with("tool: ")).collect();
    assert!(results[0].contains("error: the arguments are not valid JSON"), "{results:?}");
    assert!(results[1].contains("error: there is no tool `bash`"), "{results:?}");
    assert_eq!(results[2], "tool:      1\thello (the API key)\n");
    assert_eq!(
        asked[2]["messages"][2]["tool_calls"][0]["function"]["arguments"], "{}",
        "servers refuse malformed ones"
    );
    assert!(
        contents(&asked[0])[0].contains(project(&place).to_str().unwrap()),
        "the system prompt names the directory"
    );
}

#[test]
fn messages_come_from_arguments_and_from_standard_input() {
    let server = Server::start(vec![Reply::says(&["one"])]);
    let place = Workplace::new();
    prompt(&place, &server, &["first", "second", "--system", "be brief", "--no-tools"]).exits(0);
    let asked = server.asked();
    assert_eq!(contents(&asked[1]), ["system: be brief", "user: first", "assistant: one", "user: second"]);
    assert!(asked[0]["tools"].is_null());
    assert!(asked[0]["temperature"].is_null(), "the server's own default");

    let mut command = place.command("prompt --model m --no-tools --temperature 0 --max-tokens 9 --base-url");
    let mut pi = command.args([&server.url(), "--", "- review this"]).stdin(Stdio::piped()).spawn().unwrap();
    pi.stdin.take().unwrap().write_all("+a\n-b\n".as_bytes()).unwrap();
    Ran::from(pi.wait_with_output().unwrap()).exits(0);
    let last = server.asked().pop().unwrap();
    assert_eq!(contents(&last)[1], "user: - review this\n\n+a\n-b\n");
    assert_eq!((&last["temperature"], &last["max_tokens"]), (&0.0.into(), &9.into()));
}

#[test]
fn a_session_is_kept_for_its_owner_and_goes_on_with_c() {
    let server = Server::start(vec![Reply::calls("ls", "{\"path\": \".\"}"), Reply::says(&["done"])]);
    let place = Workplace::new();
    let list = format!("list the files, {KEY}");
    prompt(&place, &server, &[&list, "--stats"]).exits(0).says("2 turns · 20 tokens read, 8 written");
    prompt(&place, &server, &["-c", "and again"]).exits(0);
    let said = contents(&server.asked()[2]);
    assert_eq!(said.len(), 6, "{said:?}");
    assert_eq!(said[1], "user: list the files, (the API key)");
    let folder =
        fs::read_dir(place.path().join("home/.pi/sessions")).unwrap().next().unwrap().unwrap().path();
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let text = fs::read_to_string(&files[0]).unwrap();
    assert!(!text.contains(KEY), "{text}");
    assert_eq!(text.lines().count(), 7);
}

#[test]
fn a_model_that_never_ends_to_call_tools_is_stopped() {
    let server = Server::start(vec![Reply::calls("ls", "{}")]);
    let place = Workplace::new();
    prompt(&place, &server, &["loop", "--max-turns", "3"]).exits(1).says("--max-turns");
    assert_eq!(server.asked().len(), 3);
    let ran = prompt(&place, &server, &["loop", "--max-turns", "1", "--json"]).exits(1);
    ran.says("\"finish\":\"out_of_turns\"");
}

#[test]
fn a_server_that_does_not_stream_is_understood() {
    let whole = json!({ "choices": [{ "message": { "role": "assistant", "content": "All at once." }, "finish_reason": "stop" }] });
    let server = Server::start(vec![Reply::status("200 OK", "", &whole.to_string())]);
    assert_eq!(prompt(&Workplace::new(), &server, &["hello"]).exits(0).out, "All at once.\n");
}

#[test]
fn the_only_model_is_found_and_several_are_named() {
    let one = Reply::status("200 OK", "", r#"{"data":[{"id":"only"}]}"#);
    let server = Server::start(vec![one, Reply::says(&["hi"])]);
    let place = Workplace::new();
    place.pi(&format!("prompt --base-url {} hello", server.url())).exits(0);
    assert_eq!(server.asked()[1]["model"], "only");
    let two = Reply::status("200 OK", "", r#"{"data":[{"id":"a"},{"id":"b"}]}"#);
    let server = Server::start(vec![two]);
    place.pi(&format!("prompt --base-url {} hello", server.url())).exits(64).says("a, b");
}

#[test]
fn words_are_shown_as_they_come() {
    let server = Server::start(vec![Reply::says(&["early ", "late"]).slowly(Duration::from_millis(1500))]);
    let place = Workplace::new();
    let mut pi =
        place.command("prompt --model m --no-tools hello --base-url").arg(server.url()).spawn().unwrap();
    let begun = Instant::now();
    let mut first = [0; 6];
    pi.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let early = begun.elapsed();
    assert_eq!(&first, b"early ");
    assert!(pi.wait().unwrap().success());
    assert!(begun.elapsed() > early + Duration::from_secs(1), "{early:?} {:?}", begun.elapsed());
}

#[test]
fn nobody_reads_on_and_the_answer_stops() {
    let words = vec!["word "; 200];
    let server = Server::start(vec![Reply::says(&words).slowly(Duration::from_millis(100))]);
    let place = Workplace::new();
    let mut pi =
        place.command("prompt --model m --no-tools hello --base-url").arg(server.url()).spawn().unwrap();
    let begun = Instant::now();
    let mut first = [0; 5];
    pi.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    drop(pi.stdout.take());
    assert_eq!(pi.wait().unwrap().code(), Some(141));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn ctrl_c_stops_the_answer_and_keeps_what_was_said() {
    let words = vec!["word "; 200];
    let server =
        Server::start(vec![Reply::says(&words).slowly(Duration::from_millis(100)), Reply::says(&["ok"])]);
    let place = Workplace::new();
    let mut pi = place
        .command("prompt --model m --no-tools hello --base-url")
        .args([&server.url(), "never said"])
        .current_dir(project(&place))
        .spawn()
        .unwrap();
    let mut first = [0; 5];
    pi.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    crate::sshd::kill("INT", pi.id());
    let ran = Ran::from(pi.wait_with_output().unwrap()).exits(130).says("Stopped.");
    assert!(ran.out.ends_with("word \n") || ran.out.is_empty() || ran.out.ends_with('\n'), "{}", ran.out);
    assert_eq!(server.asked().len(), 1, "the next message is not sent");
    prompt(&place, &server, &["-c", "go on"]).exits(0);
    let last = contents(server.asked().last().unwrap());
    assert!(last[2].starts_with("assistant: word "), "{last:?}");
}

#[test]
fn at_home_one_is_told_what_the_model_may_read() {
    let server = Server::start(vec![Reply::says(&["hi"])]);
    let place = Workplace::new();
    let note = "The model may read all of";
    let at = |directory: PathBuf, args: &str| -> Ran {
        let mut command = place.command(&format!("prompt --model m {args} hello --base-url"));
        command.arg(server.url()).current_dir(directory).output().unwrap().into()
    };
    at(place.path().join("home"), "").exits(0).says(note);
    at(place.path().to_owned(), "").exits(0).says(note);
    assert!(!at(project(&place), "").exits(0).err.contains(note));
    assert!(!at(place.path().join("home"), "--no-tools").exits(0).err.contains(note));
}

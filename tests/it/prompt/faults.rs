//! What goes wrong, and what people are told to do: one page, to be read.

use super::server::{Part, Reply, Server, delta};
use crate::workplace::{KEY, Ran, Workplace};
use serde_json::json;
use std::fmt::Write;

/// A stream that begins with this.
fn page(head: &str, begin: String) -> Reply {
    Reply {
        head: format!("HTTP/1.1 200 OK\r\n{head}\r\nconnection: close\r\n\r\n"),
        parts: vec![Part::Bytes(begin)],
    }
}

fn refusal(status: &str, message: &str) -> Reply {
    Reply::status(status, "", &json!({ "error": { "message": message } }).to_string())
}

const CONTEXT: &str =
    "request (9941 tokens) exceeds the available context size (2048 tokens), try increasing it";
const NO_TOOLS: &str =
    "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set";

/// What happens before an answer, and what the server sends.
fn refusals() -> Vec<(&'static str, Reply)> {
    vec![
        (
            "a wrong key, quoted by the server",
            refusal("401 Unauthorized", "Incorrect API key provided: the-key-of-the-tests"),
        ),
        ("an unknown model", refusal("404 Not Found", "The model `m` does not exist.")),
        ("no such path", Reply::status("404 Not Found", "", r#"{"detail":"Not Found"}"#)),
        ("too many requests", Reply::status("429 Too Many Requests", "retry-after: 20\r\n", "slow down")),
        ("a full context", refusal("400 Bad Request", CONTEXT)),
        ("not started for tools", refusal("400 Bad Request", NO_TOOLS)),
        ("still loading", refusal("503 Service Unavailable", "Loading model")),
        (
            "an error of the server's own",
            Reply::status("500 Internal Server Error", "", "\u{1b}[31mTraceback\u{1b}[0m"),
        ),
        ("a redirection", Reply::status("307 Temporary Redirect", "location: http://elsewhere/v1\r\n", "")),
        ("nothing at all", Reply { head: String::new(), parts: Vec::new() }),
    ]
}

/// What happens amid one.
fn breaks() -> Vec<(&'static str, Reply)> {
    let word = delta(&json!({ "content": "Half a" }));
    let broken = json!({ "error": { "message": "CUDA error: out of memory", "code": 500 } });
    let stream = "content-type: text/event-stream";
    vec![
        ("an end amid the answer", page(stream, format!("data: {word}\n\n"))),
        (
            "a connection lost amid the answer",
            page(&format!("{stream}\r\ncontent-length: 9999"), format!("data: {word}\n\n")),
        ),
        ("an error amid the answer", Reply::stream(&[word, broken])),
        ("a stream of something else", page(stream, "data: welcome\n\n".to_owned())),
        ("a page for browsers", page("content-type: text/html", "<html>hello</html>".to_owned())),
    ]
}

#[test]
fn every_fault_says_what_to_do_next() {
    let mut page = String::new();
    for (what, reply) in refusals().into_iter().chain(breaks()) {
        let server = Server::start(vec![reply]);
        let place = Workplace::new();
        let ran = place
            .command(&format!("prompt --base-url {} --model m --no-tools hello", server.url()))
            .env("OPENAI_API_KEY", KEY)
            .output()
            .unwrap();
        let ran = Ran::from(ran).exits(1);
        let err = ran.err.replace(&server.url(), "http://HOST:PORT/v1");
        writeln!(page, "# {what}\n{}{}\n", ran.out, err.trim_end()).unwrap();
        assert!(!err.contains('\u{1b}'), "{err:?}");
        assert!(!place.path().join("home/.pi/sessions").exists(), "{what}: a failed exchange is not kept");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn programs_get_the_same_as_an_event() {
    let server = Server::start(vec![Reply::status("429 Too Many Requests", "", "{}")]);
    let ran = Workplace::new()
        .pi(&format!("prompt --json --base-url {} --model m --no-tools hello", server.url()))
        .exits(1);
    let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "error");
    assert_eq!(last["help"], "try again in a while");
    ran.says("too much to do");
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    let server = Server::start(vec![Reply::says(&["hello"])]);
    let url = server.url();
    let table = [
        ("prompt".to_owned(), "which model?"),
        (format!("prompt --base-url {url}"), "nothing to say"),
        (format!("prompt --base-url {url} -i"), "no terminal"),
        (format!("prompt --base-url {url} -c hello"), "no session of"),
        (format!("prompt --base-url {url} --allow nowhere hello"), "nowhere can't be allowed"),
        (format!("prompt --base-url {url} --api-key-env NOT_SET hello"), "NOT_SET is not set"),
        (format!("prompt --base-url {url} --temperature 7 hello"), "0 to 2"),
        (format!("prompt --base-url {url} --max-turns 0 hello"), "--max-turns"),
        ("prompt --base-url localhost:8000 hello".to_owned(), "no base URL"),
        ("prompt qwen hello --model x".to_owned(), "--base-url"),
        ("prompt qwen hello".to_owned(), "pi.toml"),
    ];
    for (args, says) in table {
        Workplace::new().pi(&args).exits(64).says(says);
    }
    assert!(server.asked().is_empty(), "{:?}", server.asked());
}

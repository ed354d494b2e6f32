//! A server that says what a test wants, in the manner it wants: word by word, half, or not at all.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One part of what is sent.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// These bytes.
    Bytes(String),
    /// Nothing for so long.
    Wait(Duration),
}

/// What one request gets.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) head: String,
    pub(super) parts: Vec<Part>,
}

impl Reply {
    /// A status and its body.
    pub(super) fn status(status: &str, headers: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}connection: close\r\n\r\n"
        );
        Self { head, parts: vec![Part::Bytes(body.to_owned())] }
    }

    /// A stream of these events.
    pub(super) fn stream(events: &[Value]) -> Self {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_owned();
        Self { head, parts: events.iter().map(|event| Part::Bytes(format!("data: {event}\n\n"))).collect() }
    }

    /// An answer without tools.
    pub(super) fn says(words: &[&str]) -> Self {
        let events: Vec<Value> =
            words.iter().map(|word| delta(&json!({ "content": word }))).chain([end()]).collect();
        Self::stream(&events)
    }

    /// An answer that wants one tool called.
    pub(super) fn calls(name: &str, arguments: &str) -> Self {
        let call =
            json!({ "index": 0, "id": "call_1", "function": { "name": name, "arguments": arguments } });
        Self::stream(&[delta(&json!({ "tool_calls": [call] })), end()])
    }

    /// The same, with this long between its parts.
    pub(super) fn slowly(mut self, pause: Duration) -> Self {
        self.parts = self.parts.into_iter().flat_map(|part| [part, Part::Wait(pause)]).collect();
        self
    }
}

/// A chunk of Chat Completions.
pub(super) fn delta(delta: &Value) -> Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
}

/// The last one.
pub(super) fn end() -> Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 10, "completion_tokens": 4 } })
}

/// A server that gives its replies in order, one a request; the last one again and again.
pub(super) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub(super) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        // it ends with the process of the tests
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (replies, noted) = (replies.clone(), Arc::clone(&noted));
                std::thread::spawn(move || answer(stream, &replies, &noted));
            }
        });
        Self { port, asked }
    }

    /// What `--base-url` is.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// The bodies of the requests so far.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, replies: &[Reply], asked: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let at = {
        let mut asked = asked.lock().unwrap();
        asked.push(serde_json::from_slice(&body).unwrap_or(Value::Null));
        asked.len() - 1
    };
    let reply = replies.get(at).or(replies.last()).unwrap();
    let mut stream = stream;
    let mut send = |text: &str| stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok();
    if !send(&reply.head) {
        return;
    }
    for part in &reply.parts {
        match part {
            Part::Bytes(bytes) if !send(bytes) => return,
            Part::Bytes(_) => {}
            Part::Wait(pause) => std::thread::sleep(*pause),
        }
    }
}

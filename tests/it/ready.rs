//! The ladder that a server climbs before it counts: nothing without the key, a token, a tool call, and no waiting for
//! a start that makes no progress.

use crate::workplace::Workplace;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;

/// A server of one's own that others can reach, which looks at the key only where `GUARDED` says.
const OPEN: &str = r#"
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
guarded = sys.argv[2].split(",")
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer()
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.answer()
    def answer(self):
        known = self.headers.get("authorization") == "Bearer " + os.environ["PI_API_KEY"]
        status = 200 if known or self.path not in guarded else 401
        body = json.dumps({"data": [{"id": "echo"}], "choices": [{}]}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Server).serve_forever()
"#;

const MANIFEST: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"

[models.echo]
model = "{dir}/open.py"
engine = "command"
listen = "0.0.0.0"
port = PORT
command = ["python3", "{model}", "{port}", "GUARDED"]
"#;

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn a_public_server_that_answers_without_the_key_is_stopped() {
    let all = "/v1/chat/completions,/invocations,/tokenize,/metrics,/docs";
    let closed = [
        ("", "/v1/chat/completions"),
        (&all[..all.len() - 6], "/docs"),
        ("/v1/chat/completions", "/invocations"),
    ];
    for (guarded, open) in closed {
        let place = Workplace::with(&MANIFEST.replace("GUARDED", guarded).replace("PORT", &free_port()));
        fs::write(place.path().join("open.py"), OPEN).unwrap();
        let said = place.pi("apply --yes --json").exits(1).says("open-to-anybody").says("It was stopped").out;
        assert!(said.contains(&format!("without the API key {open} says 200")), "{said}");
        assert!(place.pod().join("servers/echo/stopped").exists());
        place.pi("plan").exits(0).says("server     echo");
        place.pi("history").exits(0).says("stop server echo").says("it answered without the API key");
        place.pi("destroy --yes").exits(0);
    }
    let place = Workplace::with(&MANIFEST.replace("GUARDED", all).replace("PORT", &free_port()));
    fs::write(place.path().join("open.py"), OPEN).unwrap();
    place.pi("apply --yes").exits(0);
    place.pi("destroy --yes").exits(0);
}

#[test]
fn being_asked_for_its_health_is_no_progress() {
    let place = Workplace::with(&format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/pi.toml\"\n\
         engine = \"command\"\nready_stall = \"2s\"\nport = {}\n\
         command = [\"python3\", \"-u\", \"-m\", \"http.server\", \"{{port}}\"]\n",
        free_port()
    ));
    place.pi("apply --yes").exits(1).says("its start made no progress for 2s");
    let log = fs::read_to_string(place.pod().join("servers/echo/current/server.log")).unwrap();
    assert!(log.contains("/health") && log.contains("404"), "it logs that it was asked: {log}");
    place.pi("destroy --yes").exits(0);
}

/// Real llama.cpp and a real tiny model, which calls the tool; then with a template that knows of none.
#[test]
fn a_tool_call_is_asked_for_and_that_there_is_none_is_told() {
    let with = |args: &str| {
        let template = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n[models.tiny]\n\
                        model = \"{dir}/tiny.gguf\"\ncontext = \"1k\"\ngpus = 0\nlisten = \"0.0.0.0\"\nport = PORT\nargs = ARGS\n";
        template.replace("ARGS", args)
    };
    let port = free_port();
    let place = Workplace::with(&with("[]").replace("PORT", &port));
    let gguf = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny-qwen3.gguf");
    fs::copy(gguf, place.path().join("tiny.gguf")).unwrap();
    let answered = || fs::read_to_string(place.pod().join("servers/tiny/current/answered")).unwrap();
    let events =
        |said: &str| -> Vec<Value> { said.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let of = |events: &[Value], what: &str| events.iter().filter(|event| event["event"] == what).count();

    let said = events(&place.pi("apply --yes --json").exits(0).out);
    let calls = (of(&said, "warning"), answered().lines().count());
    let phases = said.iter().any(|event| event["event"] == "phase" && event["phase"] == "loading weights");
    let plain = r#"["--chat-template", "{% for m in messages %}{{ m.content }}{% endfor %}"]"#;
    place.write(&with(plain).replace("PORT", &port));
    let warned = place.pi("apply --yes");
    let noted = answered();
    let again = place.pi("plan --detailed-exitcode");
    let refuses = r#"["--jinja", "--chat-template", "{{ raise_exception('none') if tools else '' }}{{ messages[0].content }}"]"#;
    place.write(&with(refuses).replace("PORT", &port));
    let declined = place.pi("apply --yes");
    place.pi("destroy --yes").exits(0);

    assert_eq!(calls, (0, 1), "{said:?}");
    assert!(phases, "{said:?}");
    warned.exits(0).says("warning on here: wait for server tiny").says("asked to call a tool");
    assert!(noted.contains("asked to call a tool"), "{noted}");
    again.exits(0);
    declined.exits(1).says("it refuses tools").says("take it");
}

//! `pi stop` and what left the server's session: it is ended, or named by every command until it is gone.

use crate::sshd::kill;
use crate::workplace::Workplace;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;

/// Answers; a process that it starts leaves its session by two forks, keeps the socket, and forgets its environment where
/// `sys.argv[2]` says so.
const SERVER: &str = r#"
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.send_header("content-length", "0")
        self.end_headers()
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Server)
server.socket.set_inheritable(True)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    open(os.path.dirname(sys.argv[0]) + "/stray", "w").write(str(os.getpid()))
    os.execve("/bin/sleep", ["sleep", "600"], {} if sys.argv[2] == "bare" else dict(os.environ))
os.wait()
server.serve_forever()
"#;

fn place(how: &str) -> (Workplace, u16, u32) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/server.py\"\n\
         engine = \"command\"\nport = {port}\ncommand = [\"python3\", \"{{model}}\", \"{{port}}\", \"{how}\"]\n"
    ));
    fs::write(place.path().join("server.py"), SERVER).unwrap();
    place.pi("apply --yes").exits(0);
    let stray = fs::read_to_string(place.path().join("stray")).unwrap().parse().unwrap();
    (place, port, stray)
}

fn free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_process_that_left_the_session_is_ended_with_it() {
    let (place, port, _) = place("as-it-is");
    place.pi("stop echo --yes").exits(0);
    assert!(free(port));
    place.pi("destroy --yes").exits(0);
}

#[test]
fn one_that_hides_where_it_comes_from_is_named_until_it_is_gone() {
    let (place, port, stray) = place("bare");
    let named = format!("PID {stray} listens on port {port} (sleep 600)");
    place.pi("stop echo --yes").exits(1).says(&named).says(&format!("kill {stray}"));
    let listed: Value = serde_json::from_str(&place.pi("list --json").out).unwrap();
    assert!(listed.to_string().contains(&format!("\"left\":[{stray}]")), "{listed}");
    place.pi("destroy --yes").exits(1).says(&named);
    place.pi("history").exits(0).says("stop server echo").says("failed");
    kill("KILL", stray);
    place.pi("destroy --yes").exits(0);
    assert!(free(port));
    place.pi("plan --json").exits(0);
}

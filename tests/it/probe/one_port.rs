//! Two servers on one port: one runs, the other was started beside it.

use super::{Place, model, spec, wait_for, wait_until_gone};
use pi::observe::Life;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// Answers on a port that others may share.
const SERVER: &str = r#"
import http.server, socket, sys

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.end_headers()

class Sharing(http.server.HTTPServer):
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()

Sharing(("0.0.0.0", int(sys.argv[1])), Answer).serve_forever()
"#;

/// A session, ended with the test.
struct Session(u32);

impl Drop for Session {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-KILL", &self.0.to_string()]).status());
        wait_until_gone(self.0);
    }
}

/// Runs a program as the server `qwen` of `servers` or `beside`.
fn run(place: &Place, kind: &str, port: u16, program: &[&str]) -> Session {
    place.write(&format!("pi/{kind}/qwen/spec.json"), &serde_json::to_string(&spec("qwen", port)).unwrap());
    let dir = place.path(&format!("pi/{kind}/qwen"));
    let begin =
        "read -r stat </proc/$$/stat; rest=(${stat##*) }); read -r boot </proc/sys/kernel/random/boot_id
        echo \"$$ ${rest[19]} $boot\" >\"$1/pid\"; exec \"${@:2}\"";
    let mut command = Command::new("setsid");
    command.args(["-f", "bash", "-c", begin, "run"]).arg(&dir).args(program);
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    Session(wait_for(|| fs::read_to_string(dir.join("pid")).ok()?.split(' ').next()?.parse().ok()))
}

fn healths(place: &Place) -> [Option<u16>; 2] {
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let server = &facts.servers[&model("qwen")];
    [server, server.beside.as_ref().unwrap()].map(|server| match server.life {
        Life::Running { health, .. } => health,
        Life::Dead { .. } | Life::Stopped => panic!("{server:?}"),
    })
}

#[test]
fn each_of_two_on_one_port_is_asked_for_itself() {
    let place = Place::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listens = || TcpListener::bind(("127.0.0.1", port)).is_err();
    let text = port.to_string();
    let _one = run(&place, "servers", port, &["python3", "-c", SERVER, &text, "200"]);
    wait_for(|| listens().then_some(()));
    // it does not listen yet
    let starting = run(&place, "beside", port, &["sleep", "1000"]);
    assert_eq!(healths(&place), [Some(200), None]);
    drop(starting);
    fs::remove_file(place.path("pi/beside/qwen/pid")).unwrap();
    let _two = run(&place, "beside", port, &["python3", "-c", SERVER, &text, "503"]);
    wait_for(|| (healths(&place)[1] == Some(503)).then_some(()));
    for _ in 0..6 {
        assert_eq!(healths(&place), [Some(200), Some(503)]);
    }
}

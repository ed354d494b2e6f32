//! A server's log keeps to its limit, whatever the server writes, and nothing comes between the server and its log.

use crate::sshd::{eventually, kill};
use crate::workplace::Workplace;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;

/// Writes a line, so many MiB as fast as it can, and another line; answers meanwhile, or not.
const SERVER: &str = r#"
import os, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" and sys.argv[3] == "answers" else 503)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
threading.Thread(target=ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Server).serve_forever, daemon=True).start()
os.write(1, b"the first line: Available KV cache memory: 1.5 GiB\n")
block = (b"x" * 99 + b"\n") * 10000
for _ in range(int(sys.argv[2])):
    os.write(1, block)
if sys.argv[3] == "answers":
    time.sleep(2) # a line that is written while the log is cut may be lost
os.write(2, b"the last line\n")
if sys.argv[3] == "dies":
    raise RuntimeError("CUDA out of memory")
time.sleep(600)
"#;

fn place(mib: u64, then: &str) -> Workplace {
    place_with(mib, then, "")
}

fn place_with(mib: u64, then: &str, keys: &str) -> Workplace {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/server.py\"\n\
         engine = \"command\"\nready_stall = \"3s\"\nport = {port}\n\
         command = [\"python3\", \"{{model}}\", \"{{port}}\", \"{mib}\", \"{then}\"]\n{keys}"
    ));
    fs::write(place.path().join("server.py"), SERVER).unwrap();
    place
}

/// Bytes of all files of the server's.
fn size(server: &Path) -> u64 {
    let files = fs::read_dir(server).into_iter().flatten().flatten();
    files.map(|file| file.metadata().map_or(0, |file| file.len())).sum()
}

fn log_keeper(place: &Workplace) -> u32 {
    let leader = fs::read_to_string(place.pod().join("servers/echo/current/pid")).unwrap();
    let leader = leader.split(' ').next().unwrap();
    let named = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains("(pi-log)") && stat.split(' ').nth(5) == Some(leader)
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(named).unwrap()
}

#[test]
fn a_log_keeps_its_beginning_and_its_end_and_no_more() {
    let place = place(1000, "answers");
    place.pi("apply --yes").exits(0);
    let server = place.pod().join("servers/echo/current");
    let (log, mut most) = (server.join("server.log"), 0);
    let until = Instant::now() + Duration::from_mins(2);
    while !fs::read(&log).is_ok_and(|log| log.ends_with(b"the last line\n")) {
        most = most.max(size(&server));
        assert!(Instant::now() < until, "it is held up");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(most < 1000 * MIB, "{} MiB", most / MIB);
    eventually("it is short", || size(&server) < 100 * MIB);
    let head = fs::read_to_string(server.join("server.log.head")).unwrap();
    assert!(head.starts_with("the first line") && head.len() as u64 <= 4 * MIB);
    let last = place.pi("logs echo --no-follow -n 3").exits(0).out;
    assert!(last.starts_with("xxxx") && last.ends_with("\nthe last line\n"), "{last}");
    // what was measured at the start stood at its beginning
    assert!(fs::read_to_string(server.join("measured")).unwrap().contains("1.5 GiB"));
    place.pi("plan --detailed-exitcode").exits(0);
    place.pi("stop echo --yes").exits(0);
    place.pi("destroy --yes").exits(0);
}

#[test]
fn a_log_keeps_to_the_limit_of_the_manifest_which_restarts_nothing() {
    let place = place_with(300, "answers", "log_limit = \"20 MB\"\n");
    place.pi("apply --yes").exits(0);
    let server = place.pod().join("servers/echo/current");
    let log = server.join("server.log");
    eventually("all is written", || fs::read(&log).is_ok_and(|log| log.ends_with(b"the last line\n")));
    eventually("it is short", || size(&server) < 20_000_000);
    place.pi("plan --detailed-exitcode").exits(0);
    let text = fs::read_to_string(place.path().join("pi.toml")).unwrap();
    fs::write(place.path().join("pi.toml"), text.replace("20 MB", "1 GB")).unwrap();
    place.pi("plan --detailed-exitcode").exits(0);
    for (limit, says) in [("9 MB", "from 10 MB"), ("2 TB", "to 1 TB"), ("much", "`100 MB`")] {
        fs::write(place.path().join("pi.toml"), text.replace("20 MB", limit)).unwrap();
        place.pi("check").exits(64).says(says).says("log_limit");
    }
    fs::write(place.path().join("pi.toml"), text).unwrap();
    place.pi("destroy --yes").exits(0);
}

#[test]
fn a_server_outlives_what_keeps_its_log_short() {
    let place = place(1, "answers");
    place.pi("apply --yes").exits(0);
    kill("KILL", log_keeper(&place));
    place.pi("plan --detailed-exitcode").exits(0);
    place.pi("stop echo --yes").exits(0);
    place.pi("destroy --yes").exits(0);
}

#[test]
fn one_that_writes_without_end_and_does_not_answer_is_given_up() {
    let place = place(1_000_000, "never");
    let began = Instant::now();
    place
        .pi("apply --yes")
        .exits(1)
        .says("no progress for 3s: GET /health says 503; it goes on writing its log");
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    place.pi("destroy --yes").exits(0);
}

#[test]
fn why_it_died_is_found_at_the_end_of_a_long_log() {
    let place = place(200, "dies");
    place.pi("apply --yes").exits(1).says("CUDA out of memory");
    let server = place.pod().join("servers/echo/current");
    assert!(size(&server) < 300 * MIB);
    place.pi("destroy --yes").exits(0);
}

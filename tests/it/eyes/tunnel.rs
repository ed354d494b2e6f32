//! `pi tunnel` to a server on a pod's loopback.

use super::Site;
use crate::json;
use crate::sshd::{eventually, kill};
use crate::workplace::Ran;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr};
use std::sync::{Arc, Mutex};

/// A tunnel that is open.
struct Tunnel {
    child: Child,
    url: String,
    said: Arc<Mutex<String>>,
}

impl Tunnel {
    fn open(site: &Site, args: &str) -> Self {
        let mut child = site.place.command(&format!("tunnel echo {args}")).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let said = collect(child.stderr.take().unwrap());
        assert!(url.starts_with("http://127.0.0.1:"), "{url}{}", said.lock().unwrap());
        Self { child, url: url.trim().to_owned(), said }
    }

    fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().trim_end_matches("/v1").parse().unwrap()
    }

    /// The status of GET /health through it.
    fn health(&self) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).ok()?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1).map(str::to_owned)
    }

    /// Ends it as somebody at the keyboard would; its exit code.
    fn end(mut self) -> Option<i32> {
        kill("INT", self.child.id());
        self.child.wait().unwrap().code()
    }
}

fn collect(stderr: ChildStderr) -> Arc<Mutex<String>> {
    let said = Arc::new(Mutex::new(String::new()));
    let heard = said.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            heard.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    said
}

#[test]
fn a_tunnel_leads_to_loopback_and_outlives_the_connection() {
    let mut site = Site::running("127.0.0.1", "m");
    let tunnel = Tunnel::open(&site, "");
    assert_eq!(tunnel.health().as_deref(), Some("200"));
    // others on this machine find it
    let ran = site.place.pi("env echo");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains(&format!("OPENAI_BASE_URL='{}'", tunnel.url)), "{}", ran.out);
    site.place.pi("tunnel echo").exits(1).says("is open").says(&tunnel.url);

    site.sshd.restart();
    eventually("the tunnel leads there again", || tunnel.health().as_deref() == Some("200"));
    let said = tunnel.said.lock().unwrap().clone();
    assert_eq!(said.matches("is lost").count(), 1, "{said}");
    assert_eq!(said.matches("is there again").count(), 1, "{said}");

    let port = tunnel.port();
    assert_eq!(tunnel.end(), Some(0));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "it still listens");
    // the same port as last time
    let again = Tunnel::open(&site, "");
    assert_eq!(again.port(), port);
    assert_eq!(again.end(), Some(0));
}

#[test]
fn machines_are_told_its_url_and_its_process() {
    let site = Site::running("127.0.0.1", "m");
    let mut child = site.place.command("tunnel echo --json").spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["pid"], child.id());
    let (port, pid) = (told["port"].to_string(), told["pid"].to_string());
    json::events_written_down("tunnel.jsonl", &[told], &[(&port, "{port}")]);
    // a second one is an error as without --json
    let ran = site.place.pi("tunnel echo --json").exits(1).says("is open");
    assert_eq!(ran.out, "");
    kill("TERM", pid.parse().unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");

    let told = json::document(&site.place.pi("tunnel echo --background --json").exits(0).says("--close"));
    assert!(
        TcpStream::connect(("127.0.0.1", u16::try_from(told["port"].as_u64().unwrap()).unwrap())).is_ok()
    );
    let line = fs::read_to_string(format!("/proc/{}/cmdline", told["pid"])).unwrap();
    assert!(line.contains("--kept-by"), "{line}");
    let closed = json::document(&site.place.pi("tunnel echo --close --json").exits(0).says("is closed"));
    json::events_written_down("tunnel-close.jsonl", &[closed], &[]);
    let told = json::document(&site.place.pi("tunnel echo --close --json").exits(0).says("No tunnel"));
    assert_eq!(told["closed"], false);
    assert_eq!(site.place.pi("tunnel ecco --close --json").exits(64).says("did you mean").out, "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ran = site.place.pi(&format!("tunnel echo --background --json --port {port}"));
    assert_eq!(ran.exits(64).says("cannot listen").out, "");
}

#[test]
fn what_a_pi_that_was_killed_has_left_is_swept() {
    let site = Site::running("127.0.0.1", "m");
    let forwards = || {
        let sockets = fs::read_dir(site.place.path().join("run/pi")).unwrap().flatten();
        sockets.filter(|entry| entry.path().extension().is_some_and(|end| end == "fwd")).count()
    };
    for signal in ["HUP", "KILL"] {
        let mut command = site.place.command("prompt echo -i --no-tools");
        let terminal = format!("{} prompt echo -i --no-tools", command.get_program().display());
        command = site.place.command_of("script", &["-qefc", &terminal, "/dev/null"]);
        let mut script = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        eventually("it is connected", || forwards() == 1);
        let mut pi = fs::read_dir(site.place.path().join("run/pi")).unwrap().flatten();
        let pid = pi.find_map(|entry| entry.file_name().to_str()?.split_once('-')?.0.parse().ok());
        kill(signal, pid.unwrap());
        script.wait().unwrap();
        site.place.pi("list").exits(0);
        assert_eq!(forwards(), 0, "{signal}");
    }
    // that of a pi that lives stays
    let tunnel = Tunnel::open(&site, "");
    site.place.pi("list").exits(0);
    assert_eq!((forwards(), tunnel.health().as_deref()), (1, Some("200")));
    assert_eq!(tunnel.end(), Some(0));
}

#[test]
fn a_port_may_be_chosen_unless_somebody_has_it() {
    let site = Site::running("127.0.0.1", "m");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    site.place.pi(&format!("tunnel echo --port {port}")).exits(64).says("cannot listen").says("--port");
    drop(taken);
    let tunnel = Tunnel::open(&site, &format!("--port {port}"));
    assert_eq!((tunnel.port(), tunnel.health().as_deref()), (port, Some("200")));
    // not to be found by the server that is gone
    let pid: Ran = std::process::Command::new("cat")
        .arg(site.place.pod().join("servers/echo/current/pid"))
        .output()
        .unwrap()
        .into();
    kill("KILL", pid.out.split(' ').next().unwrap().parse().unwrap());
    eventually("its end is noticed", || {
        tunnel.health();
        tunnel.said.lock().unwrap().contains("Nothing answers on port")
    });
    assert_eq!(tunnel.end(), Some(0));
    site.place.pi("tunnel echo").exits(1).says("is gone").says("pi logs echo");
    site.place.pi("tunnel ecco").exits(64).says("did you mean `echo`?");
    site.place.pi("tunnel echo --port 0").exits(64);
}

//! Servers that speak HTTP badly, or not at all: each gets a verdict and its reason in time, and holds nothing up.

use crate::workplace::Workplace;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// A server that does to every connection what its first argument says; its second is the port.
const SERVER: &str = r#"
import os, socket, struct, sys, threading, time
kind, port = sys.argv[1], int(sys.argv[2])
begun = time.monotonic()
where = {"v6": ("::1", 0), "v6-any": ("::", 0)}.get(kind, ("127.0.0.1", 0))[0]
s = socket.socket(socket.AF_INET6 if ":" in where else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if ":" in where:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
s.bind((where, port))
s.listen(0 if kind == "accepts-nobody" else 50)
OK = b"HTTP/1.1 200 OK\r\n"
MODELS = b'{"data": [{"id": "odd"}], "choices": [{}]}'
def forever(c, text):
    while True:
        c.sendall(text)
def good(c):
    c.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(MODELS) + MODELS)
def serve(c):
    try:
        if kind == "resets" or kind == "resets-at-first" and time.monotonic() - begun < 2:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return c.close()
        asked = c.recv(65536)
        health = asked.startswith(b"GET /health")
        if kind == "drips":
            for byte in OK + b"\r\n":
                c.sendall(bytes([byte]))
                time.sleep(1.5)
        elif kind == "garbage":
            c.sendall(b"\x15\x03\x01\x00\x02\x02\x50" + os.urandom(500))
        elif kind == "endless-line":
            forever(c, b"x" * 65536)
        elif kind == "zeros":
            forever(c, b"\0" * 65536)
        elif kind == "endless-headers":
            c.sendall(b"HTTP/1.1 100 Continue\r\n")
            forever(c, b"a: b\r\n" * 1000)
        elif kind == "redirects":
            c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
        elif kind == "silent":
            time.sleep(1000)
        elif kind == "busy":
            c.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        elif kind == "other-protocol":
            c.sendall(b"SSH-2.0-OpenSSH_9.2 200 hello\r\n")
        elif kind == "continues":
            c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            good(c)
        elif kind == "chunked":
            c.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(MODELS) + MODELS + b"\r\n0\r\n\r\n")
        elif kind == "no-length":
            c.sendall(OK + b"\r\n" + MODELS)
        elif kind == "body-drips":
            c.sendall(OK + b"\r\n")
            while not health:
                c.sendall(b" ")
                time.sleep(0.5)
        elif kind == "body-endless":
            c.sendall(OK + b"\r\n")
            if not health:
                forever(c, b" " * 65536)
        elif kind == "models-headers":
            c.sendall(OK)
            if not health:
                forever(c, b"a: b\r\n" * 1000)
            c.sendall(b"\r\n")
        elif kind == "models-redirect" and not health:
            c.sendall(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:%d/health\r\n\r\n" % port)
        elif kind == "models-garbage" and not health:
            c.sendall(os.urandom(5000))
        else:
            good(c)
        c.close()
    except OSError:
        pass
if kind == "accepts-nobody":
    queue = [socket.socket() for _ in range(5)]
    for one in queue:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    time.sleep(1000)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"#;

/// What it does, the exit code of the apply, what is said.
const TABLE: [(&str, i32, &str); 22] = [
    ("resets", 1, "no progress for 4s: it closes the connection without an answer to GET /health"),
    ("resets-at-first", 0, ""),
    ("drips", 1, "no progress for 4s: it takes the connection, and did not answer GET /health within 4 s"),
    ("garbage", 1, "no progress for 4s: what it answers is no HTTP"),
    ("endless-line", 1, "no progress for 4s: what it answers is no HTTP"),
    ("zeros", 1, "no progress for 4s: it takes the connection, and did not answer GET /health within 4 s"),
    ("endless-headers", 1, "no progress for 4s: its answer has no end"),
    ("redirects", 1, "no progress for 4s: GET /health says 302"),
    ("silent", 1, "no progress for 4s: it takes the connection, and did not answer GET /health within 4 s"),
    ("busy", 1, "no progress for 4s: GET /health says 503"),
    ("other-protocol", 1, "no progress for 4s: what it answers is no HTTP"),
    ("accepts-nobody", 1, "no progress for 4s: no connection to 127.0.0.1:PORT came about within 5 s"),
    ("v6", 1, "nothing listens on 127.0.0.1:PORT; on [::1]:PORT GET /health says 200"),
    ("v6-any", 1, "nothing listens on 127.0.0.1:PORT; on [::1]:PORT GET /health says 200"),
    ("continues", 0, ""),
    ("chunked", 0, ""),
    ("no-length", 0, ""),
    ("body-drips", 1, "/v1/models did not end its answer within 4s"),
    ("body-endless", 1, "/v1/models does not end its answer: it is longer than 2 MiB"),
    ("models-headers", 1, "/v1/models does not answer: message head is too large"),
    ("models-redirect", 0, ""),
    ("models-garbage", 1, "/v1/models does not answer: invalid HTTP version parsed"),
];

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn every_server_gets_a_verdict_with_its_reason_in_time() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = TABLE
            .chunks(4)
            .map(|rows| scope.spawn(move || rows.iter().filter_map(try_one).collect()))
            .collect();
        all.into_iter().flat_map(|one| -> Vec<String> { one.join().unwrap() }).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong about it, if anything is.
fn try_one((kind, code, said): &(&str, i32, &str)) -> Option<String> {
    let port = free_port();
    let place = Workplace::with(&format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.odd]\nmodel = \"{{dir}}/odd.py\"\n\
         engine = \"command\"\nready_stall = \"4s\"\nport = {port}\n\
         command = [\"python3\", \"{{model}}\", \"{kind}\", \"{{port}}\"]\n"
    ));
    fs::write(place.path().join("odd.py"), SERVER).unwrap();
    let began = Instant::now();
    let ran = place.pi("apply --yes");
    let took = began.elapsed();
    let began = Instant::now();
    place.pi("list --json").exits(0);
    let listed = began.elapsed();
    place.pi("destroy --yes").exits(0);
    let said = said.replace("PORT", &port.to_string());
    let told = ran.code == Some(*code) && ran.err.contains(&said);
    let in_time = took < Duration::from_mins(1) && listed < Duration::from_secs(30);
    (!told || !in_time).then(|| {
        format!("{kind}: exit {:?} after {took:?}, list {listed:?}, not `{said}`: {}", ran.code, ran.err)
    })
}

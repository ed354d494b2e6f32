//! The hub's token goes to the hub alone: to its scheme, host and port, wherever the hub's answers point.

use crate::workplace::{Ran, Workplace};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

const MANIFEST: &str = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n[models.m]\nmodel = \"org/m\"\n\
                        engine = \"command\"\ncommand = [\"true\"]\ngpus = 0\n";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What was asked for, and whether the token came with it.
type Asked = Arc<Mutex<Vec<(String, bool)>>>;

/// Listens, and notes for each request its path and whether the token came with it.
fn listen(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (u16, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some((path, token)) = request(&stream) {
                noted.lock().unwrap().push((path.clone(), token));
                let mut stream = stream;
                drop(stream.write_all(answer(&path).as_bytes()));
            }
        }
    });
    (port, asked)
}

fn request(stream: &TcpStream) -> Option<(String, bool)> {
    let lines: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    Some((path, lines.iter().any(|line| line.contains("hf_good"))))
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// What a hub answers whose list of files goes on at `link` and whose revisions are at `location`, where these are said.
fn hub(path: &str, link: &str, location: &str) -> String {
    match path {
        path if path.contains("/revision/") && !location.is_empty() && !path.contains("moved") => {
            reply("307 Temporary Redirect", &format!("location: {location}\r\n"), "")
        }
        path if path.contains("/revision/") => reply("200 OK", "", &format!("{{\"sha\":\"{COMMIT}\"}}")),
        path if path.contains("/tree/") && !path.contains("cursor") && !link.is_empty() => {
            reply("200 OK", &format!("link: <{link}>; rel=\"next\"\r\n"), "[]")
        }
        path if path.contains("/tree/") => {
            reply("200 OK", "", "[{\"type\":\"file\",\"path\":\"a.gguf\",\"size\":5,\"oid\":\"x\"}]")
        }
        _ => reply("404 Not Found", "", ""),
    }
}

/// Where the token goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// To the hub: what it pointed to was asked for with it.
    With,
    /// What it pointed to was asked for without it.
    Without,
    /// What it pointed to was not asked for, and the plan says so.
    Nowhere,
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_token_follows_to_no_other_origin() {
    use Goes::{Nowhere, With, Without};
    let links = [
        ("/api/models/org/m/tree/x?cursor=1", With),
        ("http://127.0.0.1:HUB/api/models/org/m/tree/x?cursor=1", With),
        ("?cursor=1", With),
        ("http://127.0.0.1:THIEF/api/models/org/m/tree/x?cursor=1", Nowhere),
        ("//127.0.0.1:THIEF/api/models/org/m/tree/x?cursor=1", Nowhere),
        ("http://127.0.0.1:HUB@127.0.0.1:THIEF/tree/x?cursor=1", Nowhere),
        ("http://127.0.0.1:HUB0/tree/x?cursor=1", Nowhere),
        ("http://localhost:HUB/api/models/org/m/tree/x?cursor=1", Nowhere),
        ("http://hf_user@127.0.0.1:HUB/api/models/org/m/tree/x?cursor=1", Nowhere),
        ("https://127.0.0.1:HUB/api/models/org/m/tree/x?cursor=1", Nowhere),
        ("http://[", Nowhere),
    ];
    let locations = [
        ("/moved/revision/main", With),
        ("http://127.0.0.1:HUB/moved/revision/main", With),
        ("http://127.0.0.1:THIEF/moved/revision/main", Without),
        ("//127.0.0.1:THIEF/moved/revision/main", Without),
        ("http://127.0.0.1:HUB@127.0.0.1:THIEF/moved/revision/main", Without),
        ("http://localhost:HUB/moved/revision/main", Without),
        ("ftp://127.0.0.1:HUB/moved/revision/main", Nowhere),
        ("/api/models/org/m/revision/main", Nowhere), // round in circles
    ];
    let rows = links.map(|(link, goes)| (link, "", goes)).into_iter();
    for (link, location, goes) in rows.chain(locations.map(|(location, goes)| ("", location, goes))) {
        let said = Arc::new(Mutex::new((String::new(), String::new())));
        let (thief, stolen) = listen(|path| hub(path, "", ""));
        let words = Arc::clone(&said);
        let (port, asked) = listen(move |path| {
            let words = words.lock().unwrap();
            hub(path, &words.0, &words.1)
        });
        let at = |text: &str| text.replace("HUB", &port.to_string()).replace("THIEF", &thief.to_string());
        *said.lock().unwrap() = (at(link), at(location));
        let place = Workplace::with(MANIFEST);
        let mut pi = place.command("plan");
        let endpoint = format!("http://127.0.0.1:{port}");
        pi.env("HF_ENDPOINT", endpoint).env("HF_HUB_OFFLINE", "0").env("HF_TOKEN", "hf_good");
        let ran: Ran = pi.output().unwrap().into();
        let (asked, stolen) = (asked.lock().unwrap().clone(), stolen.lock().unwrap().clone());
        let scene = format!("{link}{location}: {asked:?} {stolen:?}\n{}{}", ran.out, ran.err);
        assert!(stolen.iter().all(|(_, token)| !token), "{scene}");
        let pointed = |(path, _): &&(String, bool)| path.contains("cursor") || path.contains("moved");
        let tokens: Vec<bool> =
            asked.iter().chain(&stolen).filter(pointed).map(|(_, token)| *token).collect();
        match goes {
            With => assert_eq!(tokens, [true], "{scene}"),
            Without => assert_eq!(tokens, [false], "{scene}"),
            Nowhere => assert!(tokens.is_empty() && ran.out.contains("org/m"), "{scene}"),
        }
    }
}

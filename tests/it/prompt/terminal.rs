//! `pi prompt -i`, at a real pseudo-terminal, which `script` makes.

use super::server::{Reply, Server};
use crate::workplace::Workplace;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Somebody at a keyboard.
struct Terminal {
    process: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    fn open(place: &Workplace, args: &str) -> Self {
        let pi = place.command("");
        let mut command = std::process::Command::new("script");
        // -e: its exit code is that of the command
        command.args(["-qefc", &format!("{} {args}", pi.get_program().display()), "/dev/null"]);
        command
            .env_clear()
            .envs(pi.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("TERM", "xterm");
        command.current_dir(place.path());
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (keys, mut output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { process, keys, screen }
    }

    fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen has shown this once more; forgets what was before.
    #[track_caller]
    fn until(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let mut screen = self.screen.lock().unwrap();
            if let Some(at) = screen.find(text) {
                screen.drain(..at + text.len());
                return;
            }
            assert!(Instant::now() < until, "not shown: {text}\n{screen}");
            drop(screen);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn exit_code(mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

#[test]
fn one_talks_edits_goes_back_in_history_and_leaves() {
    let server = Server::start(vec![Reply::says(&["first answer"]), Reply::says(&["second answer"])]);
    let place = Workplace::new();
    let args = format!("prompt --model m --no-tools -i --base-url {}", server.url());
    let mut terminal = Terminal::open(&place, &args);
    terminal.until("> ");
    terminal.type_in("helo\x1b[Dl\r"); // the cursor to the left
    terminal.until("first answer");
    terminal.until("> ");
    terminal.type_in("\x1b[A!\r"); // up: the line before
    terminal.until("second answer");
    terminal.until("> ");
    terminal.type_in("\x04");
    assert_eq!(terminal.exit_code(), Some(0));
    let said =
        |at: usize| server.asked()[at]["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!((said(0), said(1)), ("hello".into(), "hello!".into()));

    let mut terminal = Terminal::open(&place, &format!("{args} -c"));
    terminal.until("> ");
    terminal.type_in("\x1b[A\r"); // what was typed in the session before
    terminal.until("second answer");
    terminal.until("> ");
    terminal.type_in("\x04");
    assert_eq!(terminal.exit_code(), Some(0));
    assert_eq!(said(2), "hello!");
    assert_eq!(server.asked()[2]["messages"].as_array().unwrap().len(), 6, "the session goes on");
}

#[test]
fn ctrl_c_stops_an_answer_and_a_second_one_leaves() {
    let words = vec!["word "; 300];
    let server = Server::start(vec![
        Reply::says(&words).slowly(Duration::from_millis(100)),
        Reply::says(&["after that"]),
    ]);
    let place = Workplace::new();
    let mut terminal =
        Terminal::open(&place, &format!("prompt --model m --no-tools -i --base-url {}", server.url()));
    terminal.until("> ");
    terminal.type_in("count\r");
    terminal.until("word word");
    terminal.type_in("\x03");
    terminal.until("Stopped.");
    terminal.until("> ");
    terminal.type_in("go on\r");
    terminal.until("after that");
    terminal.until("> ");
    terminal.type_in("\x03");
    terminal.until("Ctrl-C again leaves");
    terminal.until("> ");
    terminal.type_in("\x03");
    assert_eq!(terminal.exit_code(), Some(130));
}

#[test]
fn after_trouble_the_next_message_may_fare_better() {
    let server =
        Server::start(vec![Reply::status("429 Too Many Requests", "", "{}"), Reply::says(&["here I am"])]);
    let place = Workplace::new();
    let mut terminal =
        Terminal::open(&place, &format!("prompt --model m --no-tools -i --base-url {}", server.url()));
    terminal.until("> ");
    terminal.type_in("one\r");
    terminal.until("try again in a while");
    terminal.until("> ");
    terminal.type_in("two\r");
    terminal.until("here I am");
    terminal.until("> ");
    terminal.type_in("\x04");
    assert_eq!(terminal.exit_code(), Some(0));
    assert_eq!(server.asked()[1]["messages"].as_array().unwrap().len(), 2, "what failed is taken back");
}

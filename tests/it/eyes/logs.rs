//! `pi logs`: every line once, whatever happens to the log and to the connection.

use super::Site;
use crate::json;
use crate::sshd::{environment, eventually, kill, processes_with};
use crate::workplace::Ran;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};

/// A pod with a log, without a server: only the file matters here.
fn with_log(lines: &str) -> (Site, PathBuf) {
    let site = Site::new("127.0.0.1", "m");
    let run = site.place.pod().join("servers/echo/runs/1");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("server.log"), lines).unwrap();
    symlink("runs/1", run.join("../../current")).unwrap();
    (site, run.join("server.log"))
}

/// The log of the next run, which is the server from now on.
fn restarted(log: &Path, run: u32, lines: &str) -> PathBuf {
    let server = log.parent().unwrap().parent().unwrap().parent().unwrap();
    let next = server.join(format!("runs/{run}"));
    fs::create_dir(&next).unwrap();
    fs::write(next.join("server.log"), lines).unwrap();
    symlink(format!("runs/{run}"), server.join("current.new")).unwrap();
    fs::rename(server.join("current.new"), server.join("current")).unwrap();
    next.join("server.log")
}

/// A `pi logs` that follows.
struct Follower {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    said: Arc<Mutex<String>>,
}

impl Follower {
    fn start(site: &Site, args: &str) -> Self {
        let mut child = site.place.command(&format!("logs echo {args}")).spawn().unwrap();
        let (lines, said) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(String::new())));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (heard, complained) = (lines.clone(), said.clone());
        std::thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| heard.lock().unwrap().push(line));
        });
        std::thread::spawn(move || {
            let mut text = String::new();
            let mut err = BufReader::new(err);
            while err.read_line(&mut text).is_ok_and(|bytes| bytes > 0) {
                complained.lock().unwrap().push_str(&text);
                text.clear();
            }
        });
        Self { child, lines, said }
    }

    /// Waits until exactly these lines have come.
    #[track_caller]
    fn has(&self, lines: &[&str]) {
        eventually(&format!("{lines:?}"), || {
            let now = self.lines.lock().unwrap();
            now.len() >= lines.len()
        });
        assert_eq!(*self.lines.lock().unwrap(), lines);
    }

    fn end(mut self) -> Option<i32> {
        kill("INT", self.child.id());
        self.child.wait().unwrap().code()
    }
}

fn append(log: &PathBuf, text: &str) {
    File::options().append(true).create(true).open(log).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn the_last_lines_are_told_as_they_are() {
    let (site, log) =
        with_log("one\ntwo\n\u{1b}[31mthree\u{1b}[0m\u{1b}]0;title\u{7}\n 1%\r 50%\r100%\nfünf\tx\nlast");
    let lines = |args: &str| site.place.pi(&format!("logs echo --no-follow {args}")).exits(0).out;
    assert_eq!(lines(""), "one\ntwo\nthree\n100%\nfünf\tx\nlast\n");
    assert_eq!(lines("-n 2"), "fünf\tx\nlast\n");
    assert_eq!(lines("-n 0"), "");
    fs::write(&log, "").unwrap();
    assert_eq!(lines(""), "");
    let many: String = (0..30_000).map(|number| format!("line {number}\n")).collect();
    fs::write(&log, &many).unwrap();
    assert_eq!(lines("-n 20000").lines().next(), Some("line 10000"));
    assert_eq!(lines("-n 4000000000"), many);

    fs::remove_file(log).unwrap();
    site.place.pi("logs echo").exits(1).says("has no log on far").says("pi apply --target echo");
    let stopped =
        site.manifest("0.0.0.0", "m").replace("[models.echo]", "[models.echo]\nstate = \"stopped\"");
    site.place.write(&stopped);
    site.place.pi("logs echo").exits(1).says("`pi start echo` starts it");
    site.place.pi("env echo").exits(1).says("`pi start echo` starts it");
    site.place.pi("logs ecco").exits(64).says("did you mean `echo`?");
    site.place.pi("logs echo -n some").exits(64);
}

#[test]
fn machines_are_told_an_object_a_line() {
    let (site, _log) = with_log("one\n\"two\" \\ \u{1b}[31mred\u{9b}0m\n\n{\"own\": 1}\n");
    let ran = site.place.pi("logs echo --no-follow --json -n 3").exits(0);
    assert!(!ran.out.contains(['\u{1b}', '\u{9b}']), "{:?}", ran.out);
    let lines: Vec<_> =
        json::events(&ran).iter().map(|event| event["line"].as_str().unwrap().to_owned()).collect();
    // the door has taken what steers a terminal out of it
    assert_eq!(lines, ["\"two\" \\ red", "", "{\"own\": 1}"]);
    json::events_written_down("logs.jsonl", &json::events(&ran), &[]);
    assert_eq!(site.place.pi("logs ecco --json").exits(64).says("did you mean `echo`?").out, "");

    let (site, log) = with_log("one\n");
    let follower = Follower::start(&site, "--json");
    follower.has(&["{\"line\":\"one\"}"]);
    append(&log, "two\n");
    follower.has(&["{\"line\":\"one\"}", "{\"line\":\"two\"}"]);
    assert_eq!(follower.end(), Some(0));
    fs::remove_dir_all(site.place.pod().join("servers")).unwrap();
    assert_eq!(site.place.pi("logs echo --json --no-follow").exits(1).says("has no log").out, "");
}

#[test]
fn what_is_added_is_told_once_over_restarts_and_lost_connections() {
    let (mut site, log) = with_log("old\nfirst\n");
    let follower = Follower::start(&site, "-n 1");
    follower.has(&["first"]);
    append(&log, "sec");
    append(&log, "ond\n");
    follower.has(&["first", "second"]);
    append(&log, "  0%\r 10%\r");
    follower.has(&["first", "second", " 10%"]);
    append(&log, "100%\nthird\n");
    follower.has(&["first", "second", " 10%", "100%", "third"]);

    // the connection is lost; meanwhile the server writes on, is restarted, and writes again
    site.sshd.stop();
    eventually("that is noticed", || follower.said.lock().unwrap().contains("trying again"));
    append(&log, "fourth\n");
    let log = restarted(&log, 2, "fifth\n");
    site.sshd.restart();
    let five = ["first", "second", " 10%", "100%", "third", "fourth", "fifth"];
    follower.has(&five);

    // a restart while somebody looks, and a log that is emptied in its place
    append(&log, "without end");
    let log = restarted(&log, 3, "sixth\n");
    let seven = [&five[..], &["without end", "sixth"]].concat();
    follower.has(&seven);
    File::create(&log).unwrap();
    append(&log, "7\n");
    follower.has(&[&seven[..], &["7"]].concat());
    let said = follower.said.lock().unwrap().clone();
    assert_eq!(said.matches("trying again").count(), 1, "{said}");

    // Ctrl-C ends the tail, and nothing of it is left on the pod
    assert_eq!(follower.end(), Some(0));
    let log = log.to_str().unwrap().to_owned();
    eventually("nothing is left", || processes_with(&log).is_empty() && followers(&site).is_empty());
}

/// What runs the script on this pod.
fn followers(site: &Site) -> Vec<u32> {
    let home = format!("HOME={}", site.sshd.home().display());
    environment(&home).into_iter().filter(|pid| processes_with("follow_log.sh").contains(pid)).collect()
}

#[test]
fn a_reader_that_has_gone_ends_it() {
    let (site, log) = with_log("one\n");
    let mut child = site.place.command("logs echo").spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 4]).unwrap();
    drop(out);
    append(&log, "two\n");
    append(&log, "three\n");
    eventually("it ends", || {
        append(&log, "more\n");
        child.try_wait().unwrap().is_some()
    });
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (Some(141), ""));
}

/// What a log is after `templates/lib/log_limit.sh` has cut it: the part before, and what has come since.
fn cut(log: &PathBuf, from: usize, before: &str, since: &str) {
    fs::write(log.with_extension("log.old.new"), format!("pi: from byte {from} on\n{before}")).unwrap();
    File::options().write(true).truncate(true).open(log).unwrap();
    fs::rename(log.with_extension("log.old.new"), log.with_extension("log.old")).unwrap();
    append(log, since);
}

#[test]
fn a_log_is_told_whole_at_every_moment_of_a_cut() {
    let (site, log) = with_log("one\ntwo\nthree\n");
    let lines = || site.place.pi("logs echo --no-follow -n 3").exits(0).out;
    let (old, new) = (log.with_extension("log.old"), log.with_extension("log.old.new"));
    // it has begun, and has not emptied the log; then it has, and log.old is not in its place
    for now in ["one\ntwo\nthree\n", ""] {
        fs::write(&new, "pi: from byte 0 on\none\ntwo\nthree\n").unwrap();
        fs::write(&log, now).unwrap();
        let told = std::thread::scope(|scope| {
            let told = scope.spawn(lines);
            std::thread::sleep(std::time::Duration::from_secs(1));
            fs::write(&log, "").unwrap();
            fs::rename(&new, &old).unwrap();
            told.join().unwrap()
        });
        assert_eq!(told, "one\ntwo\nthree\n");
        fs::remove_file(&old).unwrap();
    }
    // what cuts it was killed in the middle
    fs::write(&new, "pi: from byte 0 on\non").unwrap();
    fs::write(&log, "one\ntwo\nthree\n").unwrap();
    assert_eq!(lines(), "one\ntwo\nthree\n");
}

#[test]
fn a_log_that_is_cut_is_told_whole_and_once() {
    let (mut site, log) = with_log("one\ntwo\n");
    let follower = Follower::start(&site, "-n 1");
    follower.has(&["two"]);
    // a line that was not yet told when it was cut, and one that goes on behind the cut
    cut(&log, 0, "one\ntwo\nthree\nfo", "ur\nfive\n");
    follower.has(&["two", "three", "four", "five"]);
    append(&log, "six\n");
    follower.has(&["two", "three", "four", "five", "six"]);
    // once more, with what is soon longer than what was told
    cut(&log, 14, "fo\u{75}r\nfive\nsix\nseven\n", "eight, and much more than all that was said before\n");
    let eight = [
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight, and much more than all that was said before",
    ];
    follower.has(&eight);

    // the connection is lost, and it is cut meanwhile
    site.sshd.stop();
    eventually("that is noticed", || follower.said.lock().unwrap().contains("trying again"));
    append(&log, "nine\n");
    let before = "four\nfive\nsix\nseven\neight, and much more than all that was said before\nnine\n";
    cut(&log, 14, before, "ten\n");
    site.sshd.restart();
    let ten = [&eight[..], &["nine", "ten"]].concat();
    follower.has(&ten);
    assert_eq!(follower.end(), Some(0));

    // the last lines are in both
    let lines = |args: &str| site.place.pi(&format!("logs echo --no-follow {args}")).exits(0).out;
    assert_eq!(lines("-n 1"), "ten\n");
    assert_eq!(lines("-n 3"), "eight, and much more than all that was said before\nnine\nten\n");
    assert_eq!(lines("-n 1000"), format!("{before}ten\n"));
    // a file of that name which is something else
    fs::write(log.with_extension("log.old"), "something\nelse\n").unwrap();
    assert_eq!(lines("-n 1000"), "ten\n");
}

#[test]
fn the_log_of_the_run_before_is_told_to_its_end() {
    let (site, log) = with_log("why it died\n");
    let ran = site.place.pi("logs echo --previous");
    assert_eq!(ran.code, Some(1), "there is none before the first: {}", ran.err);
    restarted(&log, 2, "well\n");
    assert_eq!(site.place.pi("logs echo --previous").exits(0).out, "why it died\n");
    assert_eq!(site.place.pi("logs echo -p").exits(0).out, "why it died\n");
    assert_eq!(site.place.pi("logs echo --no-follow").exits(0).out, "well\n");
}

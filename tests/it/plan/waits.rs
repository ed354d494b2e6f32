//! What a step that makes no progress waits for, as the pod's `/proc` tells it.

use super::scratch::bash;
use pi::script::{Template, render};
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_stuck_step_names_the_program_that_it_waits_for() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    assert!(Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());
    let lock = std::fs::File::create(at("lock")).unwrap();
    lock.lock().unwrap();
    let table = [
        (format!("cat {}", at("fifo")), format!("cat {} (PID ", at("fifo")), ", which waits to open a FIFO"),
        (
            format!("read -r x <{}", at("fifo")),
            "its own shell (PID ".to_owned(),
            ", which waits to open a FIFO",
        ),
        (
            format!("flock {} true", at("lock")),
            format!("flock {} true (PID ", at("lock")),
            ", which waits for a file's lock",
        ),
        (
            format!("cat {} | wc -l", at("fifo")),
            format!("cat {} (PID ", at("fifo")),
            ", which waits to open a FIFO",
        ),
        ("tail -f /dev/null".to_owned(), "tail -f /dev/null (PID ".to_owned(), ")"),
        ("sleep 47195".to_owned(), String::new(), ""),
    ];
    for (number, (line, begins, ends)) in table.into_iter().enumerate() {
        waits(number, &at(""), &line, (&begins, ends));
    }
}

/// A step that runs this line is told to wait for something whose name begins and ends so.
#[track_caller]
fn waits(number: usize, place: &str, line: &str, (begins, ends): (&str, &str)) {
    // another step of the same apply has the same token
    let step = |deed: &str, line: &str| {
        let text = format!("deed='{deed}'\nfenced_by='token-{number}-{place}'\n{line}\ntrue");
        let bash = Command::new("setsid").args(["bash", "-c", &text]).stdout(Stdio::null()).spawn();
        (bash.unwrap(), text.lines().take(2).collect::<Vec<_>>().join("\n") + "\n")
    };
    let ((one, marks), (other, _)) = (step("one", line), step("two", "tail -f /dev/zero >/dev/null"));
    let ask = render(Template::BLOCKED, &json!({})).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let told = String::from_utf8(bash(&ask, &marks).stdout).unwrap();
        let told = told.trim();
        if told.starts_with(begins) && told.ends_with(ends) && told.is_empty() == begins.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{line}: {told}");
        std::thread::sleep(Duration::from_millis(200));
    }
    for mut step in [one, other] {
        let group = nix::unistd::Pid::from_raw(-i32::try_from(step.id()).unwrap());
        nix::sys::signal::kill(group, nix::sys::signal::Signal::SIGKILL).unwrap();
        step.wait().unwrap();
    }
}

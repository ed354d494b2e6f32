//! The door to the pods, against a real sshd and this machine's bash.

use crate::sshd::{Sshd, command_line, eventually, kill, processes_with};
use pi::name::{PodName, Port};
use pi::remote::{Doors, Exit, Job, Line, Options, Persist, Remote, RemoteError};
use pi::script::Script;
use pi::secret::Secret;
use pi::ssh_target::SshTarget;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn pod(name: &str) -> PodName {
    PodName::parse(name).unwrap()
}

fn script(text: &str) -> Script {
    Script { name: "test.sh", text: text.to_owned(), own: String::new() }
}

fn options(sshd: &Sshd) -> Options {
    Options { sockets: Some(sshd.sockets()), ..Options::default() }
}

fn doors_to(ssh: &str, options: Options) -> Doors {
    let targets = [(pod("far"), SshTarget::parse(ssh).unwrap()), (pod("near"), SshTarget::Local)];
    Doors::to(targets.iter().map(|(name, target)| (name, target)), Path::new("/"), options)
}

fn doors(sshd: &Sshd) -> Doors {
    doors_to(&sshd.ssh_line(), options(sshd))
}

/// Runs to the end; what was printed, a line each, errors with a `!` before.
async fn run(doors: &Doors, at: &str, text: &str) -> (Result<Exit, RemoteError>, Vec<String>) {
    let mut said = Vec::new();
    let (script, stop) = (script(text), CancellationToken::new());
    let job = Job { script: &script, input: None };
    let exit = doors.run(&pod(at), job, &stop, |line| said.push(shown(line))).await;
    (exit, said)
}

fn shown(line: Line) -> String {
    match line {
        Line::Out(text) => text,
        Line::Err(text) => format!("!{text}"),
    }
}

#[tokio::test]
async fn both_doors_tell_exactly_what_happened() {
    let sshd = Sshd::start();
    std::fs::write(sshd.home().join(".bashrc"), "echo noise; echo noise >&2; printf no-newline\n").unwrap();
    let doors = doors(&sshd);
    let table: [(&str, i32, &[&str]); 13] = [
        ("exit 0", 0, &[]),
        ("exit 3", 3, &[]),
        ("exit 127", 127, &[]),
        ("exit 255", 255, &[]),
        ("kill -9 $$", 137, &[]),
        ("kill $$", 143, &[]),
        ("echo a; echo b >&2; echo; printf c", 0, &["a", "", "c", "!b"]),
        ("printf c >&2; exit 1", 1, &["!c"]),
        ("printf '1%%\\r2%%\\r\\n\\033[1mbold\\033[0m\\r\\n'", 0, &["1%", "2%", "bold"]),
        ("cat; echo read all", 0, &["read all"]),
        ("no-such-command", 127, &["!test.sh: line 1: no-such-command: command not found"]),
        ("echo \"$0 $# ${-//[^i]/}.\"", 0, &["test.sh 0 ."]),
        ("sleep 300 & echo swept; exit 5", 5, &["swept"]),
    ];
    for at in ["near", "far"] {
        for (text, code, expected) in table {
            let (exit, mut said) = run(&doors, at, text).await;
            said.sort_by_key(|line| line.starts_with('!')); // order between the streams is not kept
            assert_eq!(
                (exit, said.iter().map(String::as_str).collect()),
                (Ok(Exit(code)), expected.to_vec()),
                "{at}: {text}"
            );
        }
    }
}

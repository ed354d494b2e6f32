//! The door to the pods, against a real sshd and this machine's bash.

mod alone;
mod connection;
mod ends;
mod refusals;
mod same;

use crate::sshd::Sshd;
use pi::name::PodName;
use pi::remote::{Exit, Job, Line, Options, PodConnections, Remote, RemoteError};
use pi::script::{Keeper, Script};
use pi::secret::Secret;
use pi::ssh_target::SshTarget;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_util::sync::CancellationToken;

fn pod(name: &str) -> PodName {
    PodName::parse(name).unwrap()
}

fn script(text: &str) -> Script {
    Script { name: "test.sh", text: text.to_owned(), own: String::new(), keeper: Keeper::Runner }
}

fn options(sshd: &Sshd) -> Options {
    Options { sockets: Some(sshd.sockets()), ..Options::default() }
}

/// `far` is behind ssh, `near` is this machine.
fn doors_to(ssh: &str, options: Options) -> PodConnections {
    let targets = [(pod("far"), SshTarget::parse(ssh).unwrap()), (pod("near"), SshTarget::Local)];
    PodConnections::to(targets.iter().map(|(name, target)| (name, target)), Path::new("/"), options)
}

fn doors(sshd: &Sshd) -> PodConnections {
    doors_to(&sshd.ssh_line(), options(sshd))
}

/// Runs to the end; what was printed, a line each, errors with a `!` before.
async fn run(doors: &PodConnections, at: &str, text: &str) -> (Result<Exit, RemoteError>, Vec<String>) {
    let mut said = Vec::new();
    let stop = CancellationToken::new();
    let exit = hear(doors, at, text, &stop, |line| said.push(line)).await;
    (exit, said)
}

async fn hear(
    doors: &PodConnections,
    at: &str,
    text: &str,
    stop: &CancellationToken,
    mut hear: impl FnMut(String) + Send,
) -> Result<Exit, RemoteError> {
    let script = script(text);
    let job = Job { script: &script, input: None };
    doors.run(&pod(at), job, stop, |line| hear(shown(line))).await
}

/// Runs with an input.
async fn feed(
    doors: &PodConnections,
    at: &str,
    text: &str,
    input: &str,
) -> (Result<Exit, RemoteError>, Vec<String>) {
    let (script, mut said) = (script(text), Vec::new());
    let job = Job { script: &script, input: Some(Secret::new(input.to_owned())) };
    let exit = doors.run(&pod(at), job, &CancellationToken::new(), |line| said.push(shown(line))).await;
    (exit, said)
}

fn shown(line: Line) -> String {
    match line {
        Line::Out(text) => text,
        Line::Err(text) => format!("!{text}"),
    }
}

/// Digits that are in no other process's command line.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(10);
    format!("{}{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

//! Login scripts that let no command run: the error says that the pod answers, and what its login script does.

use super::log_in_with;
use crate::sshd::{Sshd, eventually, processes_with};
use pi::name::PodName;
use pi::remote::{Exit, Job, Options, PodConnections, Remote, RemoteError};
use pi::script::{Keeper, Script};
use pi::ssh_target::SshTarget;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Runs one script on a pod whose login script is this.
async fn run(login: &str, keeper: Keeper) -> Result<Exit, RemoteError> {
    let sshd = Sshd::start();
    log_in_with(&sshd, login);
    let (name, target) = (PodName::parse("far").unwrap(), SshTarget::parse(&sshd.ssh_line()).unwrap());
    let options = Options { sockets: Some(sshd.sockets()), ..Options::default() };
    let doors = PodConnections::to([(&name, &target)], Path::new("/"), options);
    let script = Script { name: "test.sh", text: "exit 7".to_owned(), own: String::new(), keeper };
    let job = Job { script: &script, input: None };
    let ended = doors.run(&name, job, &CancellationToken::new(), |_| {}).await;
    drop(doors);
    drop(tokio::task::spawn_blocking(move || drop(sshd)).await);
    ended
}

const REPLACES: &str = "answers, but its login script replaces the shell";

/// What the login script does, and what the error says of it.
const INSTEAD: &[(&str, &str)] = &[
    ("exec dash", REPLACES),
    ("exec sh", REPLACES),
    ("exec cat", REPLACES),
    ("echo Welcome; exec python3 -c 'import sys; sys.stdin.read()'", REPLACES),
    ("echo Welcome\necho 'open terminal failed: not a terminal' >&2; exit 1", REPLACES),
    ("read -r -p 'Which environment? ' choice", "waits for input"),
    ("select choice in conda venv; do break; done", "waits for input"),
    ("exit", "ends the session"),
    ("exit 3", "ends the session"),
    ("exec true", "ends the session"),
    ("set -n", "ends the session"),
    ("exec() { echo not today; }", "ends the session"),
    ("enable -n exec", "leaves a shell that has no `exec`"),
    ("exec </dev/null", "takes standard input away"),
    ("exec >/dev/null", "ends the session"),
    ("yes", "prints without end"),
    ("yes >&2", "prints without end"),
    ("cat /dev/zero", "prints without end"),
    (
        "echo still there; sleep 1000 # {home}",
        "does not let a command run within 30 s (it says: still there)",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_login_script_does_instead_is_told() {
    let mut runs = tokio::task::JoinSet::new();
    let keepers = [Keeper::Runner, Keeper::Itself];
    for ((login, says), keeper) in INSTEAD.iter().zip(keepers.into_iter().cycle()) {
        runs.spawn(async move {
            let began = Instant::now();
            let ended = run(login, keeper).await;
            let told = ended.as_ref().is_err_and(|error| {
                error.code() == "login-script"
                    && error.to_string().contains(says)
                    && error.help().is_some_and(|help| help.contains("[[ $- == *i* ]] || return"))
            });
            let right = told && began.elapsed() < Duration::from_secs(90);
            (!right).then(|| format!("{login}\n  {ended:?}\n  after {:?}, not: {says}", began.elapsed()))
        });
    }
    let wrong: Vec<String> = runs.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} login scripts:\n{}", wrong.len(), wrong.join("\n"));
    eventually("nothing of it is left", || processes_with("sleep 1000 # /tmp/pi-it-").is_empty());
}

#[tokio::test]
async fn a_program_for_terminals_is_told_as_what_it_says() {
    let Ok(tmux) = std::process::Command::new("tmux").arg("-V").output() else { return };
    assert!(tmux.status.success());
    let greets = "echo Welcome to vast.ai. If authentication fails, try again after a few seconds\n\
                  exec tmux new-session -A -s ssh_tmux";
    let error = run(greets, Keeper::Itself).await.unwrap_err().to_string();
    assert!(error.contains(REPLACES) && error.contains("not a terminal"), "{error}");
}

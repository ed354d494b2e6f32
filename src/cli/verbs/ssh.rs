//! `pi ssh`: one command on a pod, as if it ran here: its input, output and exit code, and signals passed on.

use crate::cli::context::complete_names;
use crate::cli::context::flags::Global;
use crate::cli::context::pods_only::PodsOnly;
use crate::cli::terminal::exit::{Exit, usage};
use crate::cli::terminal::interrupt::Signals;
use crate::cli::verbs::shell::{become_it, command, connect, pod};
use crate::name::PodName;
use crate::remote::{HandsOn, Job, Remote};
use crate::script::{Template, render};
use crate::ssh_target::SshTarget;
use crate::ui;
use clap_complete::engine::ArgValueCandidates;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use miette::{IntoDiagnostic, Result, WrapErr};
use serde::Serialize;
use std::hash::{BuildHasher, RandomState};
use std::io::{IsTerminal, stdin, stdout};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pi ssh dc1 -- nvidia-smi\n  pi ssh dc1 -- 'df -h | tail -3'     a single word is a line of bash\n  pi ssh dc1 -- tar c /data | tar x"
)]
pub(in crate::cli) struct Args {
    /// Pod [default: the active one, else the only one]
    #[arg(value_name = "POD", add = ArgValueCandidates::new(complete_names::pods))]
    at: Option<String>,
    /// Command and arguments; a single word is run as a line of bash on the pod
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

/// The signal by which a command is killed that does not end, and the one that does not wait for that either.
const KILL: u32 = 3;
const LEAVE: u32 = 4;

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let pods = PodsOnly::open(global)?;
    let pod = pod(global, &pods, args.at.as_deref())?;
    let words = match args.command.as_slice() {
        [line] => ["bash", "--norc", "-c", line.as_str()].map(str::to_owned).to_vec(),
        words => words.to_vec(),
    };
    if words.iter().any(|word| word.contains('\0')) {
        return Err(usage("the command has a NUL in it", "no command line can hold one"));
    }
    connect(&pods, &pod).await?;
    let local = pods.manifest.pods.get(&pod).is_some_and(|pod| pod.ssh == SshTarget::Local);
    // at a terminal ssh carries everything, Ctrl-C too; on this machine there is nothing to carry
    if local || (stdin().is_terminal() && stdout().is_terminal()) {
        return become_it(command(&pods, &pod, HandsOn::AtTerminal(&words))?);
    }
    let status = carried(&pods, &pod, &words).await?;
    pods.remote.close().await;
    Ok(Exit::Of(code(status)))
}

/// Its exit code; 128 + the signal's number if one killed ssh.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255)
}

/// Runs the command and passes signals on, over the pod's connection, until it ends.
async fn carried(pods: &PodsOnly, pod: &PodName, words: &[String]) -> Result<ExitStatus> {
    let random = || RandomState::new().hash_one(0_u8);
    let mark = format!("pi-ssh-{:016x}", random());
    let mut ssh = Command::from(command(pods, pod, HandsOn::Plain(words, &mark))?);
    // signals at the keyboard are for pi, which passes them on; in a group of its own ssh can't read the keyboard
    ssh.process_group(0);
    if stdin().is_terminal() {
        ssh.stdin(Stdio::piped());
    }
    let mut signals = Signals::new();
    let mut child = ssh.spawn().into_diagnostic().wrap_err("cannot start `ssh`")?;
    feed(&mut child);
    let (mut passing, mut heard) = (FuturesUnordered::new(), 0);
    loop {
        let signal = tokio::select! {
            status = child.wait() => return status.into_diagnostic().wrap_err("cannot wait for `ssh`"),
            signal = next(&mut signals) => signal,
            Some(()) = passing.next() => continue,
        };
        heard += 1;
        if heard == LEAVE {
            ui::note(&format!("Left at once: what ran on {pod} may still run."));
            drop(child.start_kill());
        }
        passing.push(pass_on(pods, pod, &mark, if heard >= KILL { "KILL" } else { signal }));
    }
}

/// Carries what is typed here; nobody waits for it.
fn feed(child: &mut Child) {
    if let Some(mut input) = child.stdin.take() {
        tokio::spawn(async move { tokio::io::copy(&mut tokio::io::stdin(), &mut input).await });
    }
}

async fn next(signals: &mut Option<Signals>) -> &'static str {
    match signals {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// The values of the script, named as there.
#[derive(Debug, Serialize)]
struct Pass<'a> {
    mark: &'a str,
    signal: &'a str,
}

async fn pass_on(pods: &PodsOnly, pod: &PodName, mark: &str, signal: &str) {
    let Ok(script) = render(Template::PASS_SIGNAL, &Pass { mark, signal }) else { return };
    let (job, never) = (Job { script: &script, input: None }, CancellationToken::new());
    // a pod that does not answer any more: ssh will notice and end
    drop(pods.remote.run(pod, job, &never, |_| {}).await);
}

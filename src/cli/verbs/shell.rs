//! `pi shell`: a shell on a pod, by the user's own ssh over the connection that is kept.

use crate::cli::context::complete_names;
use crate::cli::context::flags::Global;
use crate::cli::context::pods_only::PodsOnly;
use crate::cli::context::which_pod::{named, which_pod};
use crate::cli::terminal::exit::{Exit, away};
use crate::name::PodName;
use crate::remote::{HandsOn, Job, Remote};
use crate::script::wrap;
use clap_complete::engine::ArgValueCandidates;
use miette::{IntoDiagnostic, Result, WrapErr};
use std::os::unix::process::CommandExt;
use std::process::Command;
use tokio_util::sync::CancellationToken;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pi shell dc1")]
pub(in crate::cli) struct Args {
    /// Pod [default: the active one, else the only one]
    #[arg(value_name = "POD", add = ArgValueCandidates::new(complete_names::pods))]
    at: Option<String>,
}

pub(in crate::cli) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let pods = PodsOnly::open(global)?;
    let pod = pod(global, &pods, args.at.as_deref())?;
    connect(&pods, &pod).await?;
    become_it(command(&pods, &pod, HandsOn::Shell)?)
}

/// The pod that is meant.
pub(in crate::cli) fn pod(global: &Global, pods: &PodsOnly, name: Option<&str>) -> Result<PodName> {
    match name {
        Some(name) => named(&pods.manifest, name),
        None => which_pod(global, &pods.manifest, &pods.memory),
    }
}

/// Makes sure that the pod answers: a kept connection may be dead without knowing it.
pub(in crate::cli) async fn connect(pods: &PodsOnly, pod: &PodName) -> Result<()> {
    let nothing = wrap("nothing.sh", &[], ":");
    let (job, never) = (Job { script: &nothing, input: None }, CancellationToken::new());
    let answered = pods.remote.run(pod, job, &never, |_| {}).await;
    answered.map(drop).map_err(|error| away(pod, &error.to_string(), error.help()))
}

/// The command that runs it.
pub(in crate::cli) fn command(pods: &PodsOnly, pod: &PodName, errand: HandsOn<'_>) -> Result<Command> {
    pods.remote.by_hand(pod, errand).map_err(|error| away(pod, &error.to_string(), error.help()))
}

/// Becomes this command: terminal, signals and exit code are its own from here on.
pub(in crate::cli) fn become_it(mut command: Command) -> Result<Exit> {
    let program = command.get_program().to_string_lossy().into_owned();
    let never: std::io::Result<Exit> = Err(command.exec());
    never.into_diagnostic().wrap_err(format!("cannot start `{program}`"))
}

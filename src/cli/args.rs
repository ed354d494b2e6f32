//! The command line's shape and its help.

use crate::cli::completions::{self, Completions};
use crate::cli::history::History;
use crate::cli::man::Man;
use crate::cli::unlock::Unlock;
use crate::name::ModelName;
use crate::ui::Color;
use crate::units::{Percent, Seconds, Tokens};
use clap::{Args, Parser, Subcommand};
use clap_complete::engine::ArgValueCandidates;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The commands of a first day, which `pi` alone shows.
pub(super) const FIRST_DAY: &str = "\
A first day:
  pi pods setup dc1 \"ssh root@1.2.3.4\"   prepare a rented machine
  pi start Qwen/Qwen3-8B                 serve a model on it
  pi list                                list servers with state and URL
  pi plan                                show what differs from pi.toml
  pi apply                               apply it, after confirmation

`pi help` lists all commands, `pi help COMMAND` explains one.";

/// terraform plan for LLM servers on rented GPU machines
#[derive(Debug, Parser)]
#[command(name = "pi", version, arg_required_else_help = true, after_help = FIRST_DAY, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Manifest to use [default: $PI_MANIFEST, else pi.toml in this directory or the nearest one above, else in $PI_CONFIG_DIR]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) manifest: Option<PathBuf>,
    /// Pod to use [default: the active pod]
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCandidates::new(completions::pods))]
    pub(super) pod: Option<String>,
    /// Do not keep SSH connections open for later commands
    #[arg(long, global = true)]
    pub(super) no_persist: bool,
    /// Show more: `plan` prints the scripts it would run, `apply` prints everything that they and the engines write
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// When to use color: auto, always or never; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(super) color: Color,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Write a commented pi.toml to start from
    Init(Init),
    /// Check pi.toml, without contacting any pod
    Check(Check),
    /// Compare every pod with pi.toml and show the changes needed
    Plan(Plan),
    /// Show the plan, ask for confirmation, apply it
    Apply(Apply),
    /// Stop every server that pi.toml declares
    Destroy(Destroy),
    /// List pods; set up, select or remove one
    Pods(crate::cli::pods::Pods),
    /// Add a model to pi.toml and run it
    Start(Box<crate::cli::start::Start>),
    /// Stop models; their entries and weights stay
    Stop(crate::cli::stop::Stop),
    /// List servers with their state, GPUs and URL
    #[command(visible_aliases = ["ls", "ps"])]
    List(crate::cli::list::Args),
    /// Show a server's log and follow it
    Logs(crate::cli::logs::Args),
    /// Send a message to a model, with tools that read local files
    Prompt(crate::cli::prompt::Args),
    /// Open a shell on a pod
    Shell(crate::cli::shell::Args),
    /// Run a command on a pod and exit with its exit code
    Ssh(crate::cli::ssh::Args),
    /// Print the variables that clients of a server need, for eval
    Env(crate::cli::env::Args),
    /// Forward a local port to a server over SSH
    Tunnel(crate::cli::tunnel::Args),
    /// Estimate whether a model fits into GPU memory, item by item
    Fit(Fit),
    /// Show what was changed on the pods, by whom and why
    History(History),
    /// Show who is changing a pod and break their lock, after confirmation
    Unlock(Unlock),
    /// Add running servers, or the older pi's pods and models, to pi.toml
    Import(crate::cli::import::Import),
    /// Print the JSON Schema of pi.toml, for editors
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi init --local && pi apply    serve a small model on this machine")]
pub(super) struct Init {
    /// Write one for this machine, with a small model on the CPU
    #[arg(long)]
    pub(super) local: bool,
    /// Print the path as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi check --json | jq '.problems[] | \"\\(.line): \\(.message)\"'")]
pub(super) struct Check {
    /// Print the problems as JSON, with lines and columns
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pi plan --target qwen --verbose    one model, with the scripts it would run"
)]
pub(super) struct Plan {
    /// Print the plan as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Also write the plan to a file, for `pi apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Exit with 2 if there are changes and 0 if there are none
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// Plan from what was seen last time, without contacting the pods
    #[arg(long)]
    pub(super) offline: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi apply --yes --json | jq    in CI")]
pub(super) struct Apply {
    /// A plan written by `pi plan --out`; applied without confirmation if nothing has changed since
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "allow_protected", "take_over", "pod"])]
    pub(super) plan_file: Option<PathBuf>,
    /// Print events as JSON, one per line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) doing: Doing,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi destroy --weights --engines    remove weights and engines too")]
pub(super) struct Destroy {
    /// Also remove weights that no other server uses
    #[arg(long)]
    pub(super) weights: bool,
    /// Also remove engines that no other server uses
    #[arg(long)]
    pub(super) engines: bool,
    /// Print events as JSON, one per line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) doing: Doing,
}

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  pi fit zai-org/GLM-4.5-Air --gpu H100 --gpus 2\n  pi fit openai/gpt-oss-120b            every kind of GPU\n  pi fit openai/gpt-oss-120b --pod dc1  the free GPUs of one pod"
)]
pub(super) struct Fit {
    /// A Hugging Face repository, or a local directory with config.json and safetensors files
    pub(super) model: String,
    /// GPU name as nvidia-smi or a price list has it: H100, "RTX 4090", 8xH100 [default: every kind]
    #[arg(long, value_name = "NAME")]
    pub(super) gpu: Option<String>,
    /// Number of GPUs [default: as many as needed, up to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) gpus: Option<u32>,
    /// Context length in tokens, such as 32k
    #[arg(long, value_name = "TOKENS", value_parser = Tokens::parse)]
    pub(super) context: Option<Tokens>,
    /// Share of each GPU's memory, such as 90%
    #[arg(long, value_name = "SHARE", value_parser = Percent::parse)]
    pub(super) memory: Option<Percent>,
    /// KV cache memory in GiB as the engine reported it ("Available KV cache memory"), instead of an estimate
    #[arg(long, value_name = "GIB", requires = "gpu")]
    pub(super) available_kv: Option<f64>,
    /// Print the estimate as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Further vLLM arguments, which may change the result
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
}

/// Which part of the manifest.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Scope {
    /// Limit the command to these models and pods
    #[arg(long, value_name = "NAME", num_args = 1.., add = ArgValueCandidates::new(completions::targets))]
    pub(super) target: Vec<String>,
    /// Allow stopping and restarting servers with `protect = true`
    #[arg(long)]
    pub(super) allow_protected: bool,
    #[command(flatten)]
    pub(super) taking: Taking,
}

/// Whose servers may be changed besides the project's own.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Taking {
    /// Take this server over from another project; repeat for more
    #[arg(long, value_name = "NAME")]
    pub(super) take_over: Vec<ModelName>,
}

/// How changes are made.
#[derive(Debug, Args)]
pub(super) struct Doing {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Maximum number of steps that run at once
    #[arg(long, value_name = "N", default_value = "32")]
    pub(super) jobs: NonZeroUsize,
    /// Wait this long if somebody else is changing the pod, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = Seconds::parse)]
    pub(super) lock_wait: Option<Seconds>,
}

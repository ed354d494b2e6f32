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
  pi pods setup dc1 \"ssh root@1.2.3.4\"   look at a rented machine, make it ready
  pi start Qwen/Qwen3-8B                 a model on it, if it fits
  pi list                                what runs, how it is, and where
  pi plan                                what pi.toml wants and is not so
  pi apply                               do it, after asking

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
#[command(next_help_heading = "Everywhere")]
pub(super) struct Global {
    /// The manifest; else $PI_MANIFEST, else the nearest pi.toml upwards, else the one in $PI_CONFIG_DIR
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) manifest: Option<PathBuf>,
    /// The pod that is meant, instead of the active one
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCandidates::new(completions::pods))]
    pub(super) pod: Option<String>,
    /// Keep no SSH connection open for the next command
    #[arg(long, global = true)]
    pub(super) no_persist: bool,
    /// Say more: `plan` shows the scripts that would run, `apply` all that they and the engines print
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// When to use colour: auto, always or never; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(super) color: Color,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Write a commented pi.toml to start from
    Init(Init),
    /// Check pi.toml alone, without any network
    Check(Check),
    /// Look at every pod, compare with pi.toml, show what would be done
    Plan(Plan),
    /// Plan, show, ask, do
    Apply(Apply),
    /// Stop everything that pi.toml names
    Destroy(Destroy),
    /// List the pods; set up, choose or forget one
    Pods(crate::cli::pods::Pods),
    /// Add a model to pi.toml and run it
    Start(Box<crate::cli::start::Start>),
    /// Stop models; pi.toml keeps them, the pods their weights
    Stop(crate::cli::stop::Stop),
    /// What runs, how it is, and where
    #[command(visible_aliases = ["ls", "ps"])]
    List(crate::cli::list::Args),
    /// The last lines of a server's log, and what follows
    Logs(crate::cli::logs::Args),
    /// Talk to a model, and see whether it can use tools
    Prompt(crate::cli::prompt::Args),
    /// A shell on a pod
    Shell(crate::cli::shell::Args),
    /// Run a command on a pod, with its exit code
    Ssh(crate::cli::ssh::Args),
    /// What clients of a server need, for eval: its url, key and model
    Env(crate::cli::env::Args),
    /// Forward a port of this machine to a server, over SSH, until Ctrl-C
    Tunnel(crate::cli::tunnel::Args),
    /// Will it fit: a model's memory on a kind of GPU, item by item
    Fit(Fit),
    /// What was done to the pods, by whom and why
    History(History),
    /// Break the lock that somebody left on a pod, after asking
    Unlock(Unlock),
    /// Write what runs on the pods, or what the older pi knew, into pi.toml
    Import(crate::cli::import::Import),
    /// Print the JSON Schema of pi.toml, for editors
    Schema,
    /// Print what a shell needs to complete commands, pods and models
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi init --local && pi apply    serve a small model on this machine")]
pub(super) struct Init {
    /// For this machine, with a small real model on the CPU
    #[arg(long)]
    pub(super) local: bool,
    /// Print where it was written as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi check --json | jq '.problems[] | \"\\(.line): \\(.message)\"'")]
pub(super) struct Check {
    /// Print what is wrong as JSON, with lines and columns
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pi plan --target qwen --verbose    one model, with the scripts that would run"
)]
pub(super) struct Plan {
    /// Print the plan as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Write the plan into a file as well, for `pi apply FILE`
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Exit 2 if there are changes, 0 if there are none
    #[arg(long)]
    pub(super) detailed_exitcode: bool,
    /// From what was seen last time, without looking
    #[arg(long)]
    pub(super) offline: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi apply --yes --json | jq    in CI")]
pub(super) struct Apply {
    /// A plan that `pi plan --out` wrote: done without asking, if it is still what has to be done
    #[arg(value_name = "PLANFILE", conflicts_with_all = ["target", "allow_protected", "take_over", "pod"])]
    pub(super) plan_file: Option<PathBuf>,
    /// Print events as JSON, one a line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) doing: Doing,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pi destroy --weights --engines    leave nothing behind")]
pub(super) struct Destroy {
    /// Remove the weights too, where no other server uses them
    #[arg(long)]
    pub(super) weights: bool,
    /// Remove the engines too, where no other server uses them
    #[arg(long)]
    pub(super) engines: bool,
    /// Print events as JSON, one a line
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) scope: Scope,
    #[command(flatten)]
    pub(super) doing: Doing,
}

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  pi fit zai-org/GLM-4.5-Air --gpu H100 --gpus 2\n  pi fit openai/gpt-oss-120b            on which GPUs it fits\n  pi fit openai/gpt-oss-120b --pod dc1  whether it fits what is free there"
)]
pub(super) struct Fit {
    /// A repository of the hub, or a directory with a config.json and safetensors files
    pub(super) model: String,
    /// The GPU, as nvidia-smi or a price list calls it: H100, "RTX 4090", 8xH100; without it, a line for every kind
    #[arg(long, value_name = "NAME")]
    pub(super) gpu: Option<String>,
    /// How many GPUs; else as many as are needed, up to 8
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) gpus: Option<u32>,
    /// Tokens of context: 32k
    #[arg(long, value_name = "TOKENS", value_parser = Tokens::parse)]
    pub(super) context: Option<Tokens>,
    /// Share of each GPU's memory: 90%
    #[arg(long, value_name = "SHARE", value_parser = Percent::parse)]
    pub(super) memory: Option<Percent>,
    /// The pool as the engine reported it ("Available KV cache memory"), in GiB, instead of an estimate
    #[arg(long, value_name = "GIB", requires = "gpu")]
    pub(super) available_kv: Option<f64>,
    /// Print the estimate as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// More arguments of vllm, which may change the fit
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
}

/// Which part of the manifest.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Scope {
    /// Only these models and pods
    #[arg(long, value_name = "NAME", num_args = 1.., add = ArgValueCandidates::new(completions::targets))]
    pub(super) target: Vec<String>,
    /// Protected servers may be stopped and restarted
    #[arg(long)]
    pub(super) allow_protected: bool,
    #[command(flatten)]
    pub(super) taking: Taking,
}

/// Whose servers may be changed besides the project's own.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Taking {
    /// Make this server the project's, whoever has it now; may be given again for others
    #[arg(long, value_name = "NAME")]
    pub(super) take_over: Vec<ModelName>,
}

/// How changes are made.
#[derive(Debug, Args)]
pub(super) struct Doing {
    /// Do not ask
    #[arg(short, long)]
    pub(super) yes: bool,
    /// How many steps may run at once
    #[arg(long, value_name = "N", default_value = "32")]
    pub(super) jobs: NonZeroUsize,
    /// When somebody else is changing a pod, wait so long for them: 90s, 10m
    #[arg(long, value_name = "TIME", value_parser = Seconds::parse)]
    pub(super) lock_wait: Option<Seconds>,
}

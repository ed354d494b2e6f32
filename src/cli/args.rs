//! The command line's shape and its help.

use crate::cli::context::flags::Global;
use crate::cli::verbs::completions::Completions;
use crate::cli::verbs::history::History;
use crate::cli::verbs::man::Man;
use crate::cli::verbs::unlock::Unlock;
use clap::{Parser, Subcommand};

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

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Write a commented pi.toml to start from
    Init(crate::cli::verbs::init::Args),
    /// Check pi.toml, without contacting any pod
    #[command(visible_alias = "validate")]
    Check(crate::cli::verbs::check::Args),
    /// Compare every pod with pi.toml and show the changes needed
    Plan(crate::cli::verbs::plan::Args),
    /// Show the plan, ask for confirmation, apply it
    Apply(crate::cli::verbs::apply::Args),
    /// Stop every server that pi.toml declares
    Destroy(crate::cli::verbs::destroy::Args),
    /// List pods; set up, select or remove one
    Pods(crate::cli::verbs::pods::Pods),
    /// Add a model to pi.toml and run it
    Start(Box<crate::cli::verbs::start::Start>),
    /// Stop models; their entries and weights stay
    Stop(crate::cli::verbs::stop::Stop),
    /// List servers with their state, GPUs and URL
    #[command(visible_aliases = ["ls", "ps", "status"])]
    List(crate::cli::verbs::list::Args),
    /// Show a server's log and follow it
    Logs(crate::cli::verbs::logs::Args),
    /// Send a message to a model, with tools that read local files
    Prompt(crate::cli::verbs::prompt::Args),
    /// Open a shell on a pod
    Shell(crate::cli::verbs::shell::Args),
    /// Run a command on a pod and exit with its exit code
    #[command(visible_alias = "exec")]
    Ssh(crate::cli::verbs::ssh::Args),
    /// Print the variables that clients of a server need, for eval
    Env(crate::cli::verbs::env::Args),
    /// Forward a local port to a server over SSH
    Tunnel(crate::cli::verbs::tunnel::Args),
    /// Estimate whether a model fits into GPU memory, item by item
    Fit(crate::cli::verbs::fit::Args),
    /// Show what was changed on the pods, by whom and why
    History(History),
    /// Show who is changing a pod and break their lock, after confirmation
    Unlock(Unlock),
    /// Add running servers, or the older pi's pods and models, to pi.toml
    Import(crate::cli::verbs::import::Import),
    /// Print the JSON Schema of pi.toml, for editors
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page
    Man(Man),
}

//! Flags that several verbs take.

use crate::cli::context::complete_names;
use crate::name::ModelName;
use crate::ui::Color;
use crate::units::Seconds;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(in crate::cli) struct Global {
    /// Manifest to use [default: $PI_MANIFEST, else pi.toml in this directory or the nearest one above, else in $PI_CONFIG_DIR]
    #[arg(long, global = true, value_name = "FILE")]
    pub(in crate::cli) manifest: Option<PathBuf>,
    /// Pod to use [default: the active pod]
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCandidates::new(complete_names::pods))]
    pub(in crate::cli) pod: Option<String>,
    /// Do not keep SSH connections open for later commands
    #[arg(long, global = true)]
    pub(in crate::cli) no_persist: bool,
    /// Show more: `plan` prints the scripts it would run, `apply` prints everything that they and the engines write
    #[arg(short, long, global = true)]
    pub(in crate::cli) verbose: bool,
    /// When to use color: auto, always or never; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(in crate::cli) color: Color,
}

/// Which part of the manifest.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Scope {
    /// Limit the command to these models and pods
    #[arg(long, value_name = "NAME", num_args = 1.., add = ArgValueCandidates::new(complete_names::targets))]
    pub(in crate::cli) target: Vec<String>,
    /// Allow stopping and restarting servers with `protect = true`
    #[arg(long)]
    pub(in crate::cli) allow_protected: bool,
    #[command(flatten)]
    pub(in crate::cli) taking: Taking,
}

/// Whose servers may be changed besides the project's own.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Taking {
    /// Take this server over from another project; repeat for more
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) take_over: Vec<ModelName>,
}

/// How changes are made.
#[derive(Debug, Args)]
pub(in crate::cli) struct Doing {
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Maximum number of steps that run at once
    #[arg(long, value_name = "N", default_value = "32")]
    pub(in crate::cli) jobs: NonZeroUsize,
    /// Wait this long if somebody else is changing the pod, such as 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = Seconds::parse)]
    pub(in crate::cli) lock_wait: Option<Seconds>,
}

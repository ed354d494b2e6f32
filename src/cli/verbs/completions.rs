//! `pi completions`: what a shell needs to complete `pi`.
//!
//! The shell calls `pi` back at every Tab (`PI_COMPLETE=bash pi …`), so that names of pods and models come from the
//! manifest as it is (`complete_names.rs`).

use crate::cli::terminal::exit::Exit;
use crate::ui;
use clap::Command;
use clap_complete::CompleteEnv;
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use miette::{IntoDiagnostic, Result};

/// The variable by which the shell's script asks `pi`.
const VARIABLE: &str = "PI_COMPLETE";

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  echo 'source <(pi completions bash)' >>~/.bashrc
  echo 'source <(pi completions zsh)' >>~/.zshrc
  echo 'pi completions fish | source' >~/.config/fish/completions/pi.fish")]
pub(in crate::cli) struct Completions {
    /// Shell to print it for
    pub(in crate::cli) shell: Shell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(in crate::cli) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Answers a shell that asks for completions of this command line, and ends; does nothing otherwise.
pub(in crate::cli) fn answer(command_line: fn() -> Command) {
    CompleteEnv::with_factory(command_line).var(VARIABLE).complete();
}

pub(in crate::cli) fn run(args: &Completions) -> Result<Exit> {
    let shell: &dyn EnvCompleter = match args.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "pi", "pi", "pi", &mut script).into_diagnostic()?;
    ui::data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

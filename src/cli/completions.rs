//! `pi completions`: what a shell needs to complete `pi`, and the names it asks for.
//!
//! The shell calls `pi` back at every Tab (`PI_COMPLETE=bash pi …`), so that names of pods and models come from the
//! manifest as it is. Nothing here may print or fail: a manifest that can't be read completes to nothing.

use crate::cli::args::{Cli, Global};
use crate::cli::context::load_manifest;
use crate::cli::exit::Exit;
use crate::manifest::Manifest;
use crate::ui;
use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
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
pub(super) struct Completions {
    /// Shell to print it for
    pub(super) shell: Shell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Answers a shell that asks for completions, and ends; does nothing otherwise.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

pub(super) fn run(args: &Completions) -> Result<Exit> {
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

/// The manifest's pods.
pub(super) fn pods() -> Vec<CompletionCandidate> {
    names(|manifest| manifest.pods.keys().map(|pod| CompletionCandidate::new(pod.as_str())).collect())
}

/// The manifest's models, each with what it serves.
pub(super) fn models() -> Vec<CompletionCandidate> {
    names(|manifest| {
        let models = manifest.models.iter();
        models
            .map(|(name, model)| {
                CompletionCandidate::new(name.as_str()).help(Some(model.model.to_string().into()))
            })
            .collect()
    })
}

/// Models and pods.
pub(super) fn targets() -> Vec<CompletionCandidate> {
    models().into_iter().chain(pods()).collect()
}

fn names(of: impl Fn(&Manifest) -> Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    load_manifest(&Global::default()).map(|manifest| of(&manifest)).unwrap_or_default()
}

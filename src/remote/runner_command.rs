//! What is sent to a pod: the runner, with the script behind it.
//!
//! In: a [`Job`]. Out: the words of a bash command line and what follows on its standard input. The runner
//! (`templates/runner.sh`) says there what it does with them.

use super::options::outlasting;
use super::{Job, RemoteError};
use crate::script::Keeper;
use crate::script::quote::quoted;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// What makes the shell a plain one, before anything else.
const RESET: &str = include_str!("../../templates/reset.sh");

/// The program that runs scripts on pods.
const RUNNER: &str = include_str!("../../templates/runner.sh");

/// What stands before a script that keeps watch itself.
const ALONE: &str = include_str!("../../templates/alone.sh");

/// The longest script, in bytes and quoted, that goes into the command line and so saves a round trip: standard
/// input may only be sent once the pod has answered. An argument may have 128 KiB on Linux, an ssh packet 256 KiB.
const SHORT: usize = 60_000;

/// In front of `bash` on a login shell's command line. What that shell was told of how programs are found (EXECIGNORE,
/// `hash -p`, functions, aliases) says nothing of a path, and env(1) looks for bash by PATH alone.
pub(super) const EXEC: &str = "exec /usr/bin/env";

/// A job, ready to be sent.
pub(super) struct RunnerCommand<'a> {
    job: Job<'a>,
    /// What tells our lines from others', in this run only.
    pub(super) mark: String,
    /// How long the pod waits for a sign of life.
    lease: Duration,
    /// How often pi gives one.
    pub(super) beat: Duration,
    short: bool,
}

impl<'a> RunnerCommand<'a> {
    /// Refuses what bash can't hold: NUL.
    pub(super) fn new(job: Job<'a>, lease: Duration, at: &str) -> Result<Self, RemoteError> {
        let input = job.input.as_ref().map_or("", |secret| secret.expose());
        let Some(script) = quoted(&job.script.text).filter(|_| !input.contains('\0')) else {
            let text = format!("`{}` or its input has a NUL in it", job.script.name);
            return Err(RemoteError::Other { at: at.to_owned(), text });
        };
        // unpredictable, so that no log that a script prints can end it
        let random = || std::hash::RandomState::new().build_hasher().finish();
        let beat = lease / 3;
        let lease = match job.script.keeper {
            Keeper::LastRunner => outlasting(lease),
            Keeper::Runner | Keeper::Itself => lease,
        };
        Ok(Self { job, mark: format!("pi-{:016x}", random()), lease, beat, short: script.len() <= SHORT })
    }

    /// The words behind `bash`.
    pub(super) fn words(&self) -> Vec<String> {
        let Self { job, mark, lease, beat: _, short } = self;
        let lease = lease.as_secs_f32().to_string();
        // one with an input would take it for signs of life
        if job.script.keeper == Keeper::Itself && *short && job.input.is_none() {
            let text = code_of(RESET) + &code_of(ALONE) + &job.script.text;
            return ["--norc", "-p", "-c", &text, job.script.name, &lease, mark].map(str::to_owned).to_vec();
        }
        let (length, text) = if *short { (0, &*job.script.text) } else { (self.script().len(), "") };
        let numbers = [length.to_string(), self.input().len().to_string()];
        let (runner, [length, input]) = (code_of(RESET) + &code_of(RUNNER), &numbers);
        ["--norc", "-p", "-c", &runner, "pi-run", length, input, &lease, mark, text, job.script.name]
            .map(str::to_owned)
            .to_vec()
    }

    /// The same as one line for a login shell.
    pub(super) fn command_line(&self) -> String {
        let words = self.words();
        let words: Vec<_> = words.iter().filter_map(|word| quoted(word)).collect();
        format!("{EXEC} bash {}", words.join(" "))
    }

    /// The part of the script that goes over standard input: all or nothing.
    pub(super) fn script(&self) -> &[u8] {
        if self.short { &[] } else { self.job.script.text.as_bytes() }
    }

    /// The script's own input, sent behind it.
    pub(super) fn input(&self) -> &[u8] {
        self.job.input.as_ref().map_or(&[], |secret| secret.expose().as_bytes())
    }
}

/// A program of bash as pods need it: comments stay at home.
fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

//! From what is known of a model to a command line for one pod.
//!
//! In: a [`Recipe`], the pod's GPU kind and count, a vLLM version. Out: [`Choice`]s in a fixed order, each with its
//! reasons and with nothing in it that this version does not know. Whether one fits is asked of the caller
//! (`fit` stands below this module).

mod known_words;
mod ways;

use super::args;
use super::gpus::Gpu;
use super::models::{Recipe, Status};
use super::version::Version;
use crate::name::EnvName;
use crate::units::{Percent, Tokens};
use std::collections::BTreeMap;
use thiserror::Error;

/// For what a command line is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The pod's GPUs.
    pub gpu: &'a Gpu,
    /// How many of them may be used.
    pub available: u32,
    /// Exactly so many, if the user said so.
    pub gpus: Option<u32>,
    /// Which vLLM.
    pub version: &'a Version,
}

/// How the work is spread over GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parallel {
    /// Tensor parallel: each layer cut into so many pieces.
    pub tp: u32,
    /// Pipeline parallel: the layers in so many stages.
    pub pp: u32,
    /// Data parallel: so many copies, which share out the requests.
    pub dp: u32,
}

impl Parallel {
    /// One GPU.
    pub const ONE: Self = Self { tp: 1, pp: 1, dp: 1 };

    /// GPUs it takes.
    #[must_use]
    pub fn gpus(self) -> u32 {
        self.tp * self.pp * self.dp
    }
}

/// The flags that spread the work over GPUs.
pub const SIZES: [&str; 3] = ["--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"];

/// A command line, and why it is this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// How the work is spread.
    pub parallel: Parallel,
    /// The context the recipe sets; `None` leaves it to what fits.
    pub context: Option<Tokens>,
    /// The share of memory the recipe sets.
    pub memory: Option<Percent>,
    /// `--tool-call-parser`
    pub tools: Option<String>,
    /// `--reasoning-parser`
    pub reasoning: Option<String>,
    /// Everything else on the command line.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<EnvName, String>,
    /// How sure one can be of it; `None` when it was derived by rule.
    pub status: Option<Status>,
    /// Whether any other that fits is better.
    pub last_resort: bool,
    /// Why it is as it is, one clause each.
    pub reasons: Vec<String>,
    /// What the user should know, one sentence each, without a full stop.
    pub warnings: Vec<String>,
}

impl Choice {
    /// Whether somebody has seen it run, and nobody advises against it.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.status.is_some_and(|status| status <= Status::Recipe) && !self.last_resort
    }

    /// All arguments but context and memory, which the manifest may set: parallelism, parsers, the rest.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        let mut line = Vec::new();
        let Parallel { tp, pp, dp } = self.parallel;
        for (flag, size) in SIZES.into_iter().zip([tp, pp, dp]).filter(|(_, size)| *size > 1) {
            line.extend([flag.to_owned(), size.to_string()]);
        }
        if let Some(parser) = &self.tools {
            line.extend(["--enable-auto-tool-choice", "--tool-call-parser", parser].map(str::to_owned));
        }
        if let Some(parser) = &self.reasoning {
            line.extend(["--reasoning-parser", parser].map(str::to_owned));
        }
        line.extend(self.args.iter().cloned());
        line
    }

    /// The same beside a user's arguments: where those spread the work, the recipe's ways to do so are left out.
    #[must_use]
    pub fn beside(&self, user: &[String]) -> Vec<String> {
        let line = self.command_line();
        if SIZES.iter().all(|flag| args::value(user, flag).is_none()) {
            return line;
        }
        let others = args::split(&line).into_iter().filter(|arg| !SIZES.contains(&arg.flag.as_str()));
        others.flat_map(|arg| arg.words).collect()
    }
}

/// Why there is no command line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoChoice {
    /// The version is too old for the model.
    #[error("{model} needs vLLM {least} or newer; this is {version}")]
    EngineTooOld {
        /// The model.
        model: String,
        /// The first version that serves it.
        least: String,
        /// The version that was asked for.
        version: String,
    },
    /// No wheel of the version has code for the GPU.
    #[error("vLLM {version} has no code for {gpu} (compute capability {cc}); llama.cpp has")]
    NoCode {
        /// The GPU.
        gpu: String,
        /// Its compute capability.
        cc: String,
        /// The version that was asked for.
        version: String,
    },
    /// More GPUs were asked for than there are.
    #[error("{wanted} GPUs are wanted and {available} can be had")]
    TooFewGpus {
        /// How many were asked for.
        wanted: u32,
        /// How many there are.
        available: u32,
    },
    /// The model's attention heads can't be shared out evenly.
    #[error("{model} can't be spread over {gpus} GPUs: its {heads} attention heads don't divide")]
    Indivisible {
        /// The model.
        model: String,
        /// How many were asked for.
        gpus: u32,
        /// Its attention heads.
        heads: u32,
    },
}

/// Every way to run the model on this pod, fewest GPUs first, surest first; last resorts at the end.
pub fn choices(recipe: &Recipe, ask: Ask<'_>) -> Result<Vec<Choice>, NoChoice> {
    check(recipe, ask)?;
    let ways = ways::ways(recipe, ask);
    if ways.is_empty() {
        return Err(NoChoice::Indivisible {
            model: recipe.short_name().to_owned(),
            gpus: ask.gpus.unwrap_or(ask.available),
            heads: recipe.heads.unwrap_or(0),
        });
    }
    Ok(ways.iter().map(|way| known_words::choice(recipe, way, ask)).collect())
}

/// The first way for which `holds` says that its memory suffices; if none does, the one with the most GPUs, so that
/// what is missing can be told.
pub fn choose(recipe: &Recipe, ask: Ask<'_>, holds: &dyn Fn(&Choice) -> bool) -> Result<Choice, NoChoice> {
    let mut choices = choices(recipe, ask)?;
    let most = || (0..choices.len()).max_by_key(|at| choices.get(*at).map(|c| c.parallel.gpus()));
    let at = choices.iter().position(holds).or_else(most).unwrap_or(0);
    Ok(choices.swap_remove(at))
}

/// The oldest compute capability the wheels have code for: 7.5 since 0.20, which came with CUDA 13; before that 7.0
/// (`data/gpus.toml`).
fn oldest_capability(version: &Version) -> (u32, u32) {
    if version.at_least(0, 20) { (7, 5) } else { (7, 0) }
}

fn check(recipe: &Recipe, ask: Ask<'_>) -> Result<(), NoChoice> {
    let version = ask.version;
    if !recipe.served_by(version) {
        let least = recipe.min_vllm.clone().unwrap_or_default();
        return Err(NoChoice::EngineTooOld {
            model: recipe.short_name().to_owned(),
            least,
            version: version.to_string(),
        });
    }
    if ask.gpu.capability().is_some_and(|cc| cc < oldest_capability(version)) {
        let (gpu, cc) = (ask.gpu.key.clone(), ask.gpu.cc.clone());
        return Err(NoChoice::NoCode { gpu, cc, version: version.to_string() });
    }
    match ask.gpus.unwrap_or(1) {
        wanted if wanted > ask.available => Err(NoChoice::TooFewGpus { wanted, available: ask.available }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;

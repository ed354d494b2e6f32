//! Words that vLLM knows, version by version: flags, environment variables, parsers, architectures.
//!
//! In: `data/vllm-known.txt`, read from the wheels. Out: [`known`], so that nothing is ever handed to a version that
//! would refuse it (flags, parsers) or silently ignore it (variables).

use super::version::Version;
use crate::manifest::near;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What kind of word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// A command-line flag of `vllm serve`.
    Flag,
    /// An environment variable of vLLM's own.
    Env,
    /// A value of `--tool-call-parser`.
    ToolParser,
    /// A value of `--reasoning-parser`.
    ReasoningParser,
    /// A model architecture, as in `config.json`.
    Architecture,
}

/// First and last version of one word; no last version while the newest wheel that was read has it.
struct Span {
    first: Version,
    gone: Option<Version>,
}

#[derive(Default)]
struct Known {
    words: HashMap<(Word, &'static str), Span>,
    /// The wheels that were read, oldest first.
    wheels: Vec<Version>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| read(include_str!("../../data/vllm-known.txt")));

/// Whether this version of vLLM knows the word. Flags may be written as people write them: with a value
/// (`--seed=1`), a nested key (`--kernel-config.x`), underscores, or negated (`--no-enable-prefix-caching`).
#[must_use]
pub fn known(kind: Word, word: &str, version: &Version) -> bool {
    let spans = |word: &str| {
        let (_, span) = KNOWN.words.get_key_value(&(kind, word))?;
        Some(span.first <= *version && span.gone.as_ref().is_none_or(|gone| version < gone))
    };
    if kind != Word::Flag {
        return spans(word).unwrap_or(false);
    }
    let flag = base(word);
    let positive = || flag.strip_prefix("--no-").map(|rest| format!("--{rest}"));
    spans(&flag).or_else(|| spans(&positive()?)).unwrap_or(false)
}

/// Short forms of flags in any version that was read: which of them have which is not known.
const SHORT: [&str; 26] = [
    "-O", "-ac", "-asc", "-cc", "-dc", "-dcp", "-dp", "-dpa", "-dpb", "-dpe", "-dph", "-dpl", "-dpm", "-dpn",
    "-dpp", "-dpr", "-ep", "-h", "-n", "-pcp", "-pp", "-q", "-r", "-sc", "-tp", "-v",
];

/// Whether this version would refuse to start with the flag: it knows it in no spelling that its parser takes, which
/// is argparse's (`--max-num-s` for `--max-num-seqs`, `-n2`) with underscores, nested keys and `-O3`.
///
/// Of a version between two wheels that were read, what either knows is known; of one beyond them nothing is said.
#[must_use]
pub fn refuses(version: &Version, word: &str) -> bool {
    let below = KNOWN.wheels.iter().rfind(|wheel| *wheel <= version);
    let above = KNOWN.wheels.iter().find(|wheel| *wheel >= version);
    let (Some(below), Some(above)) = (below, above) else { return false };
    // argparse takes words with a space for values
    let is_flag = word.starts_with('-') && !word.split('=').next().is_some_and(|name| name.contains(' '));
    is_flag && !takes(below, word) && !takes(above, word)
}

/// Whether a wheel's parser takes the flag.
fn takes(wheel: &Version, word: &str) -> bool {
    if !word.starts_with("--") {
        let name = word.split(['=', '.']).next().unwrap_or_default();
        return SHORT
            .iter()
            .any(|short| short.starts_with(name) || short.len() == 2 && word.starts_with(*short));
    }
    let flag = base(word);
    if known(Word::Flag, &flag, wheel) {
        return true;
    }
    let rest = flag.strip_prefix("--no-");
    of(wheel).any(|known| known.starts_with(&*flag) || rest.is_some_and(|rest| known[2..].starts_with(rest)))
}

/// The flags of a wheel.
fn of(wheel: &Version) -> impl Iterator<Item = &'static str> + '_ {
    let has = move |span: &Span| span.first <= *wheel && span.gone.as_ref().is_none_or(|gone| wheel < gone);
    let flags = KNOWN.words.iter().filter(|((kind, _), _)| *kind == Word::Flag);
    flags.filter(move |(_, span)| has(span)).map(|((_, word), _)| *word)
}

/// The flag of this version that is nearest to one that it does not know.
#[must_use]
pub fn nearest(version: &Version, flag: &str) -> Option<&'static str> {
    near(&base(flag), of(version))
}

/// The version with which a flag came, and the one with which it went, where any has it.
#[must_use]
pub fn lifetime(flag: &str) -> Option<(&'static Version, Option<&'static Version>)> {
    let flag = base(flag);
    let (_, span) = KNOWN.words.iter().find(|((kind, word), _)| *kind == Word::Flag && *word == flag)?;
    Some((&span.first, span.gone.as_ref()))
}

/// Whether the variable is vLLM's at all, in any version: others (`CUDA_…`, `NCCL_…`) are none of its business.
#[must_use]
pub fn is_vllm_variable(name: &str) -> bool {
    name.starts_with("VLLM_") || KNOWN.words.contains_key(&(Word::Env, name))
}

/// The flag itself, spelled with dashes: without value and nested key; short forms in full.
#[must_use]
pub fn base(flag: &str) -> Cow<'_, str> {
    let flag = flag.split(['=', '.', ' ']).next().unwrap_or_default();
    let full = match flag {
        "-tp" => "--tensor-parallel-size",
        "-pp" => "--pipeline-parallel-size",
        "-dp" => "--data-parallel-size",
        "-dcp" => "--decode-context-parallel-size",
        "-q" => "--quantization",
        "-n" => "--nnodes",
        "-r" => "--node-rank",
        "-cc" => "--compilation-config",
        "-ac" => "--attention-config",
        "-asc" => "--api-server-count",
        "-ep" => "--enable-expert-parallel",
        "-sc" => "--speculative-config",
        // alias since 0.32
        "--device-memory-utilization" => "--gpu-memory-utilization",
        other if other.contains('_') => return Cow::Owned(other.replace('_', "-")),
        other => other,
    };
    Cow::Borrowed(full)
}

/// Reads the file. A line that can't be read is left out; a test finds none.
fn read(text: &'static str) -> Known {
    let mut known = Known::default();
    let mut section = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[versions]" {
            known.wheels.extend(Version::parse(line));
        } else if let (Some(kind), Some((word, span))) = (kind(section), entry(line, &known.wheels)) {
            known.words.insert((kind, word), span);
        }
    }
    known
}

fn kind(section: &str) -> Option<Word> {
    match section {
        "[flags]" => Some(Word::Flag),
        "[envs]" => Some(Word::Env),
        "[tool-parsers]" => Some(Word::ToolParser),
        "[reasoning-parsers]" => Some(Word::ReasoningParser),
        "[architectures]" => Some(Word::Architecture),
        _ => None,
    }
}

/// `name [first [last]]`; the word is gone with the wheel that was read after its last one. Patch releases between
/// the two, which were not read, count as having it.
fn entry(line: &'static str, wheels: &[Version]) -> Option<(&'static str, Span)> {
    let mut parts = line.split_whitespace();
    let word = parts.next()?;
    let first = match parts.next() {
        Some(text) => Version::parse(text)?,
        None => wheels.first()?.clone(),
    };
    let gone = match parts.next() {
        Some(text) => {
            let last = Version::parse(text)?;
            wheels.iter().find(|wheel| **wheel > last).cloned()
        }
        None => None,
    };
    Some((word, Span { first, gone }))
}

#[cfg(test)]
mod tests;

//! Words that vLLM knows, version by version: flags, environment variables, parsers, architectures.
//!
//! In: `data/vllm-known.txt`, read from the wheels. Out: [`known`], so that nothing is ever handed to a version that
//! would refuse it (flags, parsers) or silently ignore it (variables).

use super::version::Version;
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
    let mut wheels: Vec<Version> = Vec::new();
    let mut section = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        } else if section == "[versions]" {
            wheels.extend(Version::parse(line));
        } else if let (Some(kind), Some((word, span))) = (kind(section), entry(line, &wheels)) {
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
mod tests {
    use super::*;

    fn at(version: &str) -> Version {
        Version::parse(version).unwrap()
    }

    #[test]
    fn words_are_known_from_their_first_to_their_last_version() {
        let table = [
            (Word::Flag, "--nnodes", "0.11.0", false),
            (Word::Flag, "--nnodes", "0.11.1", true),
            (Word::Flag, "--task", "0.12.0", true),
            (Word::Flag, "--task", "0.13.0", false),
            (Word::Flag, "--disable-log-requests", "0.16.0", true),
            (Word::Flag, "--disable-log-requests", "0.17.0", false),
            (Word::Flag, "--calculate-kv-scales", "0.27.1", true),
            (Word::Flag, "--calculate-kv-scales", "0.28.0", false),
            (Word::Flag, "--tensor-parallel-size", "0.50.0", true),
            (Word::Flag, "--tokenizer_mode", "0.32.0", true),
            (Word::Flag, "--kernel-config.enable_flashinfer_autotune=False", "0.32.0", true),
            (Word::Flag, "--no-enable-prefix-caching", "0.32.0", true),
            (Word::Flag, "-tp", "0.32.0", true),
            (Word::Flag, "--no-such-flag", "0.32.0", false),
            (Word::Env, "VLLM_ATTENTION_BACKEND", "0.14.1", true),
            (Word::Env, "VLLM_ATTENTION_BACKEND", "0.15.0", false),
            (Word::ToolParser, "glm45", "0.10.0", false),
            (Word::ToolParser, "glm45", "0.10.1", true),
            (Word::ReasoningParser, "openai_gptoss", "0.32.0", true),
            (Word::ToolParser, "qwen3_codr", "0.32.0", false),
            (Word::Architecture, "GptOssForCausalLM", "0.10.0", false),
            (Word::Architecture, "GptOssForCausalLM", "0.32.0", true),
        ];
        for (kind, word, version, expected) in table {
            assert_eq!(known(kind, word, &at(version)), expected, "{word} in {version}");
        }
        assert!(is_vllm_variable("VLLM_NEW") && !is_vllm_variable("NCCL_DEBUG"));
    }

    #[test]
    fn every_line_of_the_file_is_read() {
        let text = include_str!("../../data/vllm-known.txt");
        let words = text.lines().filter(|l| !l.starts_with(['#', '['])).count() - 27;
        assert_eq!(KNOWN.words.len(), words);
        assert!(KNOWN.words.values().all(|span| span.gone.as_ref().is_none_or(|gone| span.first < *gone)));
    }
}

//! Values about engines.

use super::{slip, text};
use crate::manifest::types::{EngineKind, EngineVersion};
use crate::manifest::value::{Refusal, Scalar};
use toml::de::DeValue;

/// `kind = "vllm"`.
#[derive(Debug, Clone, Copy)]
pub(in crate::manifest) struct Kind(pub(in crate::manifest) EngineKind);

impl Scalar for Kind {
    const EXPECTED: &'static str = r#""vllm", "llama.cpp" or "command""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let kinds = [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command];
        let word = text(value)?;
        let kind = kinds.into_iter().find(|kind| kind.as_str() == word);
        kind.map(Self).ok_or_else(|| slip(word, &kinds.map(EngineKind::as_str)))
    }
}

impl Scalar for EngineVersion {
    const EXPECTED: &'static str = r#"a version such as "0.32.0", "release" or "nightly""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value)?;
        let exact = text.strip_prefix('b').unwrap_or(text);
        let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '!');
        match text {
            "release" => Ok(Self::Release),
            "nightly" => Ok(Self::Nightly),
            _ if exact.starts_with(|c: char| c.is_ascii_digit())
                && text.len() <= 63
                && text.chars().all(ok) =>
            {
                Ok(Self::Exact(text.to_owned()))
            }
            "latest" | "stable" | "newest" => Err(Refusal::mismatch()
                .help(r#""release" is the version pi was tested with, "nightly" the newest"#)),
            _ => {
                let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
                let exact = !digits.is_empty() && !digits.contains(|c: char| !ok(c));
                Err(Refusal { message: None, help: exact.then(|| format!("an exact version: \"{digits}\"")) })
            }
        }
    }
}

/// `python = "3.12"`.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct PythonVersion(pub(in crate::manifest) String);

impl Scalar for PythonVersion {
    const EXPECTED: &'static str = r#"a version of Python such as "3.12""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value)?;
        let parts: Vec<_> = text.split('.').collect();
        let number =
            |part: &&str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        if parts[0] == "3" && (2..=3).contains(&parts.len()) && parts.iter().all(number) {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::mismatch())
    }
}

/// One word of `args`.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct EngineArg(pub(in crate::manifest) String);

impl Scalar for EngineArg {
    const EXPECTED: &'static str = "text in quotes";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value)?;
        // no engine has flags with a space: this is a flag and its value, which argparse would not take apart
        match text.split_once(' ') {
            Some((flag, value)) if flag.starts_with('-') && !flag.contains('=') => {
                Err(Refusal::because(format!("`{flag}` and its value are two words"))
                    .help(format!("write {flag:?}, {:?}", value.trim())))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

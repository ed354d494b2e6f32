//! Values without parts: how each is read and what is said when it can't be.

use super::suggest::near;
use super::types::{EngineKind, EngineVersion, GpuWish, Protect, State};
use super::value::{Refusal, Scalar, found, string};
use crate::model_ref::ModelRef;
use crate::name::{AbsPath, EngineName, EnvName, Label, PodPath, Port, Project};
use crate::ssh_target::SshTarget;
use crate::units::{Percent, Seconds, Tokens};
use std::net::IpAddr;
use toml::de::DeValue;

/// The text in `value`.
pub(super) fn text<'a>(value: &'a DeValue) -> Result<&'a str, Refusal> {
    match value {
        DeValue::String(text) if text.contains('\0') => {
            Err(Refusal::because("a NUL character cannot be passed on"))
        }
        DeValue::String(text) => Ok(text),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) => {
            Err(Refusal::mismatch().help(format!("put it in quotes: \"{}\"", found(value))))
        }
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Err(Refusal::mismatch()),
    }
}

/// The whole number in `value`.
pub(super) fn whole(value: &DeValue) -> Option<i64> {
    let DeValue::Integer(number) = value else { return None };
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The number in `value`, whole or not.
fn number(value: &DeValue) -> Option<f64> {
    if let DeValue::Float(number) = value {
        return number.as_str().parse().ok();
    }
    whole(value).and_then(|number| i32::try_from(number).ok()).map(f64::from)
}

impl Scalar for String {
    const EXPECTED: &'static str = "text in quotes";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        text(value).map(str::to_owned)
    }
}

/// Declares how a type is read from a text: what was expected, and what to do when it is refused.
macro_rules! from_text {
    ($($type:ty: $expected:literal, $help:expr;)*) => {$(
        impl Scalar for $type {
            const EXPECTED: &'static str = $expected;

            fn parse(value: &DeValue) -> Result<Self, Refusal> {
                let text = text(value)?;
                <$type>::parse(text).map_err(|bad| {
                    let help: fn(&str) -> Option<String> = $help;
                    Refusal { message: Some(bad.to_string()), help: help(text) }
                })
            }
        }
    )*};
}

from_text! {
    Project: "a name in quotes", |_| None;
    EngineName: "an engine's name in quotes", |_| None;
    Label: "a label in quotes", |_| None;
    EnvName: "a variable's name in quotes", |_| None;
    AbsPath: "a path in quotes", |_| None;
    PodPath: "a path in quotes", |_| Some("paths are the pod's: /mnt/models or ~/models".to_owned());
    ModelRef: "a model in quotes, such as \"owner/name\"", |text| Some(model_help(text));
}

fn model_help(text: &str) -> String {
    let forms = r#"write "owner/name" as on huggingface.co, "owner/name:file.gguf", or "/a/path/on/the/pod""#;
    let page = text.strip_prefix("https://huggingface.co/").or_else(|| text.strip_prefix("hf.co/"));
    match page {
        Some(page) => format!("write \"{}\"", page.split('/').take(2).collect::<Vec<_>>().join("/")),
        None => forms.to_owned(),
    }
}

impl Scalar for SshTarget {
    const EXPECTED: &'static str = "an ssh line in quotes";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        Self::parse(text(value)?).map_err(|bad| {
            Refusal::because(format!("cannot use this ssh line: {bad}")).help(
                r#"write "ssh -p 2222 root@1.2.3.4", a Host of ~/.ssh/config, or "local" for this machine"#,
            )
        })
    }
}

impl Scalar for Tokens {
    const EXPECTED: &'static str = r#"a number of tokens such as "32k" or 32768"#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let number = whole(value).map(|number| number.to_string());
        let text = number.as_deref().or_else(|| string(value)).ok_or_else(Refusal::mismatch)?;
        Self::parse(text).map_err(Refusal::because)
    }
}

impl Scalar for Percent {
    const EXPECTED: &'static str = r#"a share such as "90%""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        if let Some(text) = string(value) {
            return Self::parse(text).map_err(Refusal::because);
        }
        // 0.9 and 90 are how engines and people write it: say what they mean here
        let share = number(value).map(|n| if n <= 1.0 { n * 100.0 } else { n });
        let percent = share.map(|n| format!("{}%", (n * 100.0).round() / 100.0));
        let help = percent.filter(|text| Self::parse(text).is_ok()).map(|text| format!("write {text:?}"));
        Err(Refusal { message: None, help })
    }
}

impl Scalar for Seconds {
    const EXPECTED: &'static str = r#"a length of time such as "90s", "10m" or "2h""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = string(value).ok_or_else(Refusal::mismatch)?;
        Self::parse(text).map_err(Refusal::because)
    }
}

impl Scalar for Port {
    const EXPECTED: &'static str = "a port from 1 to 65535";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let number = whole(value).and_then(|number| u16::try_from(number).ok());
        number.and_then(Self::new).ok_or_else(Refusal::mismatch)
    }
}

impl Scalar for IpAddr {
    const EXPECTED: &'static str = r#"an address such as "127.0.0.1" or "0.0.0.0""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value)?;
        text.parse().map_err(|_| match text {
            "localhost" => Refusal::mismatch().help(r#"write "127.0.0.1""#),
            "*" | "all" | "any" => Refusal::mismatch().help(r#"write "0.0.0.0""#),
            _ => Refusal::mismatch().help("it is the address alone; the port has its own key"),
        })
    }
}

impl Scalar for State {
    const EXPECTED: &'static str = r#""running" or "stopped""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        match text(value)? {
            "running" => Ok(Self::Running),
            "stopped" => Ok(Self::Stopped),
            other => Err(slip(other, &["running", "stopped"])),
        }
    }
}

/// A word that is none of `known`.
fn slip(word: &str, known: &[&str]) -> Refusal {
    match near(word, known.iter().copied()) {
        Some(other) => Refusal::mismatch().help(format!("did you mean \"{other}\"?")),
        None => Refusal::mismatch(),
    }
}

/// `protect = true`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protected(pub(super) Protect);

impl Scalar for Protected {
    const EXPECTED: &'static str = "true or false";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        if let DeValue::Boolean(on) = value {
            return Ok(Self(if *on { Protect::Yes } else { Protect::No }));
        }
        let quoted = string(value).filter(|text| matches!(*text, "true" | "false"));
        Err(Refusal { message: None, help: quoted.map(|text| format!("without quotes: {text}")) })
    }
}

/// `kind = "vllm"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind(pub(super) EngineKind);

impl Scalar for Kind {
    const EXPECTED: &'static str = r#""vllm", "llama.cpp" or "command""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let kinds = [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command];
        let word = text(value)?;
        let kind = kinds.into_iter().find(|kind| kind.as_str() == word);
        kind.map(Self).ok_or_else(|| slip(word, &kinds.map(EngineKind::as_str)))
    }
}

/// `price = 2.49`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Price(pub(super) f64);

impl Scalar for Price {
    const EXPECTED: &'static str = "a price per hour, 0 or more";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let price = number(value).filter(|n| n.is_finite() && *n >= 0.0);
        let help = string(value).map(|_| "write a number, without quotes and currency".to_owned());
        price.map(Self).ok_or(Refusal { message: None, help })
    }
}

/// `host = "1.2.3.4"`.
#[derive(Debug, Clone)]
pub(super) struct Host(pub(super) String);

impl Scalar for Host {
    const EXPECTED: &'static str = "a host name or an address";

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value)?;
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.parse::<IpAddr>().is_ok()
            || (text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(name))
        {
            return Ok(Self(text.to_owned()));
        }
        Err(Refusal::mismatch().help(r#"the host alone, such as "1.2.3.4": no http://, no user, no port"#))
    }
}

/// `python = "3.12"`.
#[derive(Debug, Clone)]
pub(super) struct PythonVersion(pub(super) String);

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

impl Scalar for GpuWish {
    const EXPECTED: &'static str = r#"a count and a kind of GPUs such as "8xH100""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = text(value).map_err(|_| Refusal::mismatch())?;
        let digits = text.trim_start().bytes().take_while(u8::is_ascii_digit).count();
        let (count, rest) = text.trim_start().split_at(digits);
        let kind = rest.trim_start().strip_prefix(['x', 'X', '×']).map(str::trim);
        match (count.parse(), kind) {
            (Ok(count), Some(kind)) if count > 0 && !kind.is_empty() => {
                Ok(Self { count, kind: kind.to_owned() })
            }
            (Err(_), None) if !text.trim().is_empty() => {
                Err(Refusal::mismatch().help(format!("how many? \"1x{}\"", text.trim())))
            }
            _ => Err(Refusal::mismatch()),
        }
    }
}

/// One word of `args`.
#[derive(Debug, Clone)]
pub(super) struct EngineArg(pub(super) String);

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

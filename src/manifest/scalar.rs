//! Values without parts: how each is read and what is said when it can't be.

mod engine;
mod pod;

pub(super) use engine::{EngineArg, Kind, PythonVersion};
pub(super) use pod::{Host, Price};

use super::suggest::near;
use super::types::{Protect, Restart, State};
use super::value::{Refusal, Scalar, found, string};
use crate::model_ref::ModelRef;
use crate::name::{AbsPath, EngineName, EnvName, Label, PodPath, Port, Project, ProjectId};
use crate::units::{LogLimit, Percent, Seconds, Tokens};
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
    ProjectId: "an id in quotes", |_| None;
    EngineName: "an engine's name in quotes", |_| None;
    Label: "a label in quotes", |_| None;
    EnvName: "a variable's name in quotes", |_| None;
    AbsPath: "a path in quotes", |_| None;
    LogLimit: "a size in quotes, such as \"100 MB\"", |_| None;
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
        let number = if let DeValue::Float(number) = value {
            Some(number.as_str().to_owned())
        } else {
            whole(value).map(|number| number.to_string())
        };
        let text = number.as_deref().or_else(|| string(value)).ok_or_else(Refusal::mismatch)?;
        Self::parse(text).map_err(Refusal::because)
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

impl Scalar for Restart {
    const EXPECTED: &'static str = r#""no" or "on-failure""#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        match text(value)? {
            "no" => Ok(Self::No),
            "on-failure" => Ok(Self::OnFailure),
            "always" | "unless-stopped" => {
                Err(Refusal::mismatch().help("a server that ends without an error is not started again"))
            }
            other => Err(slip(other, &["no", "on-failure"])),
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
    const EXPECTED: &'static str = TRUE_OR_FALSE;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        Ok(Self(if boolean(value)? { Protect::Yes } else { Protect::No }))
    }
}

/// `drain = "30s"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drain(pub(super) Seconds);

/// A step that stops a server is held up for as long as it drains.
const LONGEST_DRAIN: Seconds = Seconds(600);

impl Scalar for Drain {
    const EXPECTED: &'static str =
        r#"a length of time such as "30s" or "2m", at most "10m"; "0s" does not wait"#;

    fn parse(value: &DeValue) -> Result<Self, Refusal> {
        let text = string(value).ok_or_else(Refusal::mismatch)?;
        if text.trim() == "0s" {
            return Ok(Self(Seconds(0)));
        }
        let drain = Seconds::parse(text).map_err(Refusal::because)?;
        if drain > LONGEST_DRAIN { Err(Refusal::mismatch()) } else { Ok(Self(drain)) }
    }
}

const TRUE_OR_FALSE: &str = "true or false";

fn boolean(value: &DeValue) -> Result<bool, Refusal> {
    if let DeValue::Boolean(on) = value {
        return Ok(*on);
    }
    let quoted = string(value).filter(|text| matches!(*text, "true" | "false"));
    Err(Refusal { message: None, help: quoted.map(|text| format!("without quotes: {text}")) })
}

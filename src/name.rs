//! Names, parsed once and valid ever after.
//!
//! In: strings a person or a pod wrote. Out: types whose existence is the proof that they are safe as a file
//! name, a TOML key, a process argument.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use thiserror::Error;

/// Why a string is not the name it was taken for. Reads as the end of ``"`x` is not a pod name: …"``.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not {what}: {why}")]
pub struct BadName {
    what: &'static str,
    text: String,
    why: &'static str,
}

impl BadName {
    pub(crate) fn new(what: &'static str, text: &str, why: &'static str) -> Self {
        Self { what, text: text.escape_debug().to_string(), why }
    }

    /// The reason alone, for a label under the text itself.
    #[must_use]
    pub fn why(&self) -> &'static str {
        self.why
    }
}

/// Declares a name: a string behind a private field, checked by the given function on every way in.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                natural(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Checks `text`; [`BadName`] says what is wrong with it.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                check(text).map(|()| Self(text.to_owned())).map_err(|why| BadName::new($what, text, why))
            }

            /// The name as it was written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name!(
    /// A pod, as `[pods.NAME]` declares it.
    PodName, "a pod name", word
);
name!(
    /// A model, as `[models.NAME]` declares it; also the name of its server and of its directory on the pod.
    ModelName, "a model name", word
);
name!(
    /// An engine: `vllm`, `llama.cpp`, `command`, or one of `[engines]`.
    EngineName, "an engine name", word
);
name!(
    /// One engine's environment on a pod: `vllm-0.32.0`; its directory under `engines/`.
    EngineId, "an engine environment", word
);
name!(
    /// A label on pods, by which models choose them.
    Label, "a label", word
);
name!(
    /// Whose servers these are: all manifests with one project share the pod's servers between them.
    Project, "a project name", word
);
name!(
    /// What tells a project from every other one, whatever both are called: made at random, written once into pi.toml.
    ProjectId, "a project id", project_id
);
name!(
    /// A secret's name, as `[secrets]` declares it. Unlike its value it may be shown.
    SecretName, "a secret name", word
);
name!(
    /// An environment variable.
    EnvName, "a variable name", variable
);
name!(
    /// A repository of the Hugging Face hub, `owner/name`.
    HfRepo, "a Hugging Face repository", repo
);
name!(
    /// A branch, tag or commit of a repository.
    Revision, "a revision", revision
);
name!(
    /// An absolute path on a pod.
    AbsPath, "an absolute path", absolute
);
name!(
    /// A path on a pod: absolute, or below the home directory (`~/…`).
    PodPath, "a path", pod_path
);

/// A TCP port, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Port(u16);

impl Port {
    /// The port, unless it is 0.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    /// The number, never 0.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Port {
    type Error = BadName;
    fn try_from(number: u16) -> Result<Self, BadName> {
        Self::new(number).ok_or_else(|| BadName::new("a port", "0", "ports are 1 to 65535"))
    }
}

impl From<Port> for u16 {
    fn from(port: Port) -> Self {
        port.0
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The order in which people read names: `model-2` before `model-10`. Equal only where the texts are.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.as_bytes(), other.as_bytes());
    while let (Some(a), Some(b)) = (left.first(), right.first()) {
        let order = if a.is_ascii_digit() && b.is_ascii_digit() {
            let ((a, rest_of_a), (b, rest_of_b)) = (number(left), number(right));
            (left, right) = (rest_of_a, rest_of_b);
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            a.cmp(b)
        };
        if order.is_ne() {
            return order;
        }
    }
    // what is left of one; `model-02` and `model-2` differ in nothing else
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// The digits in front, without leading zeros, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (&digits[zeros..], rest)
}

fn word(text: &str) -> Result<(), &'static str> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() {
        Err("it is empty")
    } else if text.len() > 63 {
        Err("it is longer than 63 characters")
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err("it has to begin with a letter from a to z or a digit")
    } else if !text.chars().all(ok) {
        Err("only letters, digits, `-`, `_` and `.` may stand in it")
    } else {
        Ok(())
    }
}

fn project_id(text: &str) -> Result<(), &'static str> {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(8..=32).contains(&text.len()) || !text.chars().all(ok) {
        return Err("it has to be 8 to 32 lower-case letters and digits");
    }
    Ok(())
}

fn variable(text: &str) -> Result<(), &'static str> {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(ok) {
        return Err("only letters, digits and `_` may stand in it, and no digit first");
    }
    Ok(())
}

fn repo(text: &str) -> Result<(), &'static str> {
    let Some((owner, name)) = text.split_once('/') else { return Err("expected owner/name") };
    let ok = |part: &str| {
        part.len() <= 96
            && part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !part.contains("--")
            && !part.contains("..")
    };
    if ok(owner) && ok(name) {
        Ok(())
    } else {
        Err("expected owner/name of letters, digits, `-`, `_` and `.`")
    }
}

fn revision(text: &str) -> Result<(), &'static str> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.is_empty() || text.starts_with(['-', '/', '.']) || text.contains("..") || !text.chars().all(ok) {
        return Err("expected a branch, a tag or a commit");
    }
    Ok(())
}

fn absolute(text: &str) -> Result<(), &'static str> {
    if !text.starts_with('/') {
        Err("it has to begin with `/`")
    } else if text.chars().any(char::is_control) {
        Err("it has a control character in it")
    } else if text.split('/').any(|part| part == "..") {
        Err("`..` may not stand in it")
    } else {
        Ok(())
    }
}

fn pod_path(text: &str) -> Result<(), &'static str> {
    match text.strip_prefix('~') {
        Some("") => Ok(()),
        Some(rest) => absolute(rest).map_err(|_| "it has to begin with `/` or `~/`, without `..`"),
        None => absolute(text).map_err(|_| "it has to begin with `/` or `~/`, without `..`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_read_them() {
        let read = ["a", "a1", "a02", "a2", "a2b", "a10", "a10-2", "a10-10", "b", "model-2", "model-10"];
        let mut names: Vec<ModelName> = read.iter().rev().map(|name| name.parse().unwrap()).collect();
        names.sort();
        assert_eq!(names.iter().map(ModelName::as_str).collect::<Vec<_>>(), read);
        for one in &names {
            for other in &names {
                assert_eq!(one.cmp(other).is_eq(), one == other, "{one} {other}");
                assert_eq!(one.cmp(other), other.cmp(one).reverse(), "{one} {other}");
            }
        }
        let versions = ["vllm-0.9.2", "vllm-0.10.0", "vllm-0.32.0"].map(|id| EngineId::parse(id).unwrap());
        assert!(versions.is_sorted());
    }
}

//! Secrets: a value that can't be shown, and where it comes from.

use crate::name::{EnvName, SecretName};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A secret's value. Nothing prints it: `Debug` shows a placeholder, and there is no `Display`.
#[derive(Debug, Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the value over.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The value itself: for the pod's standard input and an HTTP header, nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Where a secret's value is found on the machine that runs `pi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(EnvName),
    /// A file; a relative path counts from the manifest, and one final newline does not count.
    File(PathBuf),
    /// What a command prints; one final newline does not count.
    Command(Vec<String>),
}

/// Environment variables that hold secrets by custom, whatever the manifest says.
pub const BY_CUSTOM: [&str; 3] = ["PI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"];

impl SecretSource {
    /// The environment variable that it is, if it is one.
    #[must_use]
    pub fn variable(&self) -> Option<&EnvName> {
        match self {
            Self::Env(name) => Some(name),
            Self::File(_) | Self::Command(_) => None,
        }
    }
}

/// The secrets that could be read on this machine.
pub type Secrets = BTreeMap<SecretName, Secret>;

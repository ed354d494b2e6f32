//! What a plan has to say besides its steps.

use crate::name::{ModelName, PodName};
use crate::plan::model::code::Code;
use serde::Serialize;

/// Something the reader should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable, for machines: `port-taken`.
    pub code: Code,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodName>,
    /// For which model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// What is so, in one sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The servers that its message names, where one finding tells of several.
    #[serde(skip)]
    pub servers: Vec<ModelName>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The pod or the model it is about is left out of the plan.
    Error,
    /// The plan goes on, and may not do what is hoped.
    Warning,
    /// Good to know.
    Note,
}

impl Finding {
    /// A finding about a pod.
    #[must_use]
    pub fn on(severity: Severity, code: Code, pod: &PodName, message: String) -> Self {
        Self { severity, code, pod: Some(pod.clone()), model: None, message, help: None, servers: Vec::new() }
    }

    /// The same, about a model there.
    #[must_use]
    pub fn of(mut self, model: &ModelName) -> Self {
        self.model = Some(model.clone());
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

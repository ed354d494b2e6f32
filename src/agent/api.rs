//! The two APIs as one: which, where, what is sent, and how a stream becomes an answer.

use crate::agent::gather::Fault;
use crate::agent::message::{Answer, Message, Piece};
use crate::agent::{completions, responses};
use serde_json::Value;

/// Which API to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Chat Completions, which every server has.
    Chat,
    /// Responses, which gpt-oss is at home in.
    Responses,
}

impl Api {
    /// The one that suits a model.
    #[must_use]
    pub fn for_model(model: &str) -> Self {
        if model.to_lowercase().contains("gpt-oss") { Self::Responses } else { Self::Chat }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Responses => "responses",
        }
    }

    /// The field that limits an answer's tokens.
    pub(super) fn limit(self) -> &'static str {
        match self {
            Self::Chat => "max_tokens",
            Self::Responses => "max_output_tokens",
        }
    }

    /// The body of a request.
    pub(super) fn body(self, system: &str, messages: &[Message], tools: &[Value]) -> Value {
        match self {
            Self::Chat => completions::body(system, messages, tools),
            Self::Responses => responses::body(system, messages, tools),
        }
    }
}

/// A stream of either API on its way to an answer.
pub(super) enum Fold {
    Chat(completions::Fold),
    Responses(responses::Fold),
}

impl Fold {
    pub(super) fn new(api: Api) -> Self {
        match api {
            Api::Chat => Self::Chat(completions::Fold::default()),
            Api::Responses => Self::Responses(responses::Fold::default()),
        }
    }

    pub(super) fn hear(&mut self, data: &str) -> Result<Vec<Piece>, Fault> {
        match self {
            Self::Chat(fold) => fold.hear(data),
            Self::Responses(fold) => fold.hear(data),
        }
    }

    pub(super) fn end(self) -> Result<(Vec<Piece>, Answer), Fault> {
        match self {
            Self::Chat(fold) => fold.end(),
            Self::Responses(fold) => fold.end(),
        }
    }

    pub(super) fn so_far(self) -> (Vec<Piece>, Answer) {
        match self {
            Self::Chat(fold) => fold.so_far(),
            Self::Responses(fold) => fold.so_far(),
        }
    }
}

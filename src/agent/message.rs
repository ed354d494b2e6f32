//! What is said, by whom. The serialized form of [`Message`] is a line of a session's file.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// From the person.
    User {
        /// As it was typed.
        text: String,
    },
    /// From the model.
    Assistant(Answer),
    /// What a tool gave.
    Tool {
        /// The call's id.
        call: String,
        /// For the model to read.
        text: String,
    },
}

/// Everything a model said in one turn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// What it said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What it thought before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub thinking: String,
    /// The field in which the server sent the thinking, and wants it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_field: Option<String>,
    /// The tools it wants called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
    /// Reasoning items of the Responses API, which go back as they came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasoning: Vec<Value>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens, where the server counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// One wanted call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// What the result will be told apart by.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON, as the model wrote it: it may be malformed.
    pub arguments: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done, or wants tools called.
    #[default]
    Done,
    /// There was no room for more tokens.
    Length,
    /// The server withheld the rest.
    Filtered,
    /// The person stopped it.
    Interrupted,
}

/// Tokens of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read by the model.
    pub input: u64,
    /// Written by the model.
    pub output: u64,
}

/// A piece of an answer, as soon as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// More of what the model thinks.
    Thinking(String),
    /// More of what it says.
    Text(String),
    /// A whole call.
    Call(Call),
}

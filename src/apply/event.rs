//! What happens while a plan is applied, as data. Reporters turn it into text.

use crate::plan::StepId;
use crate::units::Bytes;
use std::time::Duration;

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A step begins.
    Began(StepId),
    /// A step has something to say.
    Said(StepId, String),
    /// A download has come so far.
    Progress {
        /// Which step.
        id: StepId,
        /// What is there.
        done: Bytes,
        /// What shall be there, if that is known.
        total: Option<Bytes>,
    },
    /// A step has ended, or will not begin.
    Ended(StepId, Outcome),
}

impl Event {
    /// What a line that a step's script printed tells: how far it is, or just what it says.
    pub(super) fn of_line(id: StepId, text: String) -> Self {
        let mut fields = text.split('\t');
        let (word, done, total) = (fields.next(), fields.next(), fields.next());
        let bytes = |text: Option<&str>| text.and_then(|text| text.parse().ok()).map(Bytes);
        match (word, bytes(done)) {
            (Some("progress"), Some(done)) => Self::Progress { id, done, total: bytes(total) },
            _ => Self::Said(id, text),
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done {
        /// How long it took.
        took: Duration,
    },
    /// It failed.
    Failed(Failure),
    /// It was interrupted and has undone or left what its action says.
    Stopped,
    /// It did not begin, because this step, which it needs, did not succeed.
    Skipped(StepId),
    /// It did not begin, because pi was interrupted before.
    Left,
}

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// Stable, for machines: `script-failed`, `died-at-start`, or a code of the connection.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The lines that say so: the log's cause, or the script's last words.
    pub lines: Vec<String>,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The pod did what it was told, and it did not succeed.
    Step,
    /// The pod could not be reached, or was lost on the way.
    Connection,
    /// pi was interrupted.
    Interrupt,
}

impl Failure {
    /// A step's failure, without lines or help.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { kind: FailureKind::Step, code, message, help: None, lines: Vec::new() }
    }

    /// What an interrupted step ends with.
    #[must_use]
    pub fn interrupted() -> Self {
        Self { kind: FailureKind::Interrupt, ..Self::new("stopped", "interrupted") }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, with the lines that say so.
    #[must_use]
    pub fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines.extend(lines);
        self
    }
}

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
    /// The log of a server that is starting says something.
    Log(StepId, String),
    /// A server that is starting has come so far.
    Phase {
        /// Which step.
        id: StepId,
        /// What it is doing: `loading weights`.
        name: String,
        /// How much of that is done, if it says so.
        percent: Option<u8>,
    },
    /// A step is done, and something about it is not as it may be hoped.
    Warned(StepId, String),
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
    /// What a step says: words of its own, or those of `said` with a tag in front.
    pub(super) fn of_line(id: StepId, text: String) -> Self {
        let bytes = |text: Option<&str>| text.and_then(|text| text.parse().ok()).map(Bytes);
        let Some((tag, rest)) = text.split_once('\t') else { return Self::Said(id, text) };
        let (first, second) = rest.split_once('\t').map_or((rest, None), |(first, more)| (first, Some(more)));
        match (tag, bytes(Some(first))) {
            ("progress", Some(done)) => Self::Progress { id, done, total: bytes(second) },
            (LOG, _) => Self::Log(id, rest.to_owned()),
            (RUNS_ON, _) => Self::Said(id, "the server itself runs on".to_owned()),
            (WARNING, _) => Self::Warned(id, rest.to_owned()),
            (PHASE, _) => {
                let percent = second.and_then(|percent| percent.parse().ok());
                Self::Phase { id, name: first.to_owned(), percent }
            }
            _ => Self::Said(id, text),
        }
    }
}

/// In front of a line of a server's log.
pub(super) const LOG: &str = "log";
/// In front of a phase, which a percentage may follow.
pub(super) const PHASE: &str = "phase";
/// In front of the name of a server that runs on beside what was removed.
pub(super) const RUNS_ON: &str = "runs-on";
/// In front of a warning.
pub(super) const WARNING: &str = "warning";

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

    /// What a step ends with where its pod's lock is lost.
    #[must_use]
    pub fn lock_lost() -> Self {
        Self { kind: FailureKind::Interrupt, ..Self::new("lock-lost", "the lock was lost") }
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

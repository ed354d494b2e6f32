//! What an engine's log tells: why a server did not start, how far a start has come, what was measured.
//!
//! In: the lines of the log and the engine's kind. Out: a [`Cause`], a [`Phase`] or what was [`Measured`].
//!
//! A failed start says many things, and the last is rarely why: the engine's processes repeat each other's errors,
//! and libraries complain of what does not matter. The cause is the earliest line that a row of
//! `data/failures.toml` explains; only where there is none, the first error as such.

mod facts;
mod fill;
mod line;
mod measured;
mod progress;
mod table;
mod unknown;

pub use measured::{Measured, measured};
pub use progress::{Phase, progress};

use crate::manifest::EngineKind;
use facts::Facts;
use line::Line;
use table::{Asked, Row, Table};

/// Why a server did not start, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A short stable name: `kv-cache-too-small`; `unknown` for errors that pi has no row for,
    /// `vanished` where a process ended and only others say so.
    pub code: String,
    /// The line of the log that says so, without prefix and escapes, shortened.
    pub line: String,
    /// Which line of the log that is, from 1.
    pub number: usize,
    /// What happened, in one sentence.
    pub message: String,
    /// What to do, in the words of `pi.toml`.
    pub help: String,
}

/// Why a start failed; none when the log shows no error, or when it shows a server that had come up.
///
/// A log without an error whose process is gone means that something killed it from outside.
#[must_use]
pub fn first_cause(kind: EngineKind, log: &[String]) -> Option<Cause> {
    if progress::ready_at(kind, log).is_some() {
        return None;
    }
    let lines = line::telling(log);
    let table = Table::of(kind);
    let known = table.find(&lines, Asked::Start).map(|found| explained(found, log));
    let unknown = || unknown::first_error(kind, &lines, table).map(|line| unexplained(&line));
    let silent = || unknown::silent_end(log, &lines, table).map(|line| vanished(&line));
    let last = || unknown::last_line(kind, log).map(|line| unexplained(&line));
    known.or_else(unknown).or_else(silent).or_else(last)
}

/// Why a server that had come up ended by itself; none when it was stopped, or when its log does not tell.
#[must_use]
pub fn cause_of_death(kind: EngineKind, log: &[String]) -> Option<Cause> {
    let ready = progress::ready_at(kind, log)?;
    let stopped = log.iter().position(|line| line.contains("[shutdown] API server: shutdown triggered"));
    let lines: Vec<_> = line::telling(log)
        .into_iter()
        .filter(|line| line.number > ready && stopped.is_none_or(|at| line.number <= at))
        .collect();
    Table::of(kind).find(&lines, Asked::Death).map(|found| explained(found, log))
}

fn explained((row, line): (&Row, &Line), log: &[String]) -> Cause {
    let values = fill::values(row.captures(&line.text), &Facts::of(log));
    Cause {
        code: row.code.clone(),
        line: line.shown(),
        number: line.number,
        message: fill::message(&row.message, &values),
        help: fill::help(&row.help, &values),
    }
}

fn unexplained(line: &Line) -> Cause {
    Cause {
        code: "unknown".to_owned(),
        line: line.shown(),
        number: line.number,
        message: "The server ended with an error that pi does not know.".to_owned(),
        help: format!("`pi logs NAME` shows what stands around line {}", line.number),
    }
}

fn vanished(line: &Line) -> Cause {
    Cause {
        code: "vanished".to_owned(),
        line: line.shown(),
        number: line.number,
        message: "A process of the engine ended behind this line without a word: mostly the kernel killed it, when \
                  the pod's memory, not the GPU's, was used up."
            .to_owned(),
        help: "`pi ssh POD -- dmesg` names what was killed, and why; a pod with more memory; fewer servers starting \
               at once on it"
            .to_owned(),
    }
}

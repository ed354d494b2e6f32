//! What an engine's log tells: why a server did not start, how far a start has come, what was measured.
//!
//! In: the lines of the log and the engine's kind. Out: a [`Cause`], a [`Phase`] or what was [`Measured`].
//!
//! A failed start says many things, and the last is rarely why: the engine's processes repeat each other's errors,
//! and libraries complain of what does not matter. The cause is the earliest line that a row of
//! `data/failures.toml` explains and that its process did not survive; only where there is none, the first error as
//! such. Where that says little, another line may say more, a library's warning too.

mod exceptions;
mod facts;
mod fill;
mod line;
mod measured;
mod prefix;
mod progress;
mod story;
mod table;
mod unknown;

pub use measured::{Measured, measured};
pub use progress::{Phase, progress};

use crate::manifest::EngineKind;
use exceptions::Told;
use facts::Facts;
use line::Line;
use story::Story;
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
    let story = Story::of(kind, log);
    let told: Vec<_> = story.telling().collect();
    let last: Vec<_> = told.iter().copied().filter(|told| !told.survived).collect();
    let table = Table::of(kind);
    let known = |told: &[&Told]| {
        let found = table.find(told, Asked::Start).filter(|found| !is_outweighed(*found, told, table))?;
        Some(explained(table, found, &story, log))
    };
    let unknown = |told: &[&Told]| {
        let line = unknown::first_error(kind, told, table)?;
        let more = table.more_of(UNKNOWN, &story.told);
        Some(more.map_or_else(|| unexplained(&line), |found| explained(table, found, &story, log)))
    };
    let silent = || unknown::silent_end(log, &told, table).map(|line| vanished(&line));
    let end = || unknown::last_line(kind, log).map(|line| unexplained(&line));
    known(&last).or_else(|| unknown(&last)).or_else(silent).or_else(end)
}

/// Why a server that had come up ended by itself; none when it was stopped, or when its log does not tell.
#[must_use]
pub fn cause_of_death(kind: EngineKind, log: &[String]) -> Option<Cause> {
    let ready = progress::ready_at(kind, log)?;
    let stopped = log.iter().position(|line| line.contains("[shutdown] API server: shutdown triggered"));
    let story = Story::of(kind, log);
    let since = |told: &&Told| told.line.number > ready && stopped.is_none_or(|at| told.line.number <= at);
    let told: Vec<_> = story.telling().filter(|told| since(told) && !told.survived).collect();
    let table = Table::of(kind);
    table.find(&told, Asked::Death).map(|found| explained(table, found, &story, log))
}

/// The code of errors that no row explains.
const UNKNOWN: &str = "unknown";

/// Whether a vague word on a line of its own says less than an exception that pi does not know: one before the end of a
/// process, or any where the word need not be an end at all.
fn is_outweighed((row, told): (&Row, &Told), all: &[&Told], table: &Table) -> bool {
    let alone = row.is_vague() && told.exception.is_none();
    let first = |end: &Told| !row.may_end_a_server() || end.line.number < told.line.number;
    alone && unknown::last_of_first(all, table).is_some_and(first)
}

/// What a row says of a line; where that is little, what another line says of it.
fn explained(table: &Table, found: (&Row, &Told), story: &Story, log: &[String]) -> Cause {
    let more = if found.0.is_vague() { table.more_of(&found.0.code, &story.told) } else { None };
    let (row, Told { line, .. }) = more.unwrap_or(found);
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
        code: UNKNOWN.to_owned(),
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

//! What the lines of a log are to each other: which belong to one exception, and which their process has survived.
//!
//! A log is written by several processes at once. An error that a process reports and then goes on from did not end
//! it: what it said next, or the next phase of its start, proves that. An exception of which an engine says that it
//! ended it (`EngineCore failed to start.`) is final whatever comes after.

use super::exceptions::{End, Fate, Told, arrange, has_any};
use super::line::Line;
use super::prefix::Level;
use super::progress::progress;
use crate::manifest::EngineKind;
use std::collections::HashMap;

/// The lines of a log that may tell of an error, and those that warn.
pub(super) struct Story {
    pub(super) told: Vec<Told>,
}

/// What a process says of a new attempt.
const RETRIES: [&str; 4] = ["etrying", "ill retry", "Retry attempt", "trying again"];

/// What a process still says when it is about to end.
const FAREWELLS: [&str; 11] = [
    "hutdown",
    "inished server process",
    "hutting down",
    "illing ",
    "erminat",
    "xited",
    "xiting",
    "leaning up",
    "topping",
    "aiting for application shutdown",
    "failed execution",
];

impl Story {
    /// Reads a log.
    pub(super) fn of(kind: EngineKind, log: &[String]) -> Self {
        let lines = log.iter().zip(1..).map(|(raw, number)| Line::parse(number, raw)).collect();
        let (mut told, ends) = arrange(lines);
        let life = Life::of(kind, &told);
        for told in &mut told {
            told.survived = life.goes_on_after(told, told.exception.and_then(|at| ends.get(at)));
        }
        Self { told }
    }

    /// The lines that may be a cause as such: not quoted source, and not said to be harmless.
    pub(super) fn telling(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|told| told.is_telling())
    }
}

/// Until when each process was alive: the last lines that prove it.
struct Life {
    kind: EngineKind,
    /// The last thing that a process said which is neither an error nor a farewell.
    words: HashMap<String, usize>,
    /// The last phase of the start that a process was seen in; of any process, where none is named.
    phases: HashMap<String, usize>,
}

impl Life {
    fn of(kind: EngineKind, told: &[Told]) -> Self {
        let mut life = Self { kind, words: HashMap::new(), phases: HashMap::new() };
        for Told { line, .. } in told {
            if line.level == Level::Info && !line.library && !has_any(&line.text, &FAREWELLS) {
                life.words.insert(line.process.clone(), line.number);
            }
            if line.level <= Level::Unsaid && progress(kind, &line.text).is_some() {
                life.phases.insert(line.process.clone(), line.number);
                life.phases.insert(String::new(), line.number);
            }
        }
        life
    }

    fn goes_on_after(&self, told: &Told, exception: Option<&End>) -> bool {
        let Told { line, .. } = told;
        let (end, fate) = exception.map_or((line.number, Fate::Unknown), |end| (end.line, end.fate));
        match fate {
            Fate::Final => return false,
            Fate::Aside => return true,
            Fate::Unknown => {}
        }
        if exception.is_none() && has_any(&line.text, &RETRIES) {
            return true;
        }
        let after = |last: &HashMap<String, usize>| last.get(&line.process).is_some_and(|last| *last > end);
        let spoke = (line.level == Level::Error || exception.is_some()) && self.kind != EngineKind::LlamaCpp;
        (spoke && after(&self.words)) || after(&self.phases)
    }
}

#[cfg(test)]
mod tests;

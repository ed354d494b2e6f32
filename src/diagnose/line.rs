//! A line of a log, taken apart: which process, how loud, what it says.
//!
//! In: a raw line, which may hold anything. Out: text without escapes and control characters.

use super::prefix::{Level, Parts, take_apart};
use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// Longer lines are cut before they are looked at, in bytes; vLLM's longest errors have 3000.
const LIMIT: usize = 8192;

/// What of a line is shown, in characters.
const SHOWN: usize = 240;

/// A line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Which line of the log, from 1.
    pub(super) number: usize,
    /// The process that wrote it, where it says so: `EngineCore_DP0 pid=60`, `APIServer pid=1`.
    pub(super) process: String,
    /// How loud it is.
    pub(super) level: Level,
    /// Whether a library says it.
    pub(super) library: bool,
    /// What it says.
    pub(super) text: String,
}

impl Line {
    /// Takes a raw line apart.
    pub(super) fn parse(number: usize, raw: &str) -> Self {
        let clean = clean(raw);
        let Parts { process, level, library, text } = take_apart(&clean);
        Self { number, process: process.to_owned(), level, library, text: text.to_owned() }
    }

    /// As people are shown it.
    pub(super) fn shown(&self) -> String {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }
}

/// The line as a terminal would leave it: what follows the last carriage return, without escapes.
pub(super) fn clean(raw: &str) -> Cow<'_, str> {
    let ended = raw.trim_end();
    let last = ended.rsplit('\r').next().unwrap_or(ended);
    let cut = last.get(..last.floor_char_boundary(LIMIT)).unwrap_or(last);
    if cut.chars().any(hidden) { Cow::Owned(without_escapes(cut)) } else { Cow::Borrowed(cut) }
}

fn without_escapes(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut kept = String::with_capacity(text.len());
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => kept.push(' '),
            char if hidden(char) => {}
            char => kept.push(char),
        }
    }
    kept
}

/// Control characters, and those that reorder or hide text.
fn hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(char, '\u{61c}' | '\u{feff}')
}

/// Skips what follows ESC: a control sequence up to its letter, a string up to its end, else one character.
fn skip_escape(chars: &mut Peekable<Chars>) {
    match chars.next() {
        Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(char) = chars.next() {
                if char == '\u{7}' || (char == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                    break;
                }
            }
        }
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests;

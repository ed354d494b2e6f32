//! A line of a log, taken apart: which process, how loud, what it says.
//!
//! In: a raw line, which may hold anything. Out: text without escapes and control characters.

use regex::Regex;
use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::LazyLock;

/// Longer lines are cut before they are looked at, in bytes; vLLM's longest errors have 3000.
const LIMIT: usize = 8192;

/// What of a line is shown, in characters.
const SHOWN: usize = 240;

/// `[rank0]: (EngineCore pid=7) ERROR 11-22 08:40:20 [core.py:1510] `, `ERROR:    `, llama.cpp's `0.00.003.270 E `,
/// torch's `[W1122 08:40:18.571 utils.cpp:68] `, a date.
static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:\[rank[0-9]+\]: ?)?",
        r"(?:\((?<process>[A-Za-z][A-Za-z0-9_.-]*)[^()]*pid=[0-9]+[^()]*\) ?)?",
        r"(?:\[rank[0-9]+\]: ?)?",
        r"(?:\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.,]+Z?(?: [A-Z]+[0-9]+)*\]? ?(?:- )?)?",
        r"(?:(?<word>DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)",
        r"(?: [0-9]{2}-[0-9]{2} [0-9:]{8}(?: \[[^\]]*\])? ?|:? +)",
        r"|[0-9]+(?:\.[0-9]+){3} (?<letter>[A-Z]) ",
        r"|\[(?<initial>[DIWEF])[0-9]{4} [0-9:.]+ [^\]]*\] ?)?",
    ))
    .ok()
});

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Said to be harmless: debug, info, warning.
    Harmless,
    /// Said to be an error.
    Error,
    /// It does not say.
    Plain,
}

/// A line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Which line of the log, from 1.
    pub(super) number: usize,
    /// The process that wrote it, where it says so: `EngineCore`, `Worker_TP0`, `APIServer`.
    pub(super) process: String,
    /// How loud it is.
    pub(super) level: Level,
    /// What it says.
    pub(super) text: String,
}

impl Line {
    /// Takes a raw line apart.
    pub(super) fn parse(number: usize, raw: &str) -> Self {
        let clean = clean(raw);
        let prefix = PREFIX.as_ref().and_then(|prefix| prefix.captures(&clean));
        let group = |name| prefix.as_ref().and_then(|p| p.name(name)).map_or("", |found| found.as_str());
        let level = match (group("word"), group("letter"), group("initial")) {
            ("ERROR" | "CRITICAL" | "FATAL", _, _) | (_, "E", _) | (_, _, "E" | "F") => Level::Error,
            ("", "", "") => Level::Plain,
            _ => Level::Harmless,
        };
        let text = clean.get(prefix.as_ref().and_then(|p| p.get(0)).map_or(0, |p| p.end())..);
        Self {
            number,
            process: group("process").to_owned(),
            level,
            text: text.unwrap_or_default().to_owned(),
        }
    }

    /// As people are shown it.
    pub(super) fn shown(&self) -> String {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    }

    /// Whether it quotes source code, as tracebacks do: that may contain any error's text.
    fn quotes(&self) -> bool {
        self.text.starts_with("    ") || self.text.starts_with("  File \"")
    }
}

/// The lines that may tell of an error: not empty, not said to be harmless, not quoted source.
pub(super) fn telling(log: &[String]) -> Vec<Line> {
    log.iter()
        .zip(1..)
        .map(|(raw, number)| Line::parse(number, raw))
        .filter(|line| line.level != Level::Harmless && !line.quotes() && !line.text.trim().is_empty())
        .collect()
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

//! Columns and words: what every listing shares.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use unicode_width::UnicodeWidthStr;

/// What is laid out for where standard output is no terminal, and the most that prose takes: longer lines are hard to
/// read.
const USUAL: usize = 80;
/// A terminal that is narrower gets lines that it breaks itself.
const LEAST: usize = 20;

static COLUMNS: AtomicUsize = AtomicUsize::new(USUAL);

/// Lays out what follows for the terminal that standard output is, if it is one.
pub fn use_terminal_width() {
    if let Some((width, _)) = terminal_size::terminal_size_of(std::io::stdout()) {
        COLUMNS.store(usize::from(width.0).max(LEAST), Ordering::Relaxed);
    }
}

/// Columns for a table.
pub(super) fn columns() -> usize {
    #[cfg(test)]
    if let Some(columns) = tests::COLUMNS.get() {
        return columns;
    }
    COLUMNS.load(Ordering::Relaxed)
}

/// Columns for sentences.
pub(super) fn prose() -> usize {
    columns().min(USUAL)
}

/// A count with its noun: `1 pod`, `3 pods`.
pub(super) struct Count(pub(super) usize, pub(super) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, noun) = self;
        match count {
            1 => write!(f, "1 {noun}"),
            _ => match noun.strip_suffix('s') {
                Some(stem) => write!(f, "{count} {stem}ses"),
                None => write!(f, "{count} {noun}s"),
            },
        }
    }
}

/// How many columns a text takes on a terminal: none for what combines with a letter, two for a wide one.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// As much of the text as `columns` hold; what is cut off is marked.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short = text.to_owned();
    while width(&short) >= columns.max(1) {
        short.pop();
    }
    short + "…"
}

/// The text, filled up with blanks to `columns`.
pub(super) fn padded(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The text in lines of at most `columns`, broken at blanks; a word that is longer stays whole.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        let line = lines.last().map_or(0, |line| width(line));
        if line > 0 && line + 1 + width(word) > columns {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// Words, where a short `quotation` is one.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.find(' ').unwrap_or(rest.len());
        let quoted =
            rest[..end].find('`').and_then(|from| Some((from, from + 1 + rest[from + 1..].find('`')?)));
        if let Some((_, to)) = quoted.filter(|(from, to)| *to > end && to - from <= QUOTED) {
            end = rest[to..].find(' ').map_or(rest.len(), |blank| to + blank);
        }
        words.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(' ');
    }
    words
}

/// A quotation that is longer is broken as other text.
const QUOTED: usize = 30;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// In tests, what the terminal would have.
        pub(super) static COLUMNS: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// What `text` makes for a terminal of so many columns, without color.
    pub(in crate::ui) fn at(columns: usize, text: impl Fn() -> String) -> String {
        COLUMNS.set(Some(columns));
        let made = text();
        COLUMNS.set(None);
        anstream::adapter::strip_str(&made).to_string()
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        for (text, columns) in [("abc", 3), ("ü", 1), ("u\u{308}", 1), ("显卡", 4), ("a🚀", 3), ("", 0)]
        {
            assert_eq!(width(text), columns, "{text}");
            assert_eq!(width(&padded(text, 6)), 6, "{text}");
        }
        for (text, short) in [("abcdef", "abcdef"), ("abcdefg", "abcde…"), ("显卡显卡", "显卡…")] {
            assert_eq!(cut(text, 6), short);
        }
    }

    #[test]
    fn counts_take_their_plural() {
        assert_eq!(Count(1, "pod").to_string(), "1 pod");
        assert_eq!(Count(0, "pod").to_string(), "0 pods");
        assert_eq!(Count(2, "process").to_string(), "2 processes");
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdefgh ij", 4), ["abcdefgh", "ij"]);
        assert_eq!(wrapped("write `gpus = 0`, or go", 14), ["write", "`gpus = 0`, or", "go"]);
        assert_eq!(wrapped("a ` b", 3), ["a `", "b"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}

//! A text that is shown again and again: in its place on a terminal, one below the other elsewhere.

use crate::ui::output;
use anstream::{AutoStream, ColorChoice};
use miette::Result;
use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

/// Where the text stands.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    drawn: bool,
}

impl Screen {
    /// Standard output.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it asks whether standard output is a terminal")]
    pub fn new() -> Self {
        Self { terminal: stdout().is_terminal(), drawn: false }
    }

    /// Whether something was drawn.
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// Shows a text in place of the one before. On a terminal that is too low for it the rest is counted.
    pub fn draw(&mut self, text: &str) -> Result<()> {
        let first = !std::mem::replace(&mut self.drawn, true);
        if !self.terminal {
            return output::data(text);
        }
        let rows = terminal_size::terminal_size().map_or(24, |(_, rows)| usize::from(rows.0));
        let plain = AutoStream::choice(&stdout()) == ColorChoice::Never;
        let text = if plain { anstream::adapter::strip_str(text).to_string() } else { text.to_owned() };
        let whole = in_place(&text, rows, if first { Begin::Cleared } else { Begin::Home });
        output::to_terminal(&whole)
    }
}

/// What comes before the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// A clear screen.
    Cleared,
    /// The old text, which is written over: that does not flicker.
    Home,
}

/// The text with what puts it at the top: each line wipes what it covers, the last one what is below.
fn in_place(text: &str, rows: usize, begin: Begin) -> String {
    let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    let room = rows.saturating_sub(1).max(1);
    let mut whole = if begin == Begin::Cleared { "\u{1b}[2J\u{1b}[H" } else { "\u{1b}[H" }.to_owned();
    let shown = if lines.len() > room { room - 1 } else { lines.len() };
    for line in &lines[..shown] {
        whole.push_str(line);
        whole.push_str("\u{1b}[K\n");
    }
    if shown < lines.len() {
        let _ = writeln!(whole, "… {} more lines\u{1b}[K", lines.len() - shown);
    }
    whole + "\u{1b}[J"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_over_the_one_before_and_never_scrolls() {
        let shown = |text: &str, rows| in_place(text, rows, Begin::Home).replace('\u{1b}', "^");
        assert_eq!(shown("a\nb\n", 24), "^[Ha^[K\nb^[K\n^[J");
        assert_eq!(shown("a\nb\nc\nd\n", 4), "^[Ha^[K\nb^[K\n… 2 more lines^[K\n^[J");
        assert_eq!(shown("a\nb\nc\n", 4), "^[Ha^[K\nb^[K\nc^[K\n^[J");
        assert!(in_place("a", 24, Begin::Cleared).starts_with("\u{1b}[2J\u{1b}[H"));
    }
}

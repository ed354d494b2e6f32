//! Columns and words: what every listing shares.

use std::fmt;

/// The width that texts are laid out for; a terminal that is wider changes nothing.
pub(super) const WIDTH: usize = 80;

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

/// How many columns a text takes, for the letters and signs that pi uses.
pub(super) fn width(text: &str) -> usize {
    text.chars().count()
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
mod tests {
    use super::*;

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

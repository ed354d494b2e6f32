//! What is not TOML, in words.
//!
//! In: the parser's errors. Out: one problem per line: what follows the first error of a line follows from it.

use super::suggest::sounds_secret;
use crate::problem::Problem;
use toml::de::Error;

const DUPLICATE: &str = "duplicate key";

/// Whether the rest of the document means what it says: keys written twice leave it whole.
pub(super) fn is_readable(errors: &[Error]) -> bool {
    errors.iter().all(|error| error.message() == DUPLICATE)
}

/// The first problem of every line.
pub(super) fn problems(errors: &[Error], text: &str) -> Vec<Problem> {
    let start = |error: &Error| error.span().map_or(text.len(), |span| span.start);
    let mut sorted: Vec<_> = errors.iter().collect();
    sorted.sort_by_key(|error| start(error));
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    sorted.dedup_by_key(|error| ends.partition_point(|end| *end < start(error)));
    sorted.into_iter().map(|error| problem(error, text)).collect()
}

fn problem(error: &Error, text: &str) -> Problem {
    let span = error.span().unwrap_or(text.len()..text.len());
    let word = text.get(span.clone()).unwrap_or_default().trim();
    if error.message() == DUPLICATE {
        let message = format!("`{word}` is already there");
        return Problem::new(message, span, "written a second time").help("a key stands once in its table");
    }
    if error.message().starts_with("string values must be quoted") && !word.is_empty() {
        let line = text[..span.start].rsplit('\n').next().unwrap_or_default();
        if sounds_secret(line) {
            return Problem::new("text needs quotes", span.clone(), "no quotes").hiding(span);
        }
        return Problem::new("text needs quotes", span, "no quotes").help(format!("write {word:?}"));
    }
    // what the parser could have taken instead is a list of signs; what is missing stands in front of it
    let what = error.message().split_once(", expected ").map_or(error.message(), |(what, _)| what);
    let (message, help) = match what {
        "string values must be quoted" => ("a value is missing", None),
        "invalid basic string" | "invalid literal string" => {
            ("this text does not end", Some("close its quotes"))
        }
        "unclosed table" => ("this header does not end", Some("close it: [pods.NAME]")),
        "unclosed array" => ("this list does not end", Some("close it with `]`")),
        "unclosed inline table" => ("this table does not end", Some("close it with `}`")),
        "missing comma between array elements" | "missing comma between key-value pairs" => {
            ("a comma is missing", None)
        }
        "unexpected key or value" => ("there is more on this line than a key and its value", None),
        "invalid unquoted key" if word == ":" => ("`:` where `=` belongs", Some(KEY_VALUE)),
        "invalid unquoted key" => {
            ("this sign may not stand in a key", Some("letters, digits, `-` and `_` may; others need quotes"))
        }
        "key with no value" | "missing value for key" => ("a key without a value", Some(KEY_VALUE)),
        other => (other, None),
    };
    Problem::new(message, span, "here").maybe_help(help.map(str::to_owned))
}

const KEY_VALUE: &str = "keys and values are written key = value, tables [pods.NAME]";

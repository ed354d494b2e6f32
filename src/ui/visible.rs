//! Text that somebody else wrote, made harmless for a terminal: what would steer it is shown instead.

use serde_json::Value;
use std::fmt::Write;

/// The text with every control character but newline and tab replaced by its picture, and what reorders text by `�`.
///
/// Each character is judged alone, so that a text may come in any portions.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars().filter(|c| *c != '\r').map(picture).collect()
}

fn picture(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // C1 controls, and the marks that let a text read otherwise than it is
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    }
}

/// One event: JSON on a line of its own.
#[must_use]
pub fn json_line(value: &Value) -> String {
    format!("{}\n", escaped(&value.to_string()))
}

/// One document: JSON with a line for each field.
#[must_use]
pub fn json_page(value: &Value) -> String {
    format!("{}\n", escaped(&format!("{value:#}")))
}

/// JSON in which no character steers a terminal: `serde_json` escapes those below U+0020, not the rest.
fn escaped(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let table = [
            ("plain ü\n\ttext", "plain ü\n\ttext"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "␛[2J␛]0;title␇"),
            ("a\r\nb\rc", "a\nbc"),
            ("\u{9b}31m\u{7f}\u{202e}", "\u{fffd}31m␡\u{fffd}"),
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn json_is_the_same_value_without_controls() {
        let value = serde_json::json!({ "text": "\u{1b}[2J\u{9b}1m\u{7f}\u{202e}ü\n" });
        for text in [json_line(&value), json_page(&value)] {
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
        assert_eq!(json_line(&value).lines().count(), 1);
    }
}

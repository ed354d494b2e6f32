//! A conversation as it happens: what the model says is data, all else is told beside it.

use crate::agent::{Call, Ending, Event, Measured, Piece, Trouble, Usage};
use crate::ui::output::{Reader, note_part, stream};
use crate::ui::style::{ADD, FAINT, REMOVE, Styled};
use crate::ui::visible::{json_line, visible};
use serde_json::{Value, json};
use std::fmt::Write;

/// How many lines of a result are shown.
const LINES: usize = 6;
/// The most characters of such a line, and of a call's arguments.
const WIDE: usize = 200;

/// Text, and the stream that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// For standard output.
    Data(String),
    /// For standard error.
    Note(String),
}

/// Writes each text to its stream.
#[must_use]
pub fn tell(told: &[Told]) -> Reader {
    let mut reader = Reader::There;
    for text in told {
        match text {
            Told::Data(text) => {
                if stream(text) == Reader::Gone {
                    reader = Reader::Gone;
                }
            }
            Told::Note(text) => note_part(text),
        }
    }
    reader
}

/// What is being said: kinds of text are parted by new lines.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Saying {
    #[default]
    Nothing,
    Thinking,
    Text,
}

/// Turns events into text.
#[derive(Debug, Default)]
pub struct Conversation {
    saying: Saying,
    /// Whether the last character was a new line.
    at_line_start: bool,
}

impl Conversation {
    /// What there is to tell of an event.
    pub fn hear(&mut self, event: &Event) -> Vec<Told> {
        match event {
            Event::Piece(Piece::Thinking(text)) => self.say(Saying::Thinking, text),
            Event::Piece(Piece::Text(text)) => self.say(Saying::Text, text),
            Event::Calling(call) => vec![Told::Note(format!("{}\n", call_line(call)))],
            Event::Result { result, .. } => vec![Told::Note(result_lines(result))],
            // a call is told once more when its turn has come: results stand below their calls
            Event::Piece(Piece::Call(_)) | Event::Turn(_) => self.pause(),
        }
    }

    /// Ends the line, if one has begun.
    pub fn pause(&mut self) -> Vec<Told> {
        let told = match self.saying {
            Saying::Thinking if !self.at_line_start => vec![Told::Note("\n".to_owned())],
            Saying::Text if !self.at_line_start => vec![Told::Data("\n".to_owned())],
            Saying::Nothing | Saying::Thinking | Saying::Text => Vec::new(),
        };
        self.saying = Saying::Nothing;
        told
    }

    fn say(&mut self, saying: Saying, text: &str) -> Vec<Told> {
        let mut told = if self.saying == saying { Vec::new() } else { self.pause() };
        // a model's first new lines part it from nothing
        let text = if self.saying == saying { text } else { text.trim_start_matches(['\n', '\r']) };
        if text.is_empty() {
            return told;
        }
        self.saying = saying;
        self.at_line_start = text.ends_with('\n');
        let text = visible(text);
        told.push(match saying {
            Saying::Thinking => Told::Note(Styled(FAINT, text).to_string()),
            Saying::Text | Saying::Nothing => Told::Data(text),
        });
        told
    }
}

fn call_line(call: &Call) -> String {
    let arguments = call.arguments.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{} {}", Styled(ADD, format!("> {}", visible(&call.name))), visible(&cut(&arguments)))
}

fn result_lines(result: &Result<String, String>) -> String {
    let (text, style) = match result {
        Ok(text) => (text.clone(), FAINT),
        Err(why) => (format!("error: {why}"), REMOVE),
    };
    let count = text.lines().count();
    // one line more takes no more room than saying that there is one
    let shown = if count <= LINES + 1 { count } else { LINES };
    let mut out = String::new();
    for line in text.lines().take(shown) {
        let _ = writeln!(out, "  {}", Styled(style, visible(&cut(line))));
    }
    if count > shown {
        let _ = writeln!(out, "  {}", Styled(FAINT, format!("… {} more lines", count - shown)));
    }
    out
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDE {
        line.to_owned()
    } else {
        line.chars().take(WIDE - 1).chain(['…']).collect()
    }
}

/// How a conversation's last message ended, where there is something to say about it.
#[must_use]
pub fn ending(ending: Ending) -> Option<&'static str> {
    match ending {
        Ending::Answered => None,
        Ending::Full => Some(
            "The answer ends here because there is no room for more: the context is full, or the server's limit is reached.",
        ),
        Ending::Filtered => Some("The server withheld the rest of the answer."),
        Ending::OutOfTurns => {
            Some("The model still wants to call tools. More turns: --max-turns N; to go on from here: -c")
        }
        Ending::Interrupted => Some("Stopped."),
    }
}

/// `--stats`: one line of counts and times.
#[must_use]
pub fn stats(measured: &Measured) -> String {
    let turns = if measured.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", measured.turns) };
    let mut parts = vec![turns];
    match measured.usage {
        Some(Usage { input, output }) => parts.push(format!("{input} tokens read, {output} written")),
        None => parts.push("the server does not count tokens".to_owned()),
    }
    parts.extend(measured.first.map(|first| format!("first token after {:.2} s", first.as_secs_f64())));
    parts.extend(measured.rate().map(|rate| format!("{rate:.1} tokens/s")));
    parts.push(format!("{:.2} s in all", measured.whole.as_secs_f64()));
    parts.join(" · ")
}

/// `--json`: an event as one line; nothing where another says the same.
#[must_use]
pub fn event_json(event: &Event) -> String {
    let value = match event {
        Event::Piece(Piece::Thinking(text)) => json!({ "event": "thinking", "text": text }),
        Event::Piece(Piece::Text(text)) => json!({ "event": "text", "text": text }),
        Event::Piece(Piece::Call(Call { id, name, arguments })) => {
            // malformed arguments are shown as the text that they are
            let arguments: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!(arguments));
            json!({ "event": "tool_call", "id": id, "name": name, "arguments": arguments })
        }
        Event::Calling(_) => return String::new(),
        Event::Result { call, result } => {
            let (Ok(text) | Err(text)) = result;
            json!({ "event": "tool_result", "id": call.id, "name": call.name, "ok": result.is_ok(), "text": text })
        }
        Event::Turn(measured) => with_numbers(json!({ "event": "turn" }), measured),
    };
    json_line(&value)
}

/// `--json`: what is talked to, and where it is kept.
#[must_use]
pub fn begin_json(model: &str, url: &str, session: &str) -> String {
    let value = json!({ "event": "begin", "format": 1, "model": model, "url": url, "session": session });
    json_line(&value)
}

/// `--json`: the end of a message's exchange.
#[must_use]
pub fn end_json(ending: Ending, text: &str, measured: &Measured) -> String {
    let finish = match ending {
        Ending::Answered => "answered",
        Ending::Full => "full",
        Ending::Filtered => "filtered",
        Ending::OutOfTurns => "out_of_turns",
        Ending::Interrupted => "interrupted",
    };
    let value = json!({ "event": "end", "finish": finish, "text": text, "turns": measured.turns });
    json_line(&with_numbers(value, measured))
}

/// `--json`: trouble.
#[must_use]
pub fn trouble_json(Trouble { message, help }: &Trouble) -> String {
    json_line(&json!({ "event": "error", "message": message, "help": help }))
}

fn with_numbers(mut value: Value, measured: &Measured) -> Value {
    if let Some(Usage { input, output }) = measured.usage {
        value["input_tokens"] = json!(input);
        value["output_tokens"] = json!(output);
    }
    if let Some(first) = measured.first {
        value["first_token_seconds"] = json!(rounded(first.as_secs_f64()));
    }
    if let Some(rate) = measured.rate() {
        value["tokens_per_second"] = json!(rounded(rate));
    }
    value["seconds"] = json!(rounded(measured.whole.as_secs_f64()));
    value
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;

//! An answer in the making: whatever the API, its pieces are gathered here.

use crate::agent::message::{Answer, Call, Finish, Piece, Usage};
use crate::agent::think::Parted;
use crate::bounded::{Over, TURN_TEXT};
use serde_json::Value;

/// Why a stream is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server says that it failed.
    Said {
        /// As an HTTP status, where it gives one.
        code: Option<u16>,
        /// Its words.
        message: String,
    },
    /// It is not what the API promises.
    Garbled(String),
    /// There is too much of it, or it takes too long.
    Over(Over),
    /// It ended before the answer did.
    Cut,
}

/// What has arrived so far.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) answer: Answer,
    /// Whether the server has said that this is all.
    pub(super) complete: bool,
    parted: Parted,
    /// How much of it is kept, in bytes.
    size: u64,
}

impl Gathered {
    /// More text, in which thinking may be marked by tags.
    pub(super) fn text(&mut self, text: &str) -> Vec<Piece> {
        let pieces = self.parted.push(text);
        self.keep(&pieces);
        pieces
    }

    /// More thinking, in a field of its own.
    pub(super) fn thinking(&mut self, text: &str, field: &str) -> Vec<Piece> {
        if text.is_empty() {
            return Vec::new();
        }
        self.answer.thinking_field.get_or_insert_with(|| field.to_owned());
        let pieces = vec![Piece::Thinking(text.to_owned())];
        self.keep(&pieces);
        pieces
    }

    /// Makes room for what is going to be kept.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        self.size += bytes as u64;
        if self.size > TURN_TEXT.bytes { Err(Fault::Over(Over::Bytes(TURN_TEXT))) } else { Ok(()) }
    }

    /// Why it ended, and that it did.
    pub(super) fn finish(&mut self, finish: Finish) {
        self.answer.finish = finish;
        self.complete = true;
    }

    /// Tokens, as the server counted them.
    pub(super) fn count(&mut self, input: Option<u64>, output: Option<u64>) {
        if let (Some(input), Some(output)) = (input, output) {
            self.answer.usage = Some(Usage { input, output });
        }
    }

    /// The rest of the pieces and the whole answer.
    pub(super) fn end(mut self, calls: Vec<Call>) -> (Vec<Piece>, Answer) {
        let mut pieces: Vec<Piece> = self.parted.end().into_iter().collect();
        for (at, mut call) in calls.into_iter().enumerate() {
            if call.id.is_empty() {
                call.id = format!("call_{at}");
            }
            pieces.push(Piece::Call(call));
        }
        self.keep(&pieces);
        (pieces, self.answer)
    }

    fn keep(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Thinking(text) => self.answer.thinking.push_str(text),
                Piece::Text(text) => self.answer.text.push_str(text),
                Piece::Call(call) => self.answer.calls.push(call.clone()),
            }
        }
    }
}

/// What a server means by its `error`: text, or an object with a message and a code.
pub(super) fn said(error: &Value) -> Fault {
    let text = error["message"].as_str().or(error.as_str());
    let message = text.map_or_else(|| error.to_string(), str::to_owned);
    let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    Fault::Said { code, message }
}

/// JSON of an event, or what it was instead.
pub(super) fn parse<T: serde::de::DeserializeOwned>(data: &str) -> Result<T, Fault> {
    serde_json::from_str(data).map_err(|error| {
        let begin: String = data.chars().take(200).collect();
        Fault::Garbled(format!("{error}: {begin}"))
    })
}

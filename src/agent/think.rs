//! Thinking that a server leaves in the text, between `<think>` and `</think>` at its beginning.

use crate::agent::message::Piece;

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// A text that arrives in portions, parted into what is thought and what is said.
#[derive(Debug, Default)]
pub(super) struct Parted {
    place: Place,
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing but white space and perhaps a part of the opening tag.
    #[default]
    Beginning,
    Thinking,
    /// Behind the closing tag: white space there belongs to it.
    Between,
    Saying,
}

impl Parted {
    /// What can be told by now: what might be a part of a tag is held back.
    pub(super) fn push(&mut self, text: &str) -> Vec<Piece> {
        self.held.push_str(text);
        let mut pieces = Vec::new();
        while self.step(&mut pieces) {}
        pieces
    }

    /// What was held back.
    pub(super) fn end(&mut self) -> Option<Piece> {
        let rest = std::mem::take(&mut self.held);
        match self.place {
            Place::Thinking => piece(Piece::Thinking, &rest),
            Place::Beginning | Place::Saying => piece(Piece::Text, &rest),
            Place::Between => None,
        }
    }

    /// One step onwards; false if more has to arrive first.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        let begun = self.held.trim_start();
        match self.place {
            Place::Beginning if begun.starts_with(OPEN) => {
                self.held = begun.strip_prefix(OPEN).unwrap_or(begun).to_owned();
                self.place = Place::Thinking;
            }
            Place::Beginning if OPEN.starts_with(begun) => return false,
            Place::Between if begun.is_empty() => return false,
            Place::Between => {
                self.held = begun.to_owned();
                self.place = Place::Saying;
            }
            Place::Beginning => self.place = Place::Saying,
            Place::Saying if self.held.is_empty() => return false,
            Place::Saying => pieces.extend(piece(Piece::Text, &std::mem::take(&mut self.held))),
            Place::Thinking => return self.think(pieces),
        }
        true
    }

    fn think(&mut self, pieces: &mut Vec<Piece>) -> bool {
        if let Some((thought, rest)) = self.held.split_once(CLOSE) {
            pieces.extend(piece(Piece::Thinking, thought));
            self.held = rest.to_owned();
            self.place = Place::Between;
            return true;
        }
        let held_back =
            (1..CLOSE.len()).rev().find(|length| self.held.ends_with(&CLOSE[..*length])).unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - held_back);
        pieces.extend(piece(Piece::Thinking, &std::mem::replace(&mut self.held, rest)));
        false
    }
}

fn piece(kind: fn(String) -> Piece, text: &str) -> Option<Piece> {
    (!text.is_empty()).then(|| kind(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All that was thought, all that was said.
    fn part(portions: &[&str]) -> (String, String) {
        let mut parted = Parted::default();
        let mut pieces: Vec<Piece> = portions.iter().flat_map(|text| parted.push(text)).collect();
        pieces.extend(parted.end());
        let mut sums = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Thinking(text) => sums.0 += &text,
                Piece::Text(text) => sums.1 += &text,
                Piece::Call(_) => unreachable!(),
            }
        }
        sums
    }

    #[test]
    fn only_tags_at_the_beginning_are_tags() {
        let table = [
            ("plain", "", "plain"),
            ("<think>a</think>b", "a", "b"),
            ("\n<think>\na\n</think>\n\nb\n", "\na\n", "b\n"),
            ("<think>never closed", "never closed", ""),
            ("<think>a</think>", "a", ""),
            ("<think></think>b", "", "b"),
            ("<thin", "", "<thin"),
            ("  a <think>b</think>", "", "  a <think>b</think>"),
            ("<think>a </thin b</think>c<think>d", "a </thin b", "c<think>d"),
        ];
        for (text, thought, said) in table {
            assert_eq!(part(&[text]), (thought.to_owned(), said.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn portions_change_nothing(
            words in proptest::collection::vec(
                prop_oneof![Just("<think>"), Just("</think>"), Just("<"), Just("/think>"), Just(" "), Just("ü"), Just("a")],
                0..12,
            ),
            size in 1_usize..4,
        ) {
            let text = words.concat();
            let chars: Vec<char> = text.chars().collect();
            let portions: Vec<String> = chars.chunks(size).map(|chunk| chunk.iter().collect()).collect();
            let portions: Vec<&str> = portions.iter().map(String::as_str).collect();
            prop_assert_eq!(part(&portions), part(&[&text]));
        }
    }
}

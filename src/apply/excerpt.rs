//! What a script said, for when it fails: an engine's log names the first cause early, and how it ended late.

use crate::remote::Line;
use std::collections::VecDeque;

/// How many lines are kept: one half from the beginning, the other from the end.
const KEPT: usize = 20_000;
/// How much of them, in bytes: lines may be a megabyte long.
const KEPT_BYTES: usize = 16 << 20;

/// What stands in place of the others.
pub(super) const LEFT_OUT: &str = "pi: lines left out here: ";

/// The first and the last lines.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    first: Vec<Line>,
    last: VecDeque<Line>,
    left_out: usize,
    first_bytes: usize,
    last_bytes: usize,
}

impl Excerpt {
    pub(super) fn push(&mut self, line: Line) {
        let bytes = length(&line);
        if self.last.is_empty() && self.first.len() < KEPT / 2 && self.first_bytes + bytes <= KEPT_BYTES / 2 {
            self.first_bytes += bytes;
            self.first.push(line);
            return;
        }
        self.last_bytes += bytes;
        self.last.push_back(line);
        while self.last.len() > KEPT / 2 || self.last_bytes > KEPT_BYTES / 2 {
            let Some(line) = self.last.pop_front() else { break };
            self.last_bytes -= length(&line);
            self.left_out += 1;
        }
    }

    /// All that was kept; a line in between tells how many were not.
    pub(super) fn into_lines(self) -> Vec<Line> {
        let Self { first: mut lines, last, left_out, first_bytes: _, last_bytes: _ } = self;
        if left_out > 0 {
            lines.push(Line::Out(format!("{LEFT_OUT}{left_out}")));
        }
        lines.extend(last);
        lines
    }
}

fn length(line: &Line) -> usize {
    let (Line::Out(text) | Line::Err(text)) = line;
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        for (said, kept, gap) in [(0, 0, 0), (3, 3, 0), (KEPT, KEPT, 0), (KEPT + 7, KEPT + 1, 7)] {
            let mut all = Excerpt::default();
            (0..said).for_each(|number| all.push(Line::Out(number.to_string())));
            let lines = all.into_lines();
            assert_eq!(lines.len(), kept);
            let ends = lines.first().zip(lines.last());
            let wanted = (Line::Out("0".to_owned()), Line::Out((said.max(1) - 1).to_string()));
            assert_eq!(ends, (said > 0).then_some((&wanted.0, &wanted.1)));
            let told = Line::Out(format!("{LEFT_OUT}{gap}"));
            assert_eq!(lines.iter().position(|line| *line == told), (gap > 0).then_some(KEPT / 2));
        }
    }

    #[test]
    fn long_lines_are_kept_by_their_bytes() {
        let mut all = Excerpt::default();
        (0..40).for_each(|number| all.push(Line::Out(format!("{number} {}", "x".repeat(1 << 20)))));
        let lines = all.into_lines();
        assert!(lines.iter().map(length).sum::<usize>() <= KEPT_BYTES + 100);
        let first = |line: &Line| matches!(line, Line::Out(text) if text.starts_with("0 "));
        let last = |line: &Line| matches!(line, Line::Out(text) if text.starts_with("39 "));
        assert!(lines.first().is_some_and(first) && lines.last().is_some_and(last));
    }
}

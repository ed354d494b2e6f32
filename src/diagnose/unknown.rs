//! The first error of a log that no row explains, or the place where a process ended without a word.

use super::exceptions::{Part, Told};
use super::line::Line;
use super::prefix::Level;
use super::table::Table;
use crate::manifest::EngineKind;

/// The first error as such: where llama.cpp says `E`, what Python's first exception ends with; never an echo.
pub(super) fn first_error(kind: EngineKind, told: &[&Told], table: &Table) -> Option<Line> {
    let said =
        || told.iter().copied().filter(|told| told.part != Part::Header && !repeats(&told.line, table));
    let loud = || said().find(|told| told.line.level == Level::Error);
    let raised = || last_of_first(told, table);
    let named = || said().find(|told| names_an_error(&told.line.text));
    let found = match kind {
        EngineKind::LlamaCpp => loud().or_else(raised).or_else(named),
        EngineKind::Vllm => raised().or_else(loud).or_else(named),
        EngineKind::Command => raised(),
    };
    found.map(|told| told.line.clone())
}

/// How far a log had come when a process ended without a word, so that the others only say that it is gone; none
/// where the server was told to stop.
pub(super) fn silent_end(log: &[String], told: &[&Told], table: &Table) -> Option<Line> {
    let first_echo = told.iter().find(|told| table.is_echo(&told.line.text))?;
    if told.iter().any(|told| table.is_stop(&told.line.text)) {
        return None;
    }
    // the echo may stand at the end of a traceback
    let header = told.iter().find(|told| told.part == Part::Header).unwrap_or(first_echo);
    let before = header.line.number.min(first_echo.line.number);
    last_before(log, before, |text| !text.starts_with("[shutdown]"))
}

/// The last thing that an unknown program said.
pub(super) fn last_line(kind: EngineKind, log: &[String]) -> Option<Line> {
    match kind {
        EngineKind::Command => last_before(log, usize::MAX, |_| true),
        EngineKind::Vllm | EngineKind::LlamaCpp => None,
    }
}

/// The last line before another that is not empty and wanted.
fn last_before(log: &[String], number: usize, wanted: fn(&str) -> bool) -> Option<Line> {
    let mut lines =
        log.iter().enumerate().take(number.saturating_sub(1)).rev().map(|(at, raw)| Line::parse(at + 1, raw));
    lines.find(|line| !line.text.trim().is_empty() && wanted(&line.text))
}

/// What the first exception ends with; that of an engine's process before that of the server in front of it.
pub(super) fn last_of_first<'a>(told: &[&'a Told], table: &Table) -> Option<&'a Told> {
    let raised = |told: &&Told| told.part == Part::Raised && !repeats(&told.line, table);
    let ends = || told.iter().copied().filter(raised);
    let behind =
        ends().find(|end| !end.line.process.is_empty() && !end.line.process.starts_with("APIServer"));
    let first = behind.or_else(|| ends().next())?.exception;
    let last = ends().rfind(|end| end.exception == first)?;
    Some(detail(told, last).unwrap_or(last))
}

/// pydantic says only in the next line what is wrong.
fn detail<'a>(told: &[&'a Told], end: &Told) -> Option<&'a Told> {
    let same = |told: &&&Told| told.exception == end.exception && told.part == Part::Rest;
    let rest = told.iter().filter(same).filter(|told| told.line.number > end.line.number);
    let mut indented = rest.copied().filter(|told| told.line.text.starts_with("  "));
    if end.line.text.contains("validation error") { indented.next() } else { None }
}

fn repeats(line: &Line, table: &Table) -> bool {
    table.is_echo(&line.text) || table.is_stop(&line.text)
}

fn names_an_error(text: &str) -> bool {
    ["error:", "Error:", "ERROR", "error while", "failed to", "Failed to"]
        .iter()
        .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::story::Story;
    use super::*;

    fn found(kind: EngineKind, log: &str) -> String {
        let log: Vec<_> = log.lines().map(str::to_owned).collect();
        let story = Story::of(kind, &log);
        let told: Vec<_> = story.telling().collect();
        let line = first_error(kind, &told, Table::of(kind)).or_else(|| last_line(kind, &log));
        line.map(|line| line.text).unwrap_or_default()
    }

    #[test]
    fn the_engine_is_heard_before_the_server_in_front_of_it() {
        let log = "\
(APIServer pid=1) ERROR 11-22 08:40:20 [a.py:1] Traceback (most recent call last):
(APIServer pid=1) ERROR 11-22 08:40:20 [a.py:1] OddError: at the front
(EngineCore pid=2) Traceback (most recent call last):
(Worker pid=3) odd words of another process
(EngineCore pid=2)   File \"x\", line 1, in y
(EngineCore pid=2) OddError: in the engine
Traceback (most recent call last):
RuntimeError: Engine core initialization failed. See root cause above.";
        assert_eq!(found(EngineKind::Vllm, log), "OddError: in the engine");
    }

    #[test]
    fn each_kind_has_its_last_resort() {
        let plain = "hello\n\nodd words\n \n";
        assert_eq!(found(EngineKind::Vllm, plain), "");
        assert_eq!(found(EngineKind::LlamaCpp, plain), "");
        assert_eq!(found(EngineKind::Command, plain), "odd words");
        assert_eq!(found(EngineKind::LlamaCpp, "0.0.0.1 I a\n0.0.0.1 E odd\n0.0.0.1 E more"), "odd");
        assert_eq!(
            found(EngineKind::Command, "Traceback (most recent call last):\n  File \"\"\nE: x\nbye"),
            "E: x"
        );
    }
}

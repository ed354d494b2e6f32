//! The first error of a log that no row explains, or the place where a process ended without a word.

use super::line::{Level, Line};
use super::table::Table;
use crate::manifest::EngineKind;

/// The first error as such: where llama.cpp says `E`, where Python's first traceback ends; never an echo.
pub(super) fn first_error(kind: EngineKind, lines: &[Line], table: &Table) -> Option<Line> {
    let echo = |line: &&Line| repeats(line, table);
    let loud = || lines.iter().find(|line| line.level == Level::Error && !is_header(line) && !echo(line));
    let raised = || first_exception(lines, table);
    let named = || lines.iter().find(|line| names_an_error(&line.text) && !is_header(line) && !echo(line));
    let found = match kind {
        EngineKind::LlamaCpp => loud().or_else(raised).or_else(named),
        EngineKind::Vllm => raised().or_else(loud).or_else(named),
        EngineKind::Command => raised(),
    };
    found.cloned()
}

/// How far a log had come when a process ended without a word, so that the others only say that it is gone; none
/// where the server was told to stop.
pub(super) fn silent_end(log: &[String], lines: &[Line], table: &Table) -> Option<Line> {
    let first_echo = lines.iter().find(|line| table.is_echo(&line.text))?;
    if lines.iter().any(|line| table.is_stop(&line.text)) {
        return None;
    }
    // the echo may stand at the end of a traceback
    let header = lines.iter().find(|line| is_header(line)).map_or(first_echo.number, |line| line.number);
    last_before(log, header.min(first_echo.number), |text| !text.starts_with("[shutdown]"))
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

/// The last line of the first traceback; that of an engine's process before that of the server in front of it.
fn first_exception<'a>(lines: &'a [Line], table: &Table) -> Option<&'a Line> {
    let mut front = None;
    for (at, header) in lines.iter().enumerate().filter(|(_, line)| is_header(line)) {
        let rest = lines.get(at + 1..).unwrap_or_default();
        let Some(end) = end_of_traceback(rest, header).filter(|end| !repeats(end, table)) else {
            continue;
        };
        if !header.process.is_empty() && !header.process.starts_with("APIServer") {
            return Some(end);
        }
        front = front.or(Some(end));
    }
    front
}

/// The exception's own line. pydantic says only in the next one what is wrong.
fn end_of_traceback<'a>(rest: &'a [Line], header: &Line) -> Option<&'a Line> {
    // other processes write in between, though never much: without a limit this would be quadratic
    let mut same = rest.iter().take(1000).filter(|line| line.process == header.process);
    let end = same.find(|line| !line.text.starts_with(' '))?;
    let detail =
        same.next().filter(|line| end.text.contains("validation error") && line.text.starts_with(' '));
    detail.or(Some(end)).filter(|line| !is_header(line))
}

fn repeats(line: &Line, table: &Table) -> bool {
    table.is_echo(&line.text) || table.is_stop(&line.text)
}

fn is_header(line: &Line) -> bool {
    line.text.trim_end() == "Traceback (most recent call last):"
}

fn names_an_error(text: &str) -> bool {
    ["error:", "Error:", "ERROR", "error while", "failed to", "Failed to"]
        .iter()
        .any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::line;
    use super::*;

    fn found(kind: EngineKind, log: &str) -> String {
        let log: Vec<_> = log.lines().map(str::to_owned).collect();
        let lines = line::telling(&log);
        let line = first_error(kind, &lines, Table::of(kind)).or_else(|| last_line(kind, &log));
        line.map(|line| line.text).unwrap_or_default()
    }

    #[test]
    fn the_engine_is_heard_before_the_server_in_front_of_it() {
        let log = "\
(APIServer pid=1) ERROR 11-22 08:40:20 [a.py:1] Traceback (most recent call last):
(APIServer pid=1) ERROR 11-22 08:40:20 [a.py:1] OddError: at the front
(EngineCore pid=2) Traceback (most recent call last):
(Worker pid=3) OddError: of another process
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

//! Findings, as people read them: how bad, about what, where in pi.toml, what to do.

use crate::manifest::Lines;
use crate::plan::{Finding, Severity};
use crate::ui::layout::{prose, wrapped};
use crate::ui::style::{CHANGE, FAINT, REMOVE, Styled};
use std::fmt::Write;

/// Columns in front of a finding's text.
const INDENT: usize = 13;

pub(super) fn finding_text(finding: &Finding, lines: &Lines) -> String {
    let Finding { severity, code: _, pod, model, message, help } = finding;
    let (word, style) = match severity {
        Severity::Error => ("error", REMOVE),
        Severity::Warning => ("warning", CHANGE),
        Severity::Note => ("note", FAINT),
    };
    let line = match (model, pod) {
        (Some(model), _) => lines.models.get(model),
        (None, Some(pod)) => lines.pods.get(pod),
        (None, None) => None,
    };
    let place = line.map(|line| format!(" (pi.toml:{line})")).unwrap_or_default();
    let about = model.as_ref().map(|model| format!("{model}: ")).unwrap_or_default();
    let mut text = String::new();
    for (at, part) in wrapped(&format!("{about}{message}{place}"), prose() - INDENT).into_iter().enumerate() {
        let head = if at == 0 { word } else { "" };
        let blanks = " ".repeat(INDENT - 4 - head.len());
        let _ = writeln!(text, "    {}{blanks}{part}", Styled(style, head));
    }
    for (at, part) in help.iter().flat_map(|help| wrapped(help, prose() - INDENT - 2)).enumerate() {
        let arrow = if at == 0 { "→" } else { " " };
        let _ = writeln!(text, "{:INDENT$}{arrow} {part}", "");
    }
    text
}

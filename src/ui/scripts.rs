//! `pi plan --verbose`: the bash that would run, and for restarts what differs from the last one.

use crate::script::Script;
use crate::ui::style::{ADD, FAINT, REMOVE, Styled};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// One script, or its difference from the one that ran before.
#[must_use]
pub fn script_diffs(title: &str, new: &Script, old: Option<&Script>) -> String {
    let mut text = format!("{}\n", Styled(FAINT, format!("# {title}: {}", new.name)));
    let Some(old) = old else {
        for line in new.own.lines() {
            let _ = writeln!(text, "  {line}");
        }
        return text;
    };
    let diff = TextDiff::from_lines(&old.own, &new.own);
    for (at, group) in diff.grouped_ops(2).into_iter().enumerate() {
        if at > 0 {
            let _ = writeln!(text, "  {}", Styled(FAINT, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            let _ = match change.tag() {
                ChangeTag::Equal => writeln!(text, "  {line}"),
                ChangeTag::Delete => writeln!(text, "{} {line}", Styled(REMOVE, "-")),
                ChangeTag::Insert => writeln!(text, "{} {line}", Styled(ADD, "+")),
            };
        }
    }
    text
}

//! What an edit changes in `pi.toml`, before it is written.

use crate::ui::style::{ADD, FAINT, REMOVE, STRONG, Styled};
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// The lines that differ, with two around them; empty if none do.
#[must_use]
pub fn manifest_diff(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut text = String::new();
    for (at, group) in diff.grouped_ops(2).into_iter().enumerate() {
        let _ = match at {
            0 => writeln!(text, "{}", Styled(STRONG, name)),
            _ => writeln!(text, "  {}", Styled(FAINT, "…")),
        };
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches(['\n', '\r']);
            let line = match change.tag() {
                ChangeTag::Equal if line.is_empty() => String::new(),
                ChangeTag::Equal => format!("    {}", Styled(FAINT, line)),
                ChangeTag::Delete => format!("  {} {line}", Styled(REMOVE, "-")),
                ChangeTag::Insert => format!("  {} {line}", Styled(ADD, "+")),
            };
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_with_its_surroundings() {
        let before = "# ours\n\n[pods.a]\nssh = \"a\"\n\n[models.m]\nmodel = \"x/y\"\n";
        let after = before.replace("model = \"x/y\"", "model = \"x/z\"");
        let shown = anstream::adapter::strip_str(&manifest_diff("pi.toml", before, &after)).to_string();
        assert_eq!(shown, "pi.toml\n\n    [models.m]\n  - model = \"x/y\"\n  + model = \"x/z\"\n");
        assert_eq!(manifest_diff("pi.toml", before, before), "");
    }
}

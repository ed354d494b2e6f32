//! `--json` of the verbs that change `pi.toml`: what an edit changes, and that it was written.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use std::path::Path;

/// The lines that go, numbered as before, and those that come, numbered as after.
#[must_use]
pub fn edit_json(path: &Path, before: &str, after: &str) -> Value {
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for change in TextDiff::from_lines(before, after).iter_all_changes() {
        let line = |index: Option<usize>| json!({ "line": index.map(|index| index + 1), "text": text(change.value()) });
        match change.tag() {
            ChangeTag::Equal => {}
            ChangeTag::Delete => gone.push(line(change.old_index())),
            ChangeTag::Insert => new.push(line(change.new_index())),
        }
    }
    json!({ "event": "manifest", "format": 1, "path": path.display().to_string(), "gone": gone, "new": new })
}

/// It was written.
#[must_use]
pub fn written_json(path: &Path) -> Value {
    json!({ "event": "written", "path": path.display().to_string() })
}

fn text(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_with_its_lines() {
        let before = "# ours\n\n[pods.a]\nssh = \"a\"\n";
        let after = "# ours\n[pods.a]\nssh = \"a\"\n\n[pods.b]";
        let told = edit_json(Path::new("/w/pi.toml"), before, after);
        assert_eq!(told["gone"], json!([{ "line": 2, "text": "" }]));
        let new = json!([{ "line": 4, "text": "" }, { "line": 5, "text": "[pods.b]" }]);
        assert_eq!(told["new"], new);
        let same = edit_json(Path::new("/w/pi.toml"), before, before);
        assert_eq!((&same["gone"], &same["new"]), (&json!([]), &json!([])));
    }
}

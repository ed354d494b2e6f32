//! What a plan reads like: `plan.txt` and `plan.json` of every case, to the byte.

use super::case::Case;
use crate::golden::Golden;

#[test]
fn every_plan_reads_as_written_down() {
    let mut golden = Golden::default();
    for case in Case::all() {
        let plan = case.plan(&case.observed);
        let json = format!("{:#}\n", pi::ui::plan_json(&plan));
        golden.compare(&case.folder.join("plan.txt"), &text(&case, &plan));
        golden.compare(&case.folder.join("plan.json"), &json);
    }
    golden.all_as_written();
}

#[test]
fn no_line_is_longer_than_80_columns_that_could_be_broken() {
    for case in Case::all() {
        let text = text(&case, &case.plan(&case.observed));
        for line in text.lines().filter(|line| line.chars().count() > 80) {
            let longest = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
            let rest = line.chars().count() - longest;
            assert!(rest <= 24, "{}: {line}", case.name);
        }
        for line in text.lines() {
            assert_eq!(line, line.trim_end(), "{}: blanks at the end", case.name);
        }
    }
}

/// The plan as people read it, without colour.
pub(super) fn text(case: &Case, plan: &pi::plan::Plan) -> String {
    let text = pi::ui::plan_text(plan, &case.manifest.lines);
    anstream::adapter::strip_str(&text).to_string()
}

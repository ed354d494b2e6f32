//! What a plan reads like: `plan.txt` and `plan.json` of every case, to the byte.

use super::case::Case;
use similar::TextDiff;
use std::fs;
use std::path::Path;

#[test]
fn every_plan_reads_as_written_down() {
    let mut differences = String::new();
    for case in Case::all() {
        let plan = case.plan(&case.observed);
        let json = format!("{:#}\n", pi::ui::plan_json(&plan));
        differences += &golden(&case.folder.join("plan.txt"), &text(&case, &plan));
        differences += &golden(&case.folder.join("plan.json"), &json);
    }
    assert!(differences.is_empty(), "{differences}\naccept with PI_ACCEPT=1");
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

/// The difference between what is written down and what came out; with `PI_ACCEPT=1` the latter is written down.
pub(crate) fn golden(file: &Path, now: &str) -> String {
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected == now {
        return String::new();
    }
    if std::env::var_os("PI_ACCEPT").is_some() {
        fs::write(file, now).unwrap();
        return String::new();
    }
    let diff = TextDiff::from_lines(expected.as_str(), now);
    diff.unified_diff().header(&file.display().to_string(), "now").to_string()
}

//! What a plan reads like: `plan.txt` of every case, to the byte, and `plan.json` of a dozen, which have every action,
//! every detail of one and every kind of finding.

use super::case::Case;
use crate::golden::Golden;
use std::collections::BTreeSet;

/// The cases whose plan is written down as JSON, too.
const AS_JSON: [&str; 12] = [
    "beside-on-the-same-port",
    "beside-on-the-same-port-and-ready",
    "changed-and-the-former-is-kept",
    "destroy-with-weights-and-engines",
    "hub-no-such-file",
    "owner-adopted",
    "planned-ahead-of-the-pod",
    "recipes-and-own-words",
    "same-host-two-containers",
    "stopped-where-nvidia-smi-fails",
    "take-over-of-what-may-be-elsewhere",
    "two-pods",
];

#[test]
fn every_plan_reads_as_written_down() {
    let mut golden = Golden::default();
    let (mut written, mut actions, mut all) = (0, BTreeSet::new(), BTreeSet::new());
    for case in Case::all() {
        let plan = case.plan(&case.observed);
        golden.compare(&case.folder.join("plan.txt"), &text(&case, &plan));
        let named = plan.steps.iter().map(|step| step.action.name());
        all.extend(named.clone());
        if AS_JSON.contains(&case.name.as_str()) {
            let json = format!("{:#}\n", pi::ui::plan_json(&plan));
            golden.compare(&case.folder.join("plan.json"), &json);
            actions.extend(named);
            written += 1;
        }
    }
    golden.all_as_written();
    assert_eq!((written, actions), (AS_JSON.len(), all));
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

/// The plan as people read it, without color.
pub(super) fn text(case: &Case, plan: &pi::plan::Plan) -> String {
    let text = pi::ui::plan_text(plan, &case.manifest.lines);
    anstream::adapter::strip_str(&text).to_string()
}

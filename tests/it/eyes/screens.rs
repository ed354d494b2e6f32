//! `pi list` of recorded pods, as it reads: `tests/lists/CASE.txt` and `.json`, to the byte. A case is a folder of
//! `tests/cases`; `CASE.vitals` is what the servers of its pods said.

use crate::golden::Golden;
use crate::plan::case::Case;
use pi::name::PodName;
use pi::status::{PodStatus, Vitals, vitals};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn lists() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lists")
}

/// The cases that have a list, each with its pods.
fn all() -> Vec<(String, BTreeMap<PodName, PodStatus>)> {
    let files = fs::read_dir(lists()).unwrap().map(|entry| entry.unwrap().path());
    let names: BTreeSet<String> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| names.contains(&case.name)).collect();
    assert_eq!(cases.len(), names.len(), "a list without its case");
    cases
        .iter()
        .map(|case| {
            let said = fs::read_to_string(lists().join(&case.name).with_extension("vitals"));
            let vitals: Vitals = vitals(&said.unwrap_or_default());
            let pods = case.observed.pods.keys();
            (
                case.name.clone(),
                pods.filter_map(|pod| Some((pod.clone(), case.status(pod, &vitals)?))).collect(),
            )
        })
        .collect()
}

fn plain(pods: &BTreeMap<PodName, PodStatus>) -> String {
    anstream::adapter::strip_str(&pi::ui::list_text(pods)).to_string()
}

#[test]
fn every_list_reads_as_written_down() {
    let mut golden = Golden::default();
    for (name, pods) in all() {
        golden.compare(&lists().join(&name).with_extension("txt"), &plain(&pods));
        let json = format!("{:#}\n", pi::ui::list_json(&pods));
        golden.compare(&lists().join(&name).with_extension("json"), &json);
    }
    golden.all_as_written();
}

#[test]
fn no_line_of_a_list_is_longer_than_80_columns_that_could_be_broken() {
    for (name, pods) in all() {
        for line in plain(&pods).lines() {
            assert_eq!(line, line.trim_end(), "{name}: blanks at the end");
            let longest = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
            assert!(line.chars().count() <= 80 || longest > 40, "{name}: {line}");
            assert!(!line.chars().any(char::is_control), "{name}: {line:?}");
        }
    }
}

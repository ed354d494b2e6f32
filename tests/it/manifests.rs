//! `tests/manifests/*.toml`: manifests with something wrong, and beside each the report as it is shown.

use miette::{GraphicalReportHandler, GraphicalTheme};
use pi::manifest;
use pi::problem::{OneBelowTheOther, Problems};
use std::path::Path;

#[test]
fn every_bad_manifest_is_reported_as_written_down() {
    let mut files: Vec<_> = std::fs::read_dir("tests/manifests")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 30, "only {} bad manifests", files.len());
    let mut differences = String::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let report = match manifest::parse("pi.toml", &text, Path::new("/work/team")) {
            Ok(_) => "no problem\n".to_owned(),
            Err(problems) => show(&problems),
        };
        // a label stands where its value stands: that width is the manifest's own
        for line in report.lines().filter(|line| !line.contains("╰──")) {
            assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        }
        differences += &golden(&file.with_extension("txt"), &report);
    }
    assert!(differences.is_empty(), "{differences}\naccept with PI_ACCEPT=1");
}

/// The report at 80 columns, without colour.
pub(crate) fn show(problems: &Problems) -> String {
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(80).with_links(false);
    let mut text = String::new();
    OneBelowTheOther::new(handler).render(problems, &mut text).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The difference between what is written down and what came out; with `PI_ACCEPT=1` the latter is written down.
fn golden(file: &Path, report: &str) -> String {
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected == report {
        return String::new();
    }
    if std::env::var_os("PI_ACCEPT").is_some() {
        std::fs::write(file, report).unwrap();
        return String::new();
    }
    let diff = similar::TextDiff::from_lines(expected.as_str(), report);
    diff.unified_diff().header(&file.display().to_string(), "now").to_string()
}

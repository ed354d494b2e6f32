//! `tests/manifests/*.toml`: manifests with something wrong, and beside each the report as it is shown.

use crate::golden::Golden;
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
    let mut golden = Golden::default();
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
        golden.compare(&file.with_extension("txt"), &report);
    }
    golden.all_as_written();
}

/// The report at 80 columns, without color.
pub(crate) fn show(problems: &Problems) -> String {
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(80).with_links(false);
    let mut text = String::new();
    OneBelowTheOther::new(handler).render(problems, &mut text).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

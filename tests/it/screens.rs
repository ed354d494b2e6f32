//! What the help says, screen by screen, at 80 columns: accepted with `PI_ACCEPT=1`.

use crate::golden::Golden;
use crate::workplace::Workplace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens")
}

/// The screen that `pi WORDS` shows.
fn screen(words: &str) -> String {
    let done = Workplace::new().command(words).env("COLUMNS", "80").output().unwrap();
    let text = [done.stdout, done.stderr].concat();
    String::from_utf8(text).unwrap().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The commands that the help lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    // a description that goes on in the next line begins further right
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Every screen of help by its file's name.
fn screens() -> Vec<(String, String)> {
    let help = screen("help");
    let mut screens = vec![("pi".to_owned(), screen("")), ("help".to_owned(), help.clone())];
    for command in commands(&help).into_iter().filter(|command| command != "help") {
        let text = screen(&format!("{command} --help"));
        if text.contains("Commands:\n") {
            let below = commands(&text).into_iter().filter(|below| below != "help");
            screens.extend(
                below.map(|below| {
                    (format!("{command}-{below}"), screen(&format!("{command} {below} --help")))
                }),
            );
        }
        screens.push((command, text));
    }
    screens
}

#[test]
fn help_reads_as_written_down_has_an_example_and_fits_80_columns() {
    let mut golden = Golden::default();
    let mut known = BTreeSet::new();
    for (name, text) in screens() {
        let file = directory().join(format!("{name}.txt"));
        golden.compare(&file, &text);
        let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "pi {name}: {long:#?}");
        let teaches = text.contains("Example") || ["pi", "help", "schema"].contains(&name.as_str());
        assert!(teaches, "pi {name} has no example");
        known.insert(file);
    }
    golden.all_as_written();
    for file in fs::read_dir(directory()).unwrap() {
        let file = file.unwrap().path();
        assert!(known.contains(&file), "{} is no screen any more", file.display());
    }
}

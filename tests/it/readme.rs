//! What the README and its sisters say is so: manifests are right, plans are real, commands exist, links lead somewhere.

use crate::workplace::Workplace;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/podlab/README.md"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn page(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// What is between each `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(inside, _)| inside).collect()
}

#[test]
fn manifests_in_the_readme_are_right() {
    let readme = page("README.md");
    let manifests = between(&readme, "```toml\n", "```");
    assert!(!manifests.is_empty());
    for manifest in manifests {
        Workplace::with(manifest).pi("check").exits(0);
    }
}

#[test]
fn plans_in_the_readme_are_real() {
    let mut readme = page("README.md");
    let cases: Vec<String> =
        between(&readme, "<!-- tests/cases/", " -->").iter().map(|case| (*case).to_owned()).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let before = format!("<!-- tests/cases/{case} -->\n```text\n");
        let shown = between(&readme, &before, "```")[0].to_owned();
        let real = page(&format!("tests/cases/{case}"));
        if std::env::var_os("PI_ACCEPT").is_some() {
            readme = readme.replace(&format!("{before}{shown}"), &format!("{before}{real}"));
            fs::write(path("README.md"), &readme).unwrap();
        } else {
            assert_eq!(shown, real, "accept with PI_ACCEPT=1");
        }
    }
}

#[test]
fn commands_in_the_readme_exist_and_all_are_there() {
    let readme = page("README.md");
    let table = between(&readme, "\n| `pi ", "` |");
    let told: BTreeSet<&str> = table.iter().filter_map(|command| command.split(' ').next()).collect();
    let help = Workplace::new().pi("--help").exits(0).out;
    let commands = between(&help, "Commands:\n", "\n\n")[0].lines();
    let real: BTreeSet<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(told, real.into_iter().filter(|verb| *verb != "help").collect());
    for line in readme.lines().filter(|line| line.starts_with("| `pi ")) {
        let words = between(line, "| `pi ", "`")[0].split(' ');
        let is_verb = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
        let verb = words.take_while(is_verb).collect::<Vec<_>>().join(" ");
        let help = Workplace::new().pi(&format!("help {verb}")).exits(0).out;
        for flag in between(line, "`--", "`") {
            let flag = format!("--{}", flag.split(' ').next().unwrap());
            assert!(help.contains(&flag), "pi {verb} {flag}");
        }
    }
}

#[test]
fn links_and_paths_lead_somewhere() {
    for name in PAGES {
        let text = page(name);
        let here = path(name).parent().unwrap().to_owned();
        for link in between(&text, "](", ")").into_iter().filter(|link| !link.contains("://")) {
            assert!(here.join(link).exists(), "{name}: {link}");
        }
        for word in between(&text, "`", "`").into_iter().flat_map(str::split_whitespace) {
            let word = word.trim_end_matches('/');
            let ours =
                ["src/", "tests/", "templates/", "examples/", ".ci/"].iter().any(|dir| word.starts_with(dir));
            if ours && !word.contains(['*', '<']) {
                assert!(path(word).exists(), "{name}: {word}");
            }
        }
    }
}

//! What the README, its sisters and the book say is so: manifests are right, plans are real, commands and their flags
//! exist, links and paths lead somewhere.

use crate::workplace::Workplace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Pages beside those of the book.
const PAGES: [&str; 5] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/podlab/README.md"];

/// The README is to be read in one go.
const README_BYTES: usize = 8 << 10;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn page(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// The pages of the book.
fn book() -> Vec<String> {
    let names = fs::read_dir(path("docs/src")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| format!("docs/src/{}", name.to_str().unwrap())).collect()
}

/// What people read to learn how to use `pi`.
fn manual() -> Vec<String> {
    [vec!["README.md".to_owned()], book()].concat()
}

/// What is between each `before` and the next `after`.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(inside, _)| inside).collect()
}

#[test]
fn the_readme_is_short() {
    let bytes = page("README.md").len();
    assert!(bytes <= README_BYTES, "{bytes} bytes");
}

#[test]
fn the_first_command_of_the_readme_is_there() {
    let readme = page("README.md");
    let first = between(&readme, "\n    ", "\n")[0];
    assert!(path(first).is_file(), "{first}");
    assert_eq!(first, "examples/quickstart/run", ".ci/run runs it");
}

#[test]
fn manifests_in_the_manual_are_right() {
    let mut seen = 0;
    for name in manual() {
        for manifest in between(&page(&name), "```toml\n", "```") {
            seen += 1;
            let ran = Workplace::with(manifest).pi("check");
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.err);
        }
    }
    assert!(seen > 0);
}

#[test]
fn plans_in_the_manual_are_real() {
    let mut seen = 0;
    for name in manual() {
        let mut text = page(&name);
        let cases = between(&text, "<!-- tests/cases/", " -->");
        let cases: Vec<String> = cases.iter().map(|case| (*case).to_owned()).collect();
        for case in cases {
            seen += 1;
            let before = format!("<!-- tests/cases/{case} -->\n```text\n");
            let shown = between(&text, &before, "```")[0].to_owned();
            let real = page(&format!("tests/cases/{case}"));
            if std::env::var_os("PI_ACCEPT").is_some() {
                text = text.replace(&format!("{before}{shown}"), &format!("{before}{real}"));
                fs::write(path(&name), &text).unwrap();
            } else {
                assert_eq!(shown, real, "{name}: accept with PI_ACCEPT=1");
            }
        }
    }
    assert!(seen > 0);
}

/// Help texts, each asked for once.
#[derive(Default)]
struct Help(BTreeMap<String, String>);

impl Help {
    fn of(&mut self, verb: &str) -> &str {
        let ask = || Workplace::new().pi(&format!("help {verb}")).exits(0).out;
        self.0.entry(verb.to_owned()).or_insert_with(ask)
    }

    /// The commands below one, without `help`.
    fn below(&mut self, verb: &str) -> BTreeSet<String> {
        let help = self.of(verb);
        let listed = between(help, "Commands:\n", "\n\n").first().copied().unwrap_or_default();
        let names = listed.lines().filter(|line| !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    }

    /// What is wrong with a command line, if anything.
    fn wrong(&mut self, line: &str) -> Option<String> {
        let mut words =
            line.split_whitespace().take_while(|word| !["|", "&&", "--", "#"].contains(word)).peekable();
        let verb = words.next()?;
        let aliases = ["help", "ls", "ps", "--help", "--version", "…"];
        if aliases.contains(&verb) {
            return None;
        }
        if !self.below("").contains(verb) {
            return Some(format!("there is no `pi {verb}`"));
        }
        let mut command = verb.to_owned();
        if let Some(next) = words.peek().filter(|next| self.below(verb).contains(**next)) {
            command = format!("{verb} {next}");
        }
        let flags = words.filter(|word| word.starts_with("--"));
        let flag =
            |word: &str| word.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect::<String>();
        let unknown = flags.map(flag).find(|flag| {
            !self.of(&command).contains(&format!("{flag} "))
                && !self.of(&command).contains(&format!("{flag}\n"))
        });
        unknown.map(|flag| format!("`pi {command}` does not take {flag}"))
    }
}

/// The command lines of a page: between backticks, and at the beginning of a line of a block.
fn commands(text: &str) -> Vec<&str> {
    let lines =
        text.lines().filter_map(|line| line.trim_start().trim_start_matches("$ ").strip_prefix("pi "));
    let lines =
        lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()) && !line.starts_with("will "));
    between(text, "`pi ", "`").into_iter().chain(lines).collect()
}

#[test]
fn commands_in_the_manual_exist_with_their_flags() {
    let mut help = Help::default();
    let mut seen = 0;
    for name in manual().into_iter().filter(|name| !name.ends_with("/commands.md")) {
        for line in commands(&page(&name)) {
            seen += 1;
            let wrong = help.wrong(line);
            assert!(wrong.is_none(), "{name}: pi {line}: {}", wrong.unwrap_or_default());
        }
    }
    assert!(seen > 50, "{seen} commands found");
    assert!(help.wrong("plan --bogus").is_some() && help.wrong("aply").is_some());
    assert!(help.wrong("pods setup --mount X").is_none() && help.wrong("pods setup --refresh").is_some());
}

#[test]
fn the_table_of_json_has_every_command_that_prints_some() {
    let text = page("docs/src/output.md");
    let told: BTreeSet<String> = between(&text, "\n| `pi ", "` |")
        .iter()
        .map(|command| command.split(' ').take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())))
        .map(|words| words.collect::<Vec<_>>().join(" "))
        .collect();
    let mut help = Help::default();
    let mut real = BTreeSet::new();
    for verb in help.below("") {
        let below = help.below(&verb).into_iter().map(|below| format!("{verb} {below}"));
        for command in below.chain([verb.clone()]) {
            if help.of(&command).contains("--json") {
                real.insert(command);
            }
        }
    }
    assert_eq!(told, real);
}

/// The anchors of a page: its headings, as GitHub and mdBook name them.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(heading).collect()
}

#[test]
fn links_and_paths_lead_somewhere() {
    let names: Vec<String> = PAGES.iter().map(|name| (*name).to_owned()).chain(book()).collect();
    for name in names {
        let text = page(&name);
        let here = path(&name).parent().unwrap().to_owned();
        for link in between(&text, "](", ")").into_iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path(&name) } else { here.join(file) };
            assert!(target.exists(), "{name}: {link}");
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(target).unwrap());
                assert!(there.contains(anchor), "{name}: {link}: {there:?}");
            }
        }
        for word in between(&text, "`", "`").into_iter().flat_map(str::split_whitespace) {
            let word = word.trim_end_matches(['/', ',', ')', ':']);
            let ours = ["src/", "tests/", "templates/", "examples/", ".ci/", "docs/", "data/"];
            if ours.iter().any(|dir| word.starts_with(dir)) && !word.contains(['*', '<']) {
                assert!(path(word).exists(), "{name}: {word}");
            }
        }
    }
}

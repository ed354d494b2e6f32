//! Every hint that names a command of pi, or a key of pi.toml, names one that there is.

use crate::cli::args::Cli;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

/// Where words to people stand.
const FOLDERS: [&str; 3] = ["src", "templates", "data"];

#[test]
fn every_command_that_a_hint_names_is_one_that_pi_takes() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (file, text) in files() {
        for hint in texts(&file, &text).iter().flat_map(|text| commands(text)) {
            seen += 1;
            let taken = hint.iter().any(|words| is_taken(words));
            wrong.extend((!taken).then(|| format!("{}: {}", file.display(), hint[0])));
        }
    }
    assert!(seen > 100, "{seen} commands found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_key_that_a_hint_sets_is_one_of_the_manifest() {
    let schema = crate::manifest::schema();
    let mut keys = BTreeSet::new();
    names(&schema, &mut keys);
    assert!(keys.contains("listen") && keys.contains("models_path"), "{keys:?}");
    let mut wrong = Vec::new();
    for (file, text) in files() {
        for text in texts(&file, &text) {
            let said = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(" = "));
            let key =
                |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !name.is_empty();
            let unknown = said.map(|(name, _)| name).filter(key).filter(|name| !keys.contains(*name));
            wrong.extend(unknown.map(|name| format!("{}: {name}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn commands_are_found_and_judged() {
    let found = |text: &str| -> Vec<bool> {
        commands(text).iter().map(|hint| hint.iter().any(|words| is_taken(words))).collect()
    };
    let table: [(&str, &[bool]); 10] = [
        ("`pi apply --target {name}` starts it", &[true]),
        ("`pi apply --targets {name}` starts it", &[false]),
        ("`pi aply` starts it; `pi plan` shows it", &[false, true]),
        ("Next: pi start MODEL", &[true]),
        ("Start it again: pi start {name} --bogus", &[false]),
        ("pi ssh dc1 -- 'df -h | tail -3'     one word is a line", &[true]),
        ("pi stop && pi pods remove dc1 --models    both", &[true, true]),
        ("pi starts itself does; then pi env opens a tunnel", &[false]),
        ("eval \"$(pi env {0})\"", &[true]),
        ("add it by hand: pi pods setup; `pi plan --out` writes it", &[true, true]),
    ];
    for (text, expected) in table {
        assert_eq!(found(text), expected, "{text}");
    }
}

fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !path.ends_with("cli/hints.rs") && text.contains(['`', '"']) {
                files.push((path, text));
            }
        }
    }
    files
}

/// What of a file is shown to people: the text literals of a source file and the comments that are help; all else whole.
fn texts(file: &Path, text: &str) -> Vec<String> {
    if file.extension().is_none_or(|extension| extension != "rs") {
        return text.lines().map(str::to_owned).collect();
    }
    let help = text.lines().filter_map(|line| line.trim_start().strip_prefix("/// "));
    let help: Vec<String> = help.map(str::to_owned).collect();
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    literals(&code.join("\n")).into_iter().chain(help).collect()
}

/// The text literals of Rust source.
fn literals(code: &str) -> Vec<String> {
    static LITERAL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r##"(?s)r#"(.*?)"#|'(?:\\.|[^'\\])'|"((?:\\.|[^"\\])*)""##).unwrap());
    static CONTINUED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\\\n\s*").unwrap());
    let found = LITERAL.captures_iter(code).filter_map(|found| found.get(1).or_else(|| found.get(2)));
    found
        .map(|text| {
            let text = CONTINUED.replace_all(text.as_str(), "");
            text.replace("\\\"", "\"").replace("\\n", "\n").replace("{{", "{").replace("}}", "}")
        })
        .collect()
}

/// The commands in a text. Each may end at several places where it is not quoted: the longest first.
fn commands(text: &str) -> Vec<Vec<String>> {
    static START: LazyLock<Regex> = LazyLock::new(|| {
        let command = Cli::command();
        let names = command.get_subcommands().flat_map(clap::Command::get_name_and_visible_aliases);
        let verbs = names.collect::<Vec<_>>().join("|");
        Regex::new(&format!(r"`pi [a-z]|(?:^|[^-\w./`])pi (?:{verbs})\b(?:[^\w']|$)")).unwrap()
    });
    let mut found = Vec::new();
    for hit in START.find_iter(text) {
        let rest = &text[hit.start() + hit.as_str().find("pi ").unwrap()..];
        let rest = rest.split('\n').next().unwrap();
        let quoted = hit.as_str().starts_with('`').then(|| rest.split_once('`')).flatten();
        let rest = quoted.map_or(rest, |(command, _)| command);
        let ends = [" | ", " && ", "  ", ")", "; ", ", ", ". ", " # ", " >"];
        let mut cuts: Vec<usize> = ends
            .iter()
            .flat_map(|end| rest.match_indices(end).map(|(at, _)| at))
            .chain([rest.len()])
            .collect();
        cuts.sort_unstable_by(|a, b| b.cmp(a));
        found.push(
            cuts.into_iter().map(|cut| rest[..cut].trim_end_matches(['.', '"', '\'']).to_owned()).collect(),
        );
    }
    found
}

/// Whether pi's command line takes it, with something in the place of what is to be filled in.
fn is_taken(command: &str) -> bool {
    static HOLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^}]*\}|…").unwrap());
    static JUDGED: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    let filled = HOLE.replace_all(command, "x1").replace("help COMMAND", "help plan");
    if let Some(taken) = JUDGED.lock().unwrap().get(&filled) {
        return *taken;
    }
    let open = filled.matches('"').count() % 2 == 1;
    let taken = shlex::split(&(filled.clone() + if open { "\"" } else { "" })).is_some_and(|words| {
        let parsed = |words: Vec<String>| match Cli::try_parse_from(words) {
            Ok(_) => true,
            // what stands for itself, without what it takes: `pi logs`
            Err(error) => matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelp),
        };
        let with_value = [words.clone(), vec!["x1".to_owned()]].concat();
        parsed(words) || command.contains(" --") && parsed(with_value)
    });
    JUDGED.lock().unwrap().insert(filled, taken);
    taken
}

/// All property names of a schema.
fn names(schema: &serde_json::Value, into: &mut BTreeSet<String>) {
    if let Some(properties) = schema["properties"].as_object() {
        into.extend(properties.keys().cloned());
    }
    let fields = schema.as_object().into_iter().flat_map(|fields| fields.values());
    fields.chain(schema.as_array().into_iter().flatten()).for_each(|below| names(below, into));
}

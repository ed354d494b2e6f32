//! The book in `docs/`: its generated pages are as `pi` would generate them now, and it covers what it says it covers.

use crate::workplace::Workplace;
use pi::plan::Code;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src").join(name)
}

/// The line of a page below which everything is generated.
const GENERATED: &str = "<!-- Generated below this line -->\n";

/// Compares the generated part of a page with the one in the book, or writes it there with `PI_ACCEPT=1`.
#[track_caller]
pub(crate) fn is_current(name: &str, generated: &str) {
    let there = fs::read_to_string(page(name)).unwrap();
    let (written, part) =
        there.split_once(GENERATED).unwrap_or_else(|| panic!("docs/src/{name} has no {GENERATED}"));
    if std::env::var_os("PI_ACCEPT").is_some() {
        return fs::write(page(name), format!("{written}{GENERATED}{generated}")).unwrap();
    }
    assert_eq!(part, generated, "docs/src/{name}: accept with PI_ACCEPT=1");
}

#[test]
fn the_manifest_reference_is_that_of_the_schema() {
    let schema: Value = serde_json::from_str(&Workplace::new().pi("schema").exits(0).out).unwrap();
    let mut text = String::new();
    keys(&mut text, "Top level", &schema);
    let titles = [
        ("PodTable", "`[pods.NAME]`"),
        ("ModelTable", "`[models.NAME]`"),
        ("EngineTable", "`[engines.NAME]`"),
        ("MountTable", "`mount` as a table"),
        ("Secret", "`[secrets]`: one entry"),
        ("Defaults", "`[defaults]`"),
    ];
    for (name, title) in titles {
        keys(&mut text, title, &schema["definitions"][name]);
    }
    let told = titles.map(|(name, _)| name);
    let tables = schema["definitions"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| value.get("properties").is_some());
    let missing: Vec<&String> =
        tables.map(|(name, _)| name).filter(|name| !told.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "tables of the schema that the page does not have: {missing:?}");
    is_current("manifest.md", &text);
}

#[test]
fn troubleshooting_explains_every_code() {
    let mut text = "\n## Findings of a plan\n".to_owned();
    for code in Code::ALL {
        let _ = write!(text, "\n### {}\n\n{}\n\n{}\n", code.as_str(), code.meaning(), code.remedy());
    }
    text.push_str("\n## Causes of a failed start\n\n| code | cause | what to do |\n|---|---|---|\n");
    let table: toml::Table = toml::from_str(include_str!("../../data/failures.toml")).unwrap();
    let rows = table["failure"].as_array().unwrap();
    let mut causes: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for row in rows {
        let (messages, remedies) = causes.entry(row["code"].as_str().unwrap()).or_default();
        let help = row.get("help").and_then(toml::Value::as_array).into_iter().flatten();
        let words = |value: &toml::Value| value.as_str().unwrap().replace('|', "\\|").replace('<', "&lt;");
        for (list, new) in [(messages, vec![words(&row["message"])]), (remedies, help.map(words).collect())] {
            let new: Vec<String> = new.into_iter().filter(|one| !list.contains(one)).collect();
            list.extend(new);
        }
    }
    for (code, (messages, remedies)) in causes {
        let _ = writeln!(text, "| `{code}` | {} | {} |", messages.join("<br>"), remedies.join("<br>"));
    }
    is_current("troubleshooting.md", &text);
}

/// A section: what the table is for, and its keys.
fn keys(text: &mut String, title: &str, table: &Value) {
    let _ = write!(text, "\n## {title}\n\n");
    if let Some(about) = table["description"].as_str() {
        let _ = write!(text, "{about}\n\n");
    }
    text.push_str("| key | value | meaning |\n|---|---|---|\n");
    for (key, value) in table["properties"].as_object().expect("a table has keys") {
        let about = value["description"].as_str().unwrap_or_default().replace('|', "\\|");
        let _ = writeln!(text, "| `{key}` | {} | {about} |", shape(value));
    }
}

/// What a value looks like: its first example, else its type.
fn shape(value: &Value) -> String {
    if let Some(example) = value["examples"].get(0) {
        return format!("`{example}`").replace('|', "\\|");
    }
    if let Some(default) = value.get("default") {
        return format!("`{default}`");
    }
    let reference = value["allOf"][0]["$ref"].as_str().or_else(|| value["$ref"].as_str());
    match (value["type"].as_str(), reference) {
        (Some("object"), _) => "table".to_owned(),
        (Some("array"), _) => "list".to_owned(),
        (Some(kind), _) => kind.to_owned(),
        (None, Some(reference)) => match reference.rsplit('/').next().unwrap_or_default() {
            "State" => "`\"running\"`, `\"stopped\"`".to_owned(),
            "Restart" => "`\"no\"`, `\"on-failure\"`".to_owned(),
            "EngineKind" => "`\"vllm\"`, `\"llama.cpp\"`, `\"command\"`".to_owned(),
            "Gpus" => "number or list".to_owned(),
            "Context" => "`32768` or `\"32k\"`".to_owned(),
            "Share" => "`\"90%\"` or `0.9`".to_owned(),
            "Pods" => "name, list or labels".to_owned(),
            "Mount" => "string or table".to_owned(),
            _ => "table".to_owned(),
        },
        (None, None) => String::new(),
    }
}

/// The help of commands without the options that all of them take, which the page has once.
fn own_help(text: &str) -> String {
    let (own, rest) = text.split_once("\nGlobal options:\n").expect("every command has the common options");
    let below = rest.find("\nExample").map_or("", |at| &rest[at..]);
    format!("{own}{below}")
}

#[test]
fn the_commands_are_those_of_the_program() {
    let place = Workplace::new();
    let help = place.pi("--help").exits(0).out;
    let mut text = format!("\n```text\n{help}```\n");
    for verb in verbs(&help) {
        let about = place.pi(&format!("help {verb}")).exits(0).out;
        let _ = write!(text, "\n## pi {verb}\n\n```text\n{}```\n", own_help(&about));
        for below in verbs(&about) {
            let about = place.pi(&format!("help {verb} {below}")).exits(0).out;
            let _ = write!(text, "\n### pi {verb} {below}\n\n```text\n{}```\n", own_help(&about));
        }
    }
    is_current("commands.md", &text);
}

/// The commands that a help text lists, without `help` itself.
fn verbs(help: &str) -> Vec<&str> {
    let list = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let list = list.split("\n\n").next().unwrap_or_default();
    let indented = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    indented.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect()
}

#[test]
fn the_walk_goes_through_functions_that_there_are() {
    let walk = fs::read_to_string(page("walk.md")).unwrap();
    let cut = walk.lines().map(|line| line.split('`').collect::<Vec<&str>>());
    let rows: Vec<Vec<&str>> = cut.filter(|cut| is_row(cut)).collect();
    assert!((5..=12).contains(&rows.len()), "{} functions", rows.len());
    for row in rows {
        let (function, file) = (row[1], row[3]);
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(source.contains(&format!("fn {function}(")), "docs/src/walk.md: {file} has no {function}");
    }
}

/// Whether a line cut at its backticks is a numbered row with a function and a file.
fn is_row(cut: &[&str]) -> bool {
    let number = cut[0].trim_matches(['|', ' ']);
    cut.len() > 4 && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn every_page_is_in_the_summary() {
    let summary = fs::read_to_string(page("SUMMARY.md")).unwrap();
    let listed: BTreeSet<&str> =
        summary.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to).collect();
    let there =
        fs::read_dir(page("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = there.filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(listed, there.iter().map(String::as_str).collect());
}

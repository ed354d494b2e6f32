//! The book in `docs/`: its generated pages are as `pi` would generate them now, and it covers what it says it covers.

use crate::workplace::Workplace;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src").join(name)
}

/// Compares a generated page with the one in the book, or writes it there with `PI_ACCEPT=1`.
#[track_caller]
fn is_current(name: &str, generated: &str) {
    if std::env::var_os("PI_ACCEPT").is_some() {
        return fs::write(page(name), generated).unwrap();
    }
    let there = fs::read_to_string(page(name)).unwrap_or_default();
    assert_eq!(there, generated, "docs/src/{name}: accept with PI_ACCEPT=1");
}

#[test]
fn the_manifest_reference_is_that_of_the_schema() {
    let schema: Value = serde_json::from_str(&Workplace::new().pi("schema").exits(0).out).unwrap();
    let mut text = "# The manifest\n\n\
        <!-- Generated from `pi schema` by tests/it/docs.rs -->\n\n\
        `pi.toml` belongs in version control. It contains no secrets. `pi` finds it by `--manifest FILE`, `$PI_MANIFEST`, \
        the nearest `pi.toml` in this directory or above it, or `$PI_CONFIG_DIR/pi.toml` (`~/.pi` by default). `pi check` \
        checks it without any network; `pi schema` prints its JSON Schema for editors.\n"
        .to_owned();
    keys(&mut text, "At the top", &schema);
    let titles = [
        ("PodTable", "`[pods.NAME]`"),
        ("ModelTable", "`[models.NAME]`"),
        ("EngineTable", "`[engines.NAME]`"),
        ("MountTable", "`mount` as a table"),
        ("Secret", "`[secrets]`"),
        ("Defaults", "`[defaults]`"),
    ];
    for (name, title) in titles {
        keys(&mut text, title, &schema["definitions"][name]);
    }
    is_current("manifest.md", &text);
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
            "Pods" => "name, list or labels".to_owned(),
            "Mount" => "string or table".to_owned(),
            _ => "table".to_owned(),
        },
        (None, None) => String::new(),
    }
}

#[test]
fn the_commands_are_those_of_the_program() {
    let place = Workplace::new();
    let help = place.pi("--help").exits(0).out;
    let mut text =
        "# Commands\n\n<!-- Generated from `pi help` by tests/it/docs.rs -->\n\n```text\n".to_owned() + &help + "```\n";
    for verb in verbs(&help) {
        let about = place.pi(&format!("help {verb}")).exits(0).out;
        let _ = write!(text, "\n## pi {verb}\n\n```text\n{about}```\n");
        for below in verbs(&about) {
            let about = place.pi(&format!("help {verb} {below}")).exits(0).out;
            let _ = write!(text, "\n### pi {verb} {below}\n\n```text\n{about}```\n");
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
fn every_page_is_in_the_summary_and_links_lead_somewhere() {
    let summary = fs::read_to_string(page("SUMMARY.md")).unwrap();
    let listed: BTreeSet<&str> = summary.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to).collect();
    let there = fs::read_dir(page("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = there.filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(listed, there.iter().map(String::as_str).collect());
    for name in &there {
        let text = fs::read_to_string(page(name)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(to, _)| to) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(link.contains("://") || file.is_empty() || page(file).exists(), "docs/src/{name}: {link}");
        }
    }
}

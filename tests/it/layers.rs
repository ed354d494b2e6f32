//! The house rules that a program can check: who may use whom, what the core must not touch, what goes through one
//! door only. Each rule is a function from a file to complaints, and is tried on a file that breaks it.

mod code;

use code::{Code, Path};
use std::fs;

/// Files of the core that do touch the world, and why they may.
const TOUCHING: [(&str, &str); 2] = [
    ("manifest/load.rs", "reads pi.toml: the one way in"),
    ("manifest/find.rs", "looks for pi.toml in the directories above"),
];

/// Where a secret's value may be taken out, and why.
const EXPOSING: [(&str, &str); 5] = [
    ("script/", "writes what pods are told"),
    ("remote/", "carries it to the pod's standard input"),
    ("apply/", "sends it as a step's input, and as a bearer token to the server itself"),
    ("hub/client.rs", "sends the hub's token as a bearer token to the hub itself"),
    ("observe/look.rs", "compares it with what the pod has, by salted digests"),
];

const LONGEST: usize = 300;

/// One file below `src/`.
struct File {
    /// From `src/`: `plan/mod.rs`.
    path: String,
    text: String,
    code: Code,
}

type Complaint = (usize, String);

impl File {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: Code::of(text) }
    }

    /// The module it belongs to: `plan`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many `super::` it takes from here to the crate's root.
    fn depth(&self) -> usize {
        self.path.split('/').filter(|part| *part != "mod.rs").count()
    }

    fn is_one_of(&self, places: &[(&str, &str)]) -> bool {
        places.iter().any(|(place, _)| self.path.starts_with(place))
    }
}

/// Modules in the order of `lib.rs`.
fn order(lib: &str) -> Vec<String> {
    let declaration = |line: &str| {
        Some(line.strip_prefix("pub mod ").or(line.strip_prefix("mod "))?.strip_suffix(';')?.to_owned())
    };
    lib.lines().filter_map(declaration).collect()
}

/// A module uses only those declared above it.
fn looks_down(file: &File, order: &[String]) -> Vec<Complaint> {
    let place = |module: &str| order.iter().position(|other| other == module);
    let Some(own) = place(file.module()) else { return Vec::new() };
    let complaint = |path: Path| {
        let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
        if supers >= file.depth() {
            return Some((path.line, "reaches the crate's root by `super`: write `crate::`".to_owned()));
        }
        let used = path.segments.get(1).filter(|_| path.begins_with("crate"))?;
        let message = match place(used) {
            Some(at) if at <= own => return None,
            Some(_) => format!("`{}` uses `{used}`, which lib.rs declares below it", file.module()),
            None => format!("`{used}` is no module of lib.rs"),
        };
        Some((path.line, message))
    };
    file.code.paths().into_iter().filter_map(complaint).collect()
}

/// The core: all that is declared above the door to the pods, and the planner.
fn core(order: &[String]) -> Vec<&str> {
    let above = order.iter().take_while(|module| *module != "remote").map(String::as_str);
    above.chain(["plan"]).collect()
}

/// The core does not wait, read, write, look at the clock or roll dice.
fn is_pure(file: &File, core: &[&str]) -> Vec<Complaint> {
    if !core.contains(&file.module()) || file.is_one_of(&TOUCHING) {
        return Vec::new();
    }
    let paths = ["std::fs", "std::env", "std::process", "std::net::TcpStream", "std::thread", "std::io::stdin", "jiff::Timestamp::now", "jiff::Zoned::now"];
    let words = [".await", "tokio", "reqwest", "openssh", "rand", "SystemTime", "Instant", ".exists()", ".is_file()", ".is_dir()", ".canonicalize()", ".read_dir()", ".metadata()"];
    let by_path = file.code.paths().into_iter().filter_map(|path| {
        let found = paths.iter().find(|wanted| path.begins_with(wanted))?;
        Some((path.line, format!("`{found}` in the core")))
    });
    let by_word = words.iter().flat_map(|word| {
        file.code.lines_with(word).into_iter().map(move |line| (line, format!("`{word}` in the core")))
    });
    by_path.chain(by_word).collect()
}

/// Text meets the terminal in `ui/` only.
fn is_silent(file: &File) -> Vec<Complaint> {
    if file.module() == "ui" {
        return Vec::new();
    }
    find(file, &["println!", "eprintln!", "print!", "eprint!", "dbg!"], "outside ui/")
}

/// A secret's value is taken out in few places.
fn keeps_secrets(file: &File) -> Vec<Complaint> {
    if file.is_one_of(&EXPOSING) { Vec::new() } else { find(file, &[".expose()"], "outside of where secrets leave pi") }
}

/// Nothing panics on purpose, and no lint is silenced without a reason.
fn is_careful(file: &File) -> Vec<Complaint> {
    let words = [".unwrap()", ".expect(", ".unwrap_err()", "todo!", "unimplemented!", "panic!", "#[allow(", "#![allow("];
    find(file, &words, "in src/")
}

fn is_short(file: &File) -> Vec<Complaint> {
    let lines = file.text.lines().count();
    if lines > LONGEST { vec![(lines, format!("{lines} lines; {LONGEST} are enough"))] } else { Vec::new() }
}

fn find(file: &File, words: &[&str], place: &str) -> Vec<Complaint> {
    let lines = |word: &str| file.code.lines_with(word);
    words.iter().flat_map(|word| lines(word).into_iter().map(move |line| (line, format!("`{word}` {place}")))).collect()
}

/// Every file below `src/` that is more than tests.
fn files() -> Vec<File> {
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut directories = vec![src.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let only_tests = path.file_stem().is_some_and(|stem| stem == "tests");
            if only_tests {
            } else if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push(File::new(path.strip_prefix(&src).unwrap().to_str().unwrap(), &text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn lib() -> Vec<String> {
    let order = order(include_str!("../../src/lib.rs"));
    assert!(order.len() > 10, "lib.rs declares its modules one a line");
    order
}

/// Holds a rule against every file.
#[track_caller]
fn hold(rule: impl Fn(&File) -> Vec<Complaint>) {
    let files = files();
    let complaints = files.iter().flat_map(|file| {
        rule(file).into_iter().map(|(line, message)| format!("src/{}:{line}: {message}", file.path))
    });
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn modules_use_only_those_above_them() {
    let order = lib();
    hold(|file| looks_down(file, &order));
}

#[test]
fn the_core_is_pure() {
    let order = lib();
    hold(|file| is_pure(file, &core(&order)));
}

#[test]
fn only_ui_prints() {
    hold(is_silent);
}

#[test]
fn secrets_are_exposed_in_few_places() {
    hold(keeps_secrets);
}

#[test]
fn nothing_panics_on_purpose() {
    hold(is_careful);
}

#[test]
fn files_are_short() {
    hold(is_short);
}

#[test]
fn every_rule_can_be_broken() {
    let order = order("//! x\npub mod name;\npub mod manifest;\nmod remote;\npub mod plan;\npub mod ui;\n");
    assert_eq!(core(&order), ["name", "manifest", "plan"]);
    let rule = |name: &str, file: &File| match name {
        "down" => looks_down(file, &order),
        "pure" => is_pure(file, &core(&order)),
        "silent" => is_silent(file),
        "secrets" => keeps_secrets(file),
        "careful" => is_careful(file),
        _ => is_short(file),
    };
    let long = "\n".repeat(LONGEST + 1);
    // rule, file, what is in it, the lines that are complained about
    let table: &[(&str, &str, &str, &[usize])] = &[
        ("down", "manifest/mod.rs", "use crate::name::X;\nuse crate::manifest::Y;", &[]),
        ("down", "manifest/mod.rs", "use crate::plan::X;", &[1]),
        ("down", "name.rs", "\nfn x() { crate::ui::x() }", &[2]),
        ("down", "name.rs", "use crate::{\n  name::A,\n  plan::B,\n};", &[3]),
        ("down", "name.rs", "use crate::nowhere::X;", &[1]),
        ("down", "name.rs", "use super::plan::X;", &[1]),
        ("down", "manifest/mod.rs", "use super::plan::X;", &[1]),
        ("down", "manifest/a.rs", "use super::X;\nuse super::super::plan::X;", &[2]),
        ("down", "name.rs", "// crate::plan\n#[cfg(test)]\nmod tests { use crate::plan::X; }", &[]),
        ("pure", "plan/a.rs", "x().await", &[1]),
        ("pure", "plan/a.rs", "use tokio::fs;", &[1]),
        ("pure", "name.rs", "use std::{env, fmt};\nstd::fs::read(x)", &[1, 2]),
        ("pure", "name.rs", "let now = SystemTime::now();", &[1]),
        ("pure", "name.rs", "rand::random()", &[1]),
        ("pure", "name.rs", "path.exists()", &[1]),
        ("pure", "name.rs", "let brand = \"rand tokio\";", &[]),
        ("pure", "manifest/load.rs", "std::fs::read(x)", &[]),
        ("pure", "remote/a.rs", "x().await", &[]),
        ("silent", "plan/a.rs", "print!();\neprintln!(\"x\")", &[1, 2]),
        ("silent", "ui/a.rs", "println!()", &[]),
        ("secrets", "plan/a.rs", "key.expose()", &[1]),
        ("secrets", "observe/look.rs", "key.expose()", &[]),
        ("careful", "name.rs", "x.unwrap();\nx.expect(\"y\");\ntodo!();\n#[allow(dead_code)]", &[1, 2, 3, 4]),
        ("careful", "name.rs", "#[expect(lint, reason = \"y\")]\nx.unwrap_or(1)", &[]),
        ("careful", "name.rs", "#[cfg(test)]\nmod tests {\n  fn x() { y.unwrap() }\n}", &[]),
        ("short", "name.rs", &long, &[LONGEST + 1]),
    ];
    for (name, path, text, expected) in table {
        let mut lines: Vec<usize> = rule(name, &File::new(path, text)).iter().map(|(line, _)| *line).collect();
        lines.sort_unstable();
        assert_eq!(lines, *expected, "{name}: {path}: {text}");
    }
}

#[test]
fn exceptions_are_still_needed() {
    let files = files();
    for (place, why) in EXPOSING {
        let used = files.iter().any(|file| file.path.starts_with(place));
        assert!(used, "nothing is left of {place}, which {why}");
    }
}

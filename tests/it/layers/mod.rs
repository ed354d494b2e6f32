//! The house rules that a program can check: who may use whom, what the core must not touch, what goes through one
//! door only. Each rule is tried on files that break it, too.

mod circles;
mod code;
mod files;
mod rules;

use circles::Graph;
use files::{File, files};
use rules::{
    Complaint, EXPOSING, LONGEST, READING, TOUCHING, WRITING, core, is_pure, is_short, keeps_secrets,
    looks_down, order, reads_bounded, stays_below, writes_whole,
};
use std::collections::BTreeSet;

fn lib() -> Vec<String> {
    let order = order(include_str!("../../../src/lib.rs"));
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
fn no_files_of_a_room_use_each_other_in_a_circle() {
    let circle = Graph::of(&files()).circle();
    assert_eq!(circle, None, "each of these uses the next, and the last the first");
}

#[test]
fn inner_rooms_use_only_those_above_them() {
    let doors = [
        ("plan", include_str!("../../../src/plan/mod.rs")),
        ("cli", include_str!("../../../src/cli/mod.rs")),
    ];
    for (room, door) in doors {
        let order = order(door);
        assert!(order.len() > 3, "{room}/mod.rs declares its rooms one a line");
        hold(|file| stays_below(file, room, &order));
    }
}

#[test]
fn the_core_is_pure() {
    let order = lib();
    hold(|file| is_pure(file, &core(&order)));
}

#[test]
fn secrets_are_exposed_in_few_places() {
    hold(keeps_secrets);
}

#[test]
fn what_comes_from_outside_is_read_with_limits() {
    hold(reads_bounded);
}

#[test]
fn files_are_written_whole() {
    hold(writes_whole);
}

#[test]
fn files_are_short() {
    hold(is_short);
}

/// Rule, file, what is in it, the lines that are complained about.
const BROKEN: &[(&str, &str, &str, &[usize])] = &[
    ("down", "manifest/mod.rs", "use crate::name::X;\nuse crate::manifest::Y;", &[]),
    ("down", "manifest/mod.rs", "use crate::plan::X;", &[1]),
    ("down", "name.rs", "\nfn x() { crate::ui::x() }", &[2]),
    ("down", "name.rs", "use crate::{\n  name::A,\n  plan::B,\n};", &[3]),
    ("down", "name.rs", "use crate::nowhere::X;", &[1]),
    ("down", "name.rs", "use super::plan::X;", &[1]),
    ("down", "manifest/mod.rs", "use super::plan::X;", &[1]),
    ("down", "manifest/a.rs", "use super::X;\nuse super::super::plan::X;", &[2]),
    ("down", "name.rs", "// crate::plan\n#[cfg(test)]\nmod tests { use crate::plan::X; }", &[]),
    ("below", "plan/name/a.rs", "use crate::plan::name::X;\nuse crate::name::X;", &[]),
    ("below", "plan/name/a.rs", "use crate::plan::ui::X;\ncrate::plan::remote::y()", &[1, 2]),
    ("below", "plan/ui.rs", "use crate::plan::name::X;\nuse crate::plan::X;", &[2]),
    ("pure", "plan/a.rs", "x().await", &[1]),
    ("pure", "plan/a.rs", "use tokio::fs;", &[1]),
    ("pure", "name.rs", "use std::{env, fmt};\nstd::fs::read(x)", &[1, 2]),
    ("pure", "name.rs", "let now = SystemTime::now();", &[1]),
    ("pure", "name.rs", "rand::random()", &[1]),
    ("pure", "name.rs", "path.exists()", &[1]),
    ("pure", "name.rs", "let brand = \"rand tokio\";", &[]),
    ("pure", "manifest/load.rs", "std::fs::read(x)", &[]),
    ("pure", "remote/a.rs", "x().await", &[]),
    ("secrets", "plan/a.rs", "key.expose()", &[1]),
    ("secrets", "observe/look.rs", "key.expose()", &[]),
    ("bounded", "cli/a.rs", "std::fs::read(x)\nuse std::fs::{self, read_to_string};", &[1, 2]),
    ("bounded", "cli/a.rs", "fs::read_to_string(x)\ntokio::fs::read(x)\nfs::read_dir(x)", &[1, 2]),
    ("bounded", "cli/a.rs", "file.take(9).read_to_end(b)\ninput.read_line(b)", &[1, 2]),
    ("bounded", "cli/a.rs", "r.json::<X>()\nr.text().await\nx.bytes().rev()", &[1, 2]),
    ("bounded", "cli/a.rs", "bounded::output(x)\nCommand::new(x).output()?", &[2]),
    ("bounded", "bounded/a.rs", "file.read_to_end(b)", &[]),
    ("whole", "cli/a.rs", "fs::write(x, y)\nstd::fs::File::create(x)\nf.set_len(0)", &[1, 2, 3]),
    ("whole", "cli/a.rs", "File::options().create(true).append(true)\nout.write_all(x)", &[]),
    ("whole", "whole.rs", "f.set_len(0)", &[]),
];

#[test]
fn every_rule_can_be_broken() {
    let order = order("//! x\npub mod name;\npub mod manifest;\nmod remote;\npub mod plan;\npub mod ui;\n");
    assert_eq!(core(&order), ["name", "manifest", "plan"]);
    let rule = |name: &str, file: &File| match name {
        "down" => looks_down(file, &order),
        "below" => stays_below(file, "plan", &order),
        "pure" => is_pure(file, &core(&order)),
        "secrets" => keeps_secrets(file),
        "bounded" => reads_bounded(file),
        _ => writes_whole(file),
    };
    for (name, path, text, expected) in BROKEN {
        let complaints = rule(name, &File::new(path, text));
        let lines: BTreeSet<usize> = complaints.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines.into_iter().collect::<Vec<_>>(), *expected, "{name}: {path}: {text}");
    }
    for (lines, complaints) in [(LONGEST, 0), (LONGEST + 1, 1)] {
        assert_eq!(is_short(&File::new("name.rs", &"\n".repeat(lines))).len(), complaints);
    }
}

#[test]
fn exceptions_are_still_needed() {
    let order = lib();
    let core = core(&order);
    let needed = |place: &str, elsewhere: &str, rule: &dyn Fn(&File) -> Vec<Complaint>| {
        let files = files().into_iter().filter(|file| file.path.starts_with(place));
        files.map(|file| File::new(elsewhere, &file.text)).any(|file| !rule(&file).is_empty())
    };
    for (place, why) in TOUCHING {
        assert!(needed(place, "manifest/x.rs", &|file| is_pure(file, &core)), "{place} no longer {why}");
    }
    for (place, why) in READING {
        assert!(needed(place, "plan/x.rs", &reads_bounded), "{place} no longer {why}");
    }
    for (place, why) in WRITING {
        assert!(needed(place, "plan/x.rs", &writes_whole), "{place} no longer {why}");
    }
    for (place, why) in EXPOSING {
        assert!(needed(place, "plan/x.rs", &keeps_secrets), "{place} no longer {why}");
    }
}

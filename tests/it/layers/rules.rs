//! The rules: each a function from a file to what it complains about, a line and a sentence.

use super::code::Path;
use super::files::File;

/// Files of the core that do touch the world, and why they may.
pub(super) const TOUCHING: [(&str, &str); 3] = [
    ("manifest/load.rs", "reads pi.toml, and says its name as seen from the working directory"),
    ("bounded/", "reads what comes from outside, with limits: the one way in"),
    ("whole.rs", "writes files whole"),
];

/// Where a secret's value may be taken out, and why.
pub(super) const EXPOSING: [(&str, &str); 6] = [
    ("remote/", "carries it to the pod's standard input"),
    ("apply/", "sends it as a step's input, and as a bearer token to the server itself"),
    ("hub/client.rs", "sends the hub's token as a bearer token to the hub itself"),
    (
        "agent/client.rs",
        "sends the API key as a bearer token to the model's server, and keeps it out of texts",
    ),
    ("ui/env.rs", "prints the API key: `pi env` is asked for it"),
    ("observe/look.rs", "compares it with what the pod has, by salted digests"),
];

/// Where something may be read to its end without the one reader, and why.
pub(super) const READING: [(&str, &str); 4] = [
    ("bounded/", "is the one reader"),
    ("remote/master.rs", "asks ssh for a host's name, for two seconds"),
    ("cli/verbs/tunnel/background.rs", "hears a pi of its own, 64 KiB at most"),
    ("ui/output.rs", "hears a person's answer, 1 KiB at most"),
];

/// Where a file may be written without the one writer, and why.
pub(super) const WRITING: [(&str, &str); 2] = [
    ("whole.rs", "is the one writer"),
    ("cli/verbs/import.rs", "puts an older file away under another name"),
];

pub(super) const LONGEST: usize = 400;

pub(super) type Complaint = (usize, String);

/// Modules in the order of `lib.rs`.
pub(super) fn order(lib: &str) -> Vec<String> {
    let declaration = |line: &str| {
        Some(line.strip_prefix("pub mod ").or(line.strip_prefix("mod "))?.strip_suffix(';')?.to_owned())
    };
    lib.lines().filter_map(declaration).collect()
}

/// A module uses only those declared above it.
pub(super) fn looks_down(file: &File, order: &[String]) -> Vec<Complaint> {
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

/// A file of a room uses only those of its inner rooms that are declared above its own, and none by the room's own door.
pub(super) fn stays_below(file: &File, room: &str, order: &[String]) -> Vec<Complaint> {
    let mut parts = file.path.split('/').skip_while(|part| *part == room);
    let inner = parts.next().unwrap_or_default();
    let place = |inner: &str| order.iter().position(|other| other == inner);
    let own = place(inner.strip_suffix(".rs").unwrap_or(inner));
    let Some(own) = own.filter(|_| file.module() == room) else { return Vec::new() };
    let complaint = |path: Path| {
        let used = path.segments.get(2).filter(|_| path.begins_with(&format!("crate::{room}")))?;
        let message = match place(used) {
            Some(at) if at <= own => return None,
            Some(_) => format!("`{inner}` uses `{used}`, which {room}/mod.rs declares below it"),
            None => format!("`{used}` comes in by the room's own door: name the file that has it"),
        };
        Some((path.line, message))
    };
    file.code.paths().into_iter().filter_map(complaint).collect()
}

/// The core: all that is declared above the door to the pods, and the planner.
pub(super) fn core(order: &[String]) -> Vec<&str> {
    let above = order.iter().take_while(|module| *module != "remote").map(String::as_str);
    above.chain(["plan"]).collect()
}

/// The core does not wait, read, write, look at the clock or roll dice.
pub(super) fn is_pure(file: &File, core: &[&str]) -> Vec<Complaint> {
    if !core.contains(&file.module()) || file.is_one_of(&TOUCHING) {
        return Vec::new();
    }
    let paths = [
        "std::fs",
        "std::env",
        "std::process",
        "std::net::TcpStream",
        "std::thread",
        "std::io::stdin",
        "jiff::Timestamp::now",
        "jiff::Zoned::now",
    ];
    let words = [
        ".await",
        "tokio",
        "reqwest",
        "openssh",
        "rand",
        "SystemTime",
        "Instant",
        ".exists()",
        ".is_file()",
        ".is_dir()",
        ".canonicalize()",
        ".read_dir()",
        ".metadata()",
    ];
    let by_path = file.code.paths().into_iter().filter_map(|path| {
        let found = paths.iter().find(|wanted| path.begins_with(wanted))?;
        Some((path.line, format!("`{found}` in the core")))
    });
    let by_word = words.iter().flat_map(|word| {
        file.code.lines_with(word).into_iter().map(move |line| (line, format!("`{word}` in the core")))
    });
    by_path.chain(by_word).collect()
}

/// A secret's value is taken out in few places.
pub(super) fn keeps_secrets(file: &File) -> Vec<Complaint> {
    if file.is_one_of(&EXPOSING) {
        Vec::new()
    } else {
        find(file, &[".expose()"], "outside of where secrets leave pi")
    }
}

/// What comes from outside is read with limits.
pub(super) fn reads_bounded(file: &File) -> Vec<Complaint> {
    if file.is_one_of(&READING) {
        return Vec::new();
    }
    let ends = ["fs::read", "fs::read_to_string", "io::read_to_string"];
    let by_path = paths_ending(file, &ends, "outside of bounded/");
    let words = [
        ".read_to_end(",
        ".read_to_string(",
        ".read_line(",
        ".read_until(",
        ".bytes().await",
        ".text().await",
        ".json().await",
        ".json::<",
        ".text_with_charset(",
        ".output()",
        ".wait_with_output()",
    ];
    by_path.into_iter().chain(find(file, &words, "outside of bounded/")).collect()
}

/// Files are written whole. A file of a lock is opened to append to, and nothing is.
pub(super) fn writes_whole(file: &File) -> Vec<Complaint> {
    if file.is_one_of(&WRITING) {
        return Vec::new();
    }
    let ends =
        ["fs::write", "fs::rename", "fs::copy", "File::create", "File::create_new", "NamedTempFile::new_in"];
    let words = [".write(true)", ".truncate(true)", ".set_len(", ".persist(", ".persist_noclobber("];
    let by_path = paths_ending(file, &ends, "outside of whole.rs");
    by_path.into_iter().chain(find(file, &words, "outside of whole.rs")).collect()
}

pub(super) fn is_short(file: &File) -> Vec<Complaint> {
    let lines = file.text.lines().count();
    if lines > LONGEST { vec![(lines, format!("{lines} lines; {LONGEST} are enough"))] } else { Vec::new() }
}

/// Paths whose last two segments are one of these.
fn paths_ending(file: &File, ends: &[&str], place: &str) -> Vec<Complaint> {
    let complaint = |path: Path| {
        let end = path.segments.iter().rev().take(2).rev().map(String::as_str).collect::<Vec<_>>().join("::");
        ends.contains(&end.as_str()).then(|| (path.line, format!("`{end}` {place}")))
    };
    file.code.paths().into_iter().filter_map(complaint).collect()
}

fn find(file: &File, words: &[&str], place: &str) -> Vec<Complaint> {
    let lines = |word: &str| file.code.lines_with(word);
    words
        .iter()
        .flat_map(|word| lines(word).into_iter().map(move |line| (line, format!("`{word}` {place}"))))
        .collect()
}

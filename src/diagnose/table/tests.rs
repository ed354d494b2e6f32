//! The table itself: every row is whole.

use super::super::story::Story;
use super::*;

#[test]
fn every_row_is_read_for_every_engine() {
    for kind in [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command] {
        assert!(Table::read(kind).is_some_and(|table| table.rows.len() > 40), "{kind:?}");
    }
}

#[test]
fn every_row_says_where_it_is_from_and_nothing_unknown() {
    let file: toml::Table = toml::from_str(TEXT).unwrap();
    let known = "code engines pattern level vague explains serving message help cases example source";
    let codes: Vec<_> = file["failure"].as_array().unwrap().iter().map(|row| row["code"].as_str()).collect();
    for row in file["failure"].as_array().unwrap() {
        let row = row.as_table().unwrap();
        let code = row["code"].as_str().unwrap();
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{code}");
        assert!(row["source"].as_str().is_some_and(|source| !source.is_empty()), "{code}");
        assert!(row["message"].as_str().is_some_and(|message| message.ends_with('.')), "{code}");
        assert!(!row["help"].as_array().unwrap().is_empty(), "{code}");
        for key in row.keys() {
            assert!(known.split(' ').any(|known| known == key), "{code}: {key}");
        }
        let explains = row.get("explains").and_then(toml::Value::as_array);
        for vague in explains.into_iter().flatten().map(toml::Value::as_str) {
            assert!(codes.contains(&vague) || vague == Some("unknown"), "{code} explains {vague:?}");
        }
    }
}

/// The release build has no tables of Unicode classes and cases; tests have, because other crates ask for them.
#[test]
fn no_pattern_needs_what_the_release_build_lacks() {
    let file: toml::Table = toml::from_str(TEXT).unwrap();
    let lists = ["echoes", "stops"].map(|list| file[list].as_array().unwrap());
    let echoes = lists.into_iter().flatten().filter_map(toml::Value::as_str);
    let rows = file["failure"].as_array().unwrap();
    for pattern in rows.iter().filter_map(|row| row["pattern"].as_str()).chain(echoes) {
        for class in [r"\d", r"\w", r"\s", r"\b", r"\p", r"\D", r"\W", r"\S", r"\B", r"\P", "(?i", "[[:"] {
            let without = pattern.replace("(?-u:\\b)", "");
            assert!(!without.contains(class), "{class} in {pattern}");
        }
    }
}

#[test]
fn every_pattern_explains_no_harmless_line() {
    let harmless = [
        "",
        " ",
        "Traceback (most recent call last):",
        "loading model",
        "Disabling Triton.",
        "not found",
        "No such file or directory",
        "Permission denied",
        "ninja: no work to do.",
        "file not found in cache, downloading",
        "No module named 'amdsmi'",
    ];
    for harmless in harmless {
        for kind in [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command] {
            assert!(!Table::of(kind).patterns.is_match(harmless), "{harmless}");
        }
    }
}

/// A log of these lines, as one that a row explains.
fn story(kind: EngineKind, log: &str) -> Story {
    Story::of(kind, &log.lines().map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn every_row_explains_its_example_or_names_a_log() {
    let file: toml::Table = toml::from_str(TEXT).unwrap();
    for row in file["failure"].as_array().unwrap() {
        let text = |key: &str| row.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let kinds = match row.get("engines") {
            Some(kinds) => kinds.clone().try_into().unwrap(),
            None => vec![EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command],
        };
        if row.get("example").is_none() {
            assert!(row.get("cases").is_some(), "{} has neither an example nor a case", text("code"));
            continue;
        }
        for kind in kinds {
            let story = story(kind, text("example"));
            let told: Vec<_> = story.telling().collect();
            let found = match row.get("explains") {
                Some(vague) if told.is_empty() => {
                    Table::of(kind).more_of(vague[0].as_str().unwrap(), &story.told)
                }
                Some(_) | None => Table::of(kind).find(&told, Asked::Start),
            };
            let found = found.map(|(row, _)| (&*row.code, &*row.message));
            assert_eq!(found, Some((text("code"), text("message"))), "{kind:?}");
        }
    }
}

#[test]
fn a_row_never_explains_a_line_that_is_quieter_than_those_it_is_for() {
    for quiet in [
        "INFO 06-05 10:45:02 [a.py:1] ",
        "WARNING 06-05 10:45:02 [a.py:1] ",
        "h:1:1 [0] NCCL WARN ",
        "W0909 12:00:00.123456 1 x.cc:1] ",
        "[W909 12:00:00.1 x.cpp:1] ",
        "WARNING:root:",
        "/x/y.py:1: UserWarning: ",
    ] {
        let told =
            "torch.OutOfMemoryError: CUDA out of memory. [Errno 98] Address already in use. NCCL error";
        let story = story(EngineKind::Vllm, &format!("{quiet}{told}"));
        let table = Table::of(EngineKind::Vllm);
        assert!(table.find(&story.told.iter().collect::<Vec<_>>(), Asked::Start).is_none(), "{quiet}");
    }
}

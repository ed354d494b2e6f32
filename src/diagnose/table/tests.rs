//! The table itself: every row is whole.

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
    let known = ["code", "engines", "pattern", "vague", "serving", "message", "help", "example", "source"];
    for row in file["failure"].as_array().unwrap() {
        let row = row.as_table().unwrap();
        let code = row["code"].as_str().unwrap();
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{code}");
        assert!(row["source"].as_str().is_some_and(|source| !source.is_empty()), "{code}");
        assert!(row["message"].as_str().is_some_and(|message| message.ends_with('.')), "{code}");
        assert!(!row["help"].as_array().unwrap().is_empty(), "{code}");
        for key in row.keys() {
            assert!(known.contains(&key.as_str()), "{code}: {key}");
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
    for harmless in ["", " ", "Traceback (most recent call last):", "loading model", "Disabling Triton."] {
        for kind in [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command] {
            assert!(!Table::of(kind).patterns.is_match(harmless), "{harmless}");
        }
    }
}

#[test]
fn every_row_explains_its_example_or_names_a_real_log() {
    let file: toml::Table = toml::from_str(TEXT).unwrap();
    for row in file["failure"].as_array().unwrap() {
        let text = |key: &str| row.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let kinds = match row.get("engines") {
            Some(kinds) => kinds.clone().try_into().unwrap(),
            None => vec![EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command],
        };
        if row.get("example").is_none() {
            assert!(text("source").contains("real "), "{}", text("code"));
            continue;
        }
        for kind in kinds {
            let lines = [Line::parse(1, text("example"))];
            let found =
                Table::of(kind).find(&lines, Asked::Start).map(|(row, _)| (&*row.code, &*row.message));
            assert_eq!(found, Some((text("code"), text("message"))), "{kind:?}");
        }
    }
}

//! `tests/logs/*.log`: logs of real starts, good and failed, and beside each what `diagnose` makes of it.
//!
//! Those with `-quoted-` or `-harmless-` come from where `sources.toml` says; the latter look like failures and are none.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::golden::Golden;
use pi::diagnose::{Cause, cause_of_death, first_cause, measured, progress};
use pi::manifest::EngineKind;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const KINDS: [EngineKind; 3] = [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command];

#[test]
fn every_log_is_understood_as_written_down() {
    let mut golden = Golden::default();
    for file in logs() {
        golden.compare(&file.with_extension("txt"), &told(&file));
    }
    golden.all_as_written();
}

#[test]
fn a_start_that_succeeds_has_no_cause() {
    let started: Vec<_> = logs().into_iter().filter(|file| name(file).contains("-started")).collect();
    assert!(started.len() >= 5, "only {}", started.len());
    for file in started {
        assert_eq!(first_cause(kind(&file), &read(&file)), None, "{}", file.display());
    }
}

#[test]
fn what_only_looks_like_a_failure_is_none() {
    let harmless: Vec<_> = logs().into_iter().filter(|file| name(file).contains("-harmless-")).collect();
    assert!(harmless.len() >= 10, "only {}", harmless.len());
    for file in harmless {
        assert_eq!(first_cause(kind(&file), &read(&file)), None, "{}", file.display());
    }
}

#[test]
fn every_log_is_a_case_of_a_row_that_tells_of_it() {
    let table: toml::Table = toml::from_str(include_str!("../../data/failures.toml")).unwrap();
    let mut named = BTreeSet::new();
    for row in table["failure"].as_array().unwrap() {
        let code = row["code"].as_str().unwrap();
        for log in row.get("cases").and_then(toml::Value::as_array).into_iter().flatten() {
            let log = log.as_str().unwrap();
            let told = std::fs::read_to_string(format!("tests/logs/{log}.txt")).unwrap_or_default();
            assert!(told.lines().any(|line| line == code), "{log} does not tell of {code}");
            named.insert((log.to_owned(), code));
        }
    }
    let codes: Vec<_> = table["failure"].as_array().unwrap().iter().map(|row| row["code"].as_str()).collect();
    let mut failures = 0;
    for file in logs() {
        let told = std::fs::read_to_string(file.with_extension("txt")).unwrap_or_default();
        let code = told.lines().next().unwrap_or_default();
        if codes.contains(&Some(code)) {
            assert!(named.contains(&(name(&file), code)), "no row {code} names {}", name(&file));
        }
        failures += usize::from(code != "no cause");
    }
    assert!(failures >= 80, "only {failures}");
}

#[test]
fn every_quoted_log_says_where_it_is_from() {
    let text = std::fs::read_to_string("tests/logs/sources.toml").unwrap();
    let sources: toml::Table = toml::from_str(&text).unwrap();
    let quoted = |name: &str| name.contains("-quoted-") || name.contains("-harmless-");
    let names: BTreeSet<_> = logs().iter().map(|file| name(file)).filter(|name| quoted(name)).collect();
    assert_eq!(names, sources.keys().cloned().collect());
}

#[test]
fn an_echo_is_never_a_cause() {
    for file in logs() {
        for cause in [first_cause(kind(&file), &read(&file)), cause_of_death(kind(&file), &read(&file))] {
            let line = cause.map(|cause| cause.line).unwrap_or_default();
            for echo in ["core initialization failed. See", "Failed to init server", "EngineDeadError"] {
                assert!(!line.contains(echo), "{}: {line}", file.display());
            }
        }
    }
}

#[test]
fn every_prefix_of_a_good_start_has_no_cause() {
    for file in logs().into_iter().filter(|file| name(file).starts_with("vllm-started")) {
        let log = read(&file);
        for end in 0..log.len() {
            assert_eq!(first_cause(EngineKind::Vllm, &log[..end]), None, "{} to line {end}", file.display());
        }
    }
}

/// 10 MB of the most expensive lines: none is harmless, all almost match, one is very long.
#[test]
fn a_long_log_is_read_in_time() {
    let mut log: Vec<_> = (0..70_000)
        .map(|n| {
            format!("(EngineCore pid={n}) ERROR 11-22 08:40:20 [core.py:15] max seq len ({n}), {:40}", "x")
        })
        .collect();
    log.extend((0..1000).map(|_| "Traceback (most recent call last):".to_owned()));
    log.push("a ".repeat(1_000_000));
    let begin = Instant::now();
    drop((first_cause(EngineKind::Vllm, &log), cause_of_death(EngineKind::Vllm, &log), measured(&log)));
    assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
}

proptest! {
    #[test]
    fn any_text_is_survived(text in r"(?s)(\(APIServer pid=1\) |ERROR 11-22 08:40:20 \[|0\.0\.0\.1 E |\x1b\[|Traceback \(most recent call last\):|\n|.){0,200}") {
        let log: Vec<_> = text.lines().map(str::to_owned).collect();
        for kind in KINDS {
            if let Some(cause) = first_cause(kind, &log) {
                prop_assert!((1..=log.len()).contains(&cause.number));
                let Cause { code, line, message, help, .. } = cause;
                prop_assert!([code, line, message, help].iter().all(|text| !text.chars().any(char::is_control)));
            }
            drop((cause_of_death(kind, &log), measured(&log)));
            drop(log.iter().map(|line| progress(kind, line)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_damaged_log_is_survived(which in 0usize..1000, cut in 0usize..400, swap in 0usize..400) {
        let files = logs();
        let file = &files[which % files.len()];
        let mut log = read(file);
        let length = log.len().max(1);
        log.truncate(cut % length + 1);
        let at = swap % log.len();
        let half = log[at].floor_char_boundary(log[at].len() / 2);
        log[at].truncate(half);
        log.rotate_left(at);
        for kind in KINDS {
            drop((first_cause(kind, &log), cause_of_death(kind, &log)));
        }
    }
}

/// Everything that is told about a log, as it is written down.
fn told(file: &Path) -> String {
    let (kind, log) = (kind(file), read(file));
    let mut phases: Vec<_> =
        log.iter().filter_map(|line| progress(kind, line)).map(|phase| phase.name).collect();
    phases.dedup();
    let parts = [
        Some(first_cause(kind, &log).map_or_else(|| "no cause\n".to_owned(), |cause| shown(&cause))),
        cause_of_death(kind, &log).map(|cause| format!("why it died later:\n{}", shown(&cause))),
        measured(&log).map(|measured| format!("{measured:?}\n")),
        (!phases.is_empty()).then(|| format!("phases: {}\n", phases.join(", "))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn shown(cause: &Cause) -> String {
    let Cause { code, line, number, message, help } = cause;
    format!("{code}\n{number}: {line}\n{message}\nhelp: {help}\n")
}

fn logs() -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir("tests/logs")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "log"))
        .collect();
    files.sort();
    assert!(files.len() >= 40, "only {} logs", files.len());
    files
}

fn kind(file: &Path) -> EngineKind {
    match name(file).split('-').next() {
        Some("vllm") => EngineKind::Vllm,
        Some("llama") => EngineKind::LlamaCpp,
        Some("command") => EngineKind::Command,
        other => panic!("{other:?} is no engine: {}", file.display()),
    }
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

fn read(file: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
    text.split('\n').map(str::to_owned).collect()
}

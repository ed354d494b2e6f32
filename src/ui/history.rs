//! `pi history`: the journals of several pods in one, the newest last.

use crate::journal::{Entry, JournalAction, JournalOutcome};
use crate::name::PodName;
use crate::observe::{Journal, NoJournal};
use crate::ui::layout::{Count, prose, wrapped};
use crate::ui::refusal::remote;
use crate::ui::style::{ADD, CHANGE, FAINT, REMOVE, Styled};
use crate::ui::table::{Cell, Head, Table};
use crate::ui::visible::json_page;
use crate::units::Seconds;
use anstyle::Style;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What was read of each pod's journal.
type Found = BTreeMap<PodName, Result<Journal, NoJournal>>;

/// A row for each change: when, how it ended, where, who, what; below it why.
#[must_use]
pub fn history_text(found: &Found, count: usize) -> String {
    let newest = newest(found, count);
    if newest.is_empty() {
        return if found.values().any(Result::is_err) {
            String::new()
        } else {
            "Nothing was changed yet.\n".to_owned()
        };
    }
    let rows: Vec<_> = newest.iter().map(|(pod, entry)| cells(pod, entry)).collect();
    let table = Table::new(0, (&HEADS, 1), &rows);
    let mut text = table.head();
    for ((_, entry), row) in newest.iter().zip(&rows) {
        text.push_str(&table.row(row));
        let JournalAction { reason, project, .. } = &entry.deed;
        let below = table.below();
        let why = format!("{reason} (project {project})");
        for line in wrapped(&why, prose().saturating_sub(below)) {
            let _ = writeln!(text, "{:below$}{}", "", Styled(FAINT, line));
        }
    }
    text
}

const HEADS: [Head; 5] =
    [Head("WHEN", ""), Head("RESULT", ""), Head("POD", ""), Head("WHO", "by"), Head("WHAT", "")];

fn cells(pod: &PodName, entry: &Entry) -> [Cell; 5] {
    let Entry { when, seconds, outcome, exit, deed } = entry;
    let (style, mut ended) = match outcome {
        JournalOutcome::Done => (ADD, "done".to_owned()),
        JournalOutcome::Failed => (REMOVE, format!("failed ({exit})")),
        JournalOutcome::Stopped => (CHANGE, "interrupted".to_owned()),
    };
    if *seconds > 0 {
        let _ = write!(ended, ", {}", Seconds(*seconds));
    }
    let plain = |cell: String| (Style::new(), cell);
    [
        plain(when.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        (style, ended),
        plain(pod.to_string()),
        plain(if deed.who.is_empty() { "unknown" } else { &deed.who }.to_owned()),
        plain(format!("{} {}", deed.action.replace('_', " "), deed.target)),
    ]
}

/// `{"format": 1, "entries": [{"pod": "dc1", "when": "…", …}]}`, the newest last.
#[must_use]
pub fn history_json(found: &Found, count: usize) -> String {
    let entries = newest(found, count).into_iter().map(|(pod, entry)| {
        let mut value = json!({ "pod": pod });
        if let (Value::Object(into), Value::Object(fields)) = (&mut value, json!(entry)) {
            into.extend(fields);
        }
        value
    });
    let pods: BTreeMap<&PodName, bool> = found.iter().map(|(pod, found)| (pod, found.is_ok())).collect();
    let value = json!({ "format": 1, "entries": entries.collect::<Vec<_>>(), "read": pods });
    json_page(&value)
}

/// The newest of all pods, the newest last. Each pod has a clock of its own; of one pod the order is kept.
fn newest(found: &Found, count: usize) -> Vec<(&PodName, &Entry)> {
    let read = found.iter().filter_map(|(pod, journal)| Some((pod, journal.as_ref().ok()?)));
    let mut all: Vec<_> =
        read.flat_map(|(pod, journal)| journal.entries.iter().map(move |entry| (pod, entry))).collect();
    all.sort_by_key(|(_, entry)| entry.when);
    all.split_off(all.len().saturating_sub(count))
}

/// That lines of a journal can't be read.
#[must_use]
pub fn unread(pod: &PodName, journal: &Journal) -> String {
    format!("warning: {pod}: {} of its journal.jsonl can't be read", Count(journal.unreadable, "line"))
}

/// Why a journal could not be read.
#[must_use]
pub fn no_journal(pod: &PodName, why: &NoJournal) -> String {
    match why {
        NoJournal::Failed(why) => format!("error on {pod}: its journal can't be read: {why}"),
        NoJournal::Remote(error) => remote(pod, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::layout::tests::at;
    use crate::ui::layout::width;

    fn entry(at: &str, action: &str, target: &str, ended: (JournalOutcome, i32, u64)) -> Entry {
        let (outcome, exit, seconds) = ended;
        Entry {
            when: at.parse().unwrap(),
            seconds,
            outcome,
            exit,
            deed: JournalAction {
                pi: "0.1.0".to_owned(),
                who: "ann@laptop".to_owned(),
                project: "team".parse().unwrap(),
                project_id: None,
                action: action.to_owned(),
                target: target.to_owned(),
                reason: "its context changes from 32k to 64k, and its command line was edited by somebody"
                    .to_owned(),
            },
        }
    }

    fn found() -> Found {
        let first = vec![
            entry("2026-11-22T13:00:00Z", "restart_server", "qwen", (JournalOutcome::Done, 0, 3)),
            entry("2026-11-22T13:00:40Z", "await_ready", "qwen", (JournalOutcome::Failed, 3, 37)),
        ];
        let second =
            vec![entry("2026-11-22T13:00:20Z", "fetch_weights", "o/a", (JournalOutcome::Stopped, 143, 0))];
        let journal = |entries| Ok(Journal { entries, unreadable: 0 });
        Found::from([
            ("dc1".parse().unwrap(), journal(first)),
            ("far-away".parse().unwrap(), journal(second)),
            ("gone".parse().unwrap(), Err(NoJournal::Failed("cat: no".to_owned()))),
        ])
    }

    #[test]
    fn all_pods_are_told_in_one_the_newest_last() {
        insta::assert_snapshot!(anstream::adapter::strip_str(&history_text(&found(), 20)));
        assert_eq!(
            anstream::adapter::strip_str(&history_text(&found(), 1))
                .to_string()
                .lines()
                .nth(1)
                .unwrap()
                .split_once("  ")
                .unwrap()
                .0,
            "2026-11-22 13:00:40"
        );
        assert_eq!(history_text(&Found::new(), 20), "Nothing was changed yet.\n");
    }

    #[test]
    fn long_names_and_wide_letters_stay_within_the_terminal() {
        let mut long =
            entry("2026-11-22T13:00:00Z", "fetch_weights", "显卡/模型", (JournalOutcome::Done, 0, 3));
        long.deed.who = format!("{}@{}", "w".repeat(40), "h".repeat(30));
        let journal = Journal { entries: vec![long], unreadable: 0 };
        let found = Found::from([("p".repeat(63).parse().unwrap(), Ok(journal))]);
        for columns in [40, 60, 80, 160, 300] {
            let text = at(columns, || history_text(&found, 20));
            for line in text.lines() {
                let word = line.split_whitespace().map(width).max().unwrap_or(0);
                assert!(width(line) <= columns || word + 24 > columns, "{columns}: {line}");
            }
        }
        assert_eq!(at(300, || history_text(&found, 20)).lines().count(), 4);
    }

    #[test]
    fn the_json_has_every_field() {
        insta::assert_snapshot!(history_json(&found(), 2));
    }
}

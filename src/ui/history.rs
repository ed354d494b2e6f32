//! `pi history`: the journals of several pods in one, the newest last.

use crate::journal::{Became, Deed, Entry};
use crate::name::PodName;
use crate::observe::{Journal, NoJournal};
use crate::ui::layout::{Count, WIDTH, padded, width, wrapped};
use crate::ui::refusal::remote;
use crate::ui::style::{ADD, FAINT, REMOVE, Styled};
use crate::ui::visible::json_page;
use crate::units::Seconds;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What was read of each pod's journal.
type Found = BTreeMap<PodName, Result<Journal, NoJournal>>;

/// Two lines a change: when, where, who, what; why and how it ended.
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
    let columns = |of: fn(&(&PodName, &Entry)) -> usize| newest.iter().map(of).max().unwrap_or_default();
    let pod_columns = columns(|(pod, _)| width(pod.as_str()));
    let who_columns = columns(|(_, entry)| width(&entry.deed.who)).min(30);
    let mut text = String::new();
    for (pod, entry) in newest {
        let Entry { when, seconds: _, outcome: _, exit: _, deed } = entry;
        let (pod, who) = (padded(pod.as_str(), pod_columns), padded(&deed.who, who_columns));
        let what = format!("{} {}", deed.action.replace('_', " "), deed.target);
        let _ = writeln!(text, "{}  {pod}  {who}  {what}", when.strftime("%Y-%m-%d %H:%M:%S"));
        below(&mut text, entry);
    }
    text
}

/// Why, and how it ended.
fn below(text: &mut String, entry: &Entry) {
    let Entry { when: _, seconds, outcome, exit, deed } = entry;
    let took = if *seconds == 0 { String::new() } else { format!(" after {}", Seconds(*seconds)) };
    let (style, sign, ended) = match outcome {
        Became::Done => (ADD, "✓", String::new()),
        Became::Failed => (REMOVE, "✗", format!("failed{took}, exit code {exit}")),
        Became::Stopped => (FAINT, "·", format!("was interrupted{took}")),
    };
    let Deed { reason, project, .. } = deed;
    let ended = if ended.is_empty() { ended } else { format!("{ended}: ") };
    let words = format!("{ended}{reason} (project {project})");
    for (at, line) in wrapped(&words, WIDTH - 4).into_iter().enumerate() {
        let sign = if at == 0 { sign } else { " " };
        let _ = writeln!(text, "  {} {line}", Styled(style, sign));
    }
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

    fn entry(at: &str, action: &str, target: &str, ended: (Became, i32, u64)) -> Entry {
        let (outcome, exit, seconds) = ended;
        Entry {
            when: at.parse().unwrap(),
            seconds,
            outcome,
            exit,
            deed: Deed {
                pi: "0.1.0".to_owned(),
                who: "ann@laptop".to_owned(),
                project: "team".parse().unwrap(),
                action: action.to_owned(),
                target: target.to_owned(),
                reason: "its context changes from 32k to 64k, and its command line was edited by somebody"
                    .to_owned(),
            },
        }
    }

    fn found() -> Found {
        let first = vec![
            entry("2026-11-22T13:00:00Z", "restart_server", "qwen", (Became::Done, 0, 3)),
            entry("2026-11-22T13:00:40Z", "await_ready", "qwen", (Became::Failed, 3, 37)),
        ];
        let second = vec![entry("2026-11-22T13:00:20Z", "fetch_weights", "o/a", (Became::Stopped, 143, 0))];
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
            history_text(&found(), 1).lines().next().unwrap().split_once("  ").unwrap().0,
            "2026-11-22 13:00:40"
        );
        assert_eq!(history_text(&Found::new(), 20), "Nothing was changed yet.\n");
    }

    #[test]
    fn the_json_has_every_field() {
        insta::assert_snapshot!(history_json(&found(), 2));
    }
}

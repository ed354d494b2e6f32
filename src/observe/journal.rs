//! The pods' journals: what was done there, by whom and why. In: the newest lines. Out: entries.

use super::parse::plain;
use crate::journal::{Entry, JournalAction};
use crate::manifest::{Manifest, Pod};
use crate::name::PodName;
use crate::remote::{Exit, Job, Line, Remote, RemoteError, bounded};
use crate::script::{Template, render};
use crate::units::Bytes;
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;

/// More than a journal and the one before it have.
const MOST: Bytes = Bytes(16 << 20);

/// The newest part of a pod's journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    /// The oldest first.
    pub entries: Vec<Entry>,
    /// How many lines among them can't be read.
    pub unreadable: usize,
}

/// Why a journal could not be read.
#[derive(Debug)]
pub enum NoJournal {
    /// The pod could not be reached.
    Remote(RemoteError),
    /// The pod does not let it be read.
    Failed(String),
}

/// Reads the newest `count` lines of the journals of these pods, all at once.
pub async fn journals<R: Remote>(
    remote: &R,
    manifest: &Manifest,
    pods: &[PodName],
    count: usize,
) -> BTreeMap<PodName, Result<Journal, NoJournal>> {
    let known = pods.iter().filter_map(|name| Some((name, manifest.pods.get(name)?)));
    let reads = known.map(|(name, pod)| async move { (name.clone(), read(remote, name, pod, count).await) });
    join_all(reads).await.into_iter().collect()
}

async fn read<R: Remote>(remote: &R, name: &PodName, pod: &Pod, count: usize) -> Result<Journal, NoJournal> {
    let values = json!({ "pi": pod.pi_path, "count": count });
    let script = render(Template::HISTORY, &values).map_err(|error| NoJournal::Failed(error.to_string()))?;
    let (mut journal, mut complaint) = (Journal::default(), String::new());
    let hear = |line: Line| match line {
        Line::Out(text) => match entry(&text) {
            Some(entry) => journal.entries.push(entry),
            None => journal.unreadable += 1,
        },
        Line::Err(text) => complaint = text,
    };
    let job = Job { script: &script, input: None };
    match bounded(remote, name, job, MOST, hear).await {
        Ok(Exit(0)) => Ok(journal),
        Ok(_) => Err(NoJournal::Failed(complaint)),
        Err(error) => Err(NoJournal::Remote(error)),
    }
}

/// One line; its texts are shown to people, and anybody on the pod may have written them.
fn entry(line: &str) -> Option<Entry> {
    let entry: Entry = serde_json::from_str(line).ok()?;
    let JournalAction { pi, who, project, project_id, action, target, reason } = entry.deed;
    let [pi, who, action, target, reason] = [pi, who, action, target, reason].map(|text| plain(&text));
    Some(Entry { deed: JournalAction { pi, who, project, project_id, action, target, reason }, ..entry })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_without_what_a_terminal_would_obey() {
        let line = r#"{"when":"2026-11-22T13:00:00Z","seconds":2,"outcome":"done","exit":0,"pi":"0.1.0","who":"ann@\u001b[2Jlaptop","project":"team","action":"start_server","target":"qwen","reason":"it is\nnot there","new":1}"#;
        let JournalAction { who, reason, .. } = entry(line).unwrap().deed;
        assert_eq!((who.as_str(), reason.as_str()), ("ann@\u{fffd}[2Jlaptop", "it is\u{fffd}not there"));
        for bad in ["", "{", r#"{"when":"yesterday"}"#, &line[..100]] {
            assert_eq!(entry(bad), None, "{bad}");
        }
    }
}

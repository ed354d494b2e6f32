//! How a server is, held against what it should be.

use crate::observe::{Life, ServerSeen};
use crate::plan::model::change::{Change, How, changes};
use crate::plan::model::reason::Reason;
use crate::plan::usage::secrets::outdated;
use crate::spec::ServerSpec;

/// What is to be done about a server that shall run.
#[derive(Clone)]
pub(super) enum ServerDiff {
    /// Nothing.
    UpToDate,
    /// It runs as it should, has answered, and does not now; why.
    Unresponsive(String),
    /// It runs as it should and has not answered yet: it may still measure how much of its GPUs is free.
    Starting(String),
    /// It does not run; why.
    NotRunning(Reason),
    /// It runs, and not as it should; why, and what differs.
    Differs(String, Vec<Change>),
}

/// Holds what there is of a server against what it should be.
pub(super) fn diff(seen: Option<&ServerSeen>, wanted: &ServerSpec) -> ServerDiff {
    let Some(seen) = seen else { return ServerDiff::NotRunning(Reason::Missing) };
    let ServerSeen { spec, life, answered, secrets, .. } = seen;
    let health = match life {
        Life::Stopped => return ServerDiff::NotRunning("it is stopped".into()),
        Life::Dead { left } => return ServerDiff::NotRunning(died(left).into()),
        Life::Running { health, .. } => *health,
    };
    let changes = match spec {
        Err(why) => return ServerDiff::Differs(format!("its record can't be read: {why}"), Vec::new()),
        Ok(spec) => changes(spec, wanted),
    };
    if !changes.is_empty() {
        return ServerDiff::Differs(in_words(&changes), changes);
    }
    if let Some(reason) = outdated(secrets, wanted) {
        return ServerDiff::Differs(reason, Vec::new());
    }
    match (answered, health) {
        (true, Some(200)) => ServerDiff::UpToDate,
        (false, Some(200)) => ServerDiff::Starting("it has not answered with a token yet".to_owned()),
        (false, _) => ServerDiff::Starting("it is still starting".to_owned()),
        (true, Some(code)) => ServerDiff::Unresponsive(format!("its /health says {code}")),
        (true, None) => ServerDiff::Unresponsive("it does not answer /health".to_owned()),
    }
}

fn died(left: &[u32]) -> String {
    match left.len() {
        0 => "its process is gone".to_owned(),
        left => format!("its process is gone, {} left over", processes(left)),
    }
}

/// ``its context changes from 32k to 64k``, ``its context and args change``
fn in_words(changes: &[Change]) -> String {
    match changes {
        [Change { field, how: How::Value { from, to } }] => {
            format!("its {field} {} from {from} to {to}", change_of(field))
        }
        [Change { field, how: How::Order { .. } }] => format!("its {field} come in another order"),
        [Change { field, how: How::Lines { .. } }] => format!("its {field} {}", change_of(field)),
        [rest @ .., last] => {
            let rest: Vec<_> = rest.iter().map(|change| change.field).collect();
            format!("its {} and {} change", rest.join(", "), last.field)
        }
        [] => "nothing changes".to_owned(),
    }
}

/// The verb that goes with a field: some are many.
fn change_of(field: &str) -> &'static str {
    if matches!(field, "args" | "gpus") { "change" } else { "changes" }
}

/// `1 process is`, `2 processes are`
pub(super) fn processes(count: usize) -> String {
    if count == 1 { "1 process is".to_owned() } else { format!("{count} processes are") }
}

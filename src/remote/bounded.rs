//! Jobs whose whole output is kept.
//!
//! In: a job, and how long its output may be. Out: its exit code; a pod that says more is broken off, so that none can
//! fill this machine's memory.

use super::{Exit, Job, Line, Remote, RemoteError};
use crate::name::PodName;
use crate::units::Bytes;
use tokio_util::sync::CancellationToken;

/// Runs a job to its end, and hears at most `most` of what it prints.
pub async fn bounded<R: Remote>(
    remote: &R,
    pod: &PodName,
    job: Job<'_>,
    most: Bytes,
    mut hear: impl FnMut(Line) + Send,
) -> Result<Exit, RemoteError> {
    let (never, over) = (CancellationToken::new(), CancellationToken::new());
    let mut left = most.0;
    let hear = |line: Line| {
        let (Line::Out(text) | Line::Err(text)) = &line;
        match left.checked_sub(u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(1)) {
            Some(rest) if !over.is_cancelled() => {
                left = rest;
                hear(line);
            }
            Some(_) | None => over.cancel(),
        }
    };
    let too_long = || RemoteError::TooLong { at: pod.to_string(), most };
    tokio::select! {
        ended = remote.run(pod, job, &never, hear) => if over.is_cancelled() { Err(too_long()) } else { ended },
        () = over.cancelled() => Err(too_long()),
    }
}

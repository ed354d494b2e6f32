//! How long a step's script may make no progress, and what is said of one that makes none.
//!
//! Progress is a line that differs from the one before it: a download tells every second how many bytes are there.

use crate::apply::event::Failure;
use crate::units::Seconds;
use std::sync::{Mutex, PoisonError};
use tokio::time::{Instant, sleep_until};

/// What a script said last, and when that was something new.
pub(super) struct Progress {
    last: Mutex<(Instant, String)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { last: Mutex::new((Instant::now(), String::new())) }
    }

    /// It has said something.
    pub(super) fn heard(&self, text: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1 != text {
            *last = (Instant::now(), text.to_owned());
        }
    }

    /// Ends when it has said nothing new for so long; with what it said last.
    pub(super) async fn stalled(&self, quiet: Seconds) -> String {
        loop {
            let (since, text) = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if since.elapsed() >= quiet.duration() {
                return text;
            }
            sleep_until(since + quiet.duration()).await;
        }
    }
}

/// What is said of a script that was ended because it made no progress; `last` is what it said last, `blocked` the
/// program that it waited for.
pub(super) fn stuck(script: &str, quiet: Seconds, last: &str, blocked: Option<&str>) -> Failure {
    let doing = script.trim_end_matches(".sh").replace('_', " ");
    let after =
        if last.is_empty() { "it said nothing".to_owned() } else { format!("the last it said: {last}") };
    let mut message = format!("`{doing}` made no progress for {quiet} and was ended; {after}");
    if let Some(blocked) = blocked {
        message = format!("{message}; it waited for {blocked}");
    }
    Failure::new("stuck", message)
        .help("log in and look: a dead mount, a full process table or a hanging driver can hold it up")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn only_what_is_new_is_progress() {
        let (progress, began) = (Progress::new(), Instant::now());
        let talk = async {
            for line in ["progress 1", "progress 2", "progress 2", "progress 2"] {
                tokio::time::sleep(Duration::from_millis(600)).await;
                progress.heard(line);
            }
        };
        let (last, ()) = tokio::join!(progress.stalled(Seconds(1)), talk);
        assert_eq!(last, "progress 2");
        // what was new came after 1.2 s, and nothing since
        assert!(began.elapsed() >= Duration::from_millis(2200), "{:?}", began.elapsed());
        let said = "waiting for its GPU memory";
        let words = "`stop server` made no progress for 5m and was ended; the last it said: waiting for its GPU memory";
        let blocked = "cat x (PID 7), which waits to open a FIFO";
        for (blocked, expected) in
            [(None, words.to_owned()), (Some(blocked), format!("{words}; it waited for {blocked}"))]
        {
            let failure = stuck("stop_server.sh", Seconds(300), said, blocked);
            assert_eq!(failure.message, expected);
        }
    }
}

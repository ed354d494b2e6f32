//! How long a step's script may make no progress, and what is said of one that makes none.
//!
//! Progress is a line that differs from the one before it: a download tells every second how many bytes are there.

use crate::apply::event::Failure;
use crate::script::{Script, Template};
use crate::units::Seconds;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Minutes without progress.
const PATIENCE: [(Template, u64); 11] = [
    // kernels that are compiled say nothing meanwhile
    (Template::INSTALL_ENGINE, 30),
    // apt-get waits 5 min for its lock
    (Template::INSTALL_PACKAGES, 15),
    (Template::FETCH_WEIGHTS, 15),
    // thousands of files, perhaps on network storage
    (Template::REMOVE_ENGINE, 10),
    (Template::REMOVE_WEIGHTS, 10),
    (Template::REMOVE_REST, 10),
    (Template::ASK_AGAIN, 2),
    (Template::WRITE_SECRETS, 1),
    (Template::KEEP_FORMER, 1),
    (Template::MARK_ANSWERED, 1),
    (Template::MARK_FAILED, 1),
];

/// Minutes for the others: a server may drain, and a driver takes its time to give memory back.
const OTHERS: u64 = 5;

/// How long this script may make no progress. A server that starts has a rule of its own, `ready_stall`, which the pod
/// keeps, and one that is asked answers in the time of its question.
pub(super) fn patience(script: &Script) -> Option<Duration> {
    let is = |template: &Template| template.name() == script.name;
    if [Template::AWAIT_READY, Template::ASK_OWN].iter().any(is) {
        return None;
    }
    let known = PATIENCE.iter().find(|(template, _)| is(template));
    Some(Duration::from_mins(known.map_or(OTHERS, |(_, minutes)| *minutes)))
}

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
    pub(super) async fn stalled(&self, patience: Duration) -> String {
        loop {
            let (since, text) = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if since.elapsed() >= patience {
                return text;
            }
            sleep_until(since + patience).await;
        }
    }
}

/// What is said of a script that was ended because it made no progress; `last` is what it said last, `blocked` the
/// program that it waited for.
pub(super) fn stuck(script: &Script, patience: Duration, (last, blocked): (&str, Option<&str>)) -> Failure {
    let doing = script.name.trim_end_matches(".sh").replace('_', " ");
    let after =
        if last.is_empty() { "it said nothing".to_owned() } else { format!("the last it said: {last}") };
    let patience = Seconds(patience.as_secs());
    let mut message = format!("`{doing}` made no progress for {patience} and was ended; {after}");
    if let Some(blocked) = blocked {
        message = format!("{message}; it waited for {blocked}");
    }
    Failure::new("stuck", message)
        .help("log in and look: a dead mount, a full process table or a hanging driver can hold it up")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(template: Template) -> Script {
        let text = String::new();
        Script { name: template.name(), own: text.clone(), text, keeper: crate::script::Keeper::Runner }
    }

    #[test]
    fn each_step_has_an_end_or_a_rule_of_its_own() {
        for template in Template::ALL {
            let limit = patience(&script(*template));
            let own =
                [Template::AWAIT_READY, Template::ASK_OWN].iter().any(|own| own.name() == template.name());
            assert_eq!(limit.is_none(), own, "{template:?}");
        }
    }

    #[tokio::test]
    async fn only_what_is_new_is_progress() {
        let (progress, began) = (Progress::new(), Instant::now());
        let talk = async {
            for line in ["progress 1", "progress 2", "progress 2", "progress 2"] {
                tokio::time::sleep(Duration::from_millis(200)).await;
                progress.heard(line);
            }
        };
        let (last, ()) = tokio::join!(progress.stalled(Duration::from_millis(350)), talk);
        assert_eq!(last, "progress 2");
        // what was new came after 400 ms, and nothing since
        assert!(began.elapsed() >= Duration::from_millis(750), "{:?}", began.elapsed());
        let said = "waiting for its GPU memory";
        let words = "`stop server` made no progress for 5m and was ended; the last it said: waiting for its GPU memory";
        let blocked = "cat x (PID 7), which waits to open a FIFO";
        for (blocked, expected) in
            [(None, words.to_owned()), (Some(blocked), format!("{words}; it waited for {blocked}"))]
        {
            let failure = stuck(&script(Template::STOP_SERVER), Duration::from_mins(5), (said, blocked));
            assert_eq!(failure.message, expected);
        }
    }
}

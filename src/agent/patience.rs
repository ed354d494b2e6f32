//! How long a stream is waited for.

use crate::bounded::{EVENT, Limit, TURN};
use std::time::{Duration, Instant};

/// Since when an event is waited for, and since when one that has begun.
#[derive(Debug)]
pub(super) struct Patience {
    last: Instant,
    begun: Option<Instant>,
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    None,
    Some,
}

impl Patience {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now, begun: None }
    }

    /// Notes that bytes came: whether an event was in them, and whether they end within one.
    pub(super) fn heard(&mut self, now: Instant, event: Part, within: Part) {
        if event == Part::Some {
            self.last = now;
            self.begun = None;
        }
        self.begun = match within {
            Part::Some => self.begun.or(Some(now)),
            Part::None => None,
        };
    }

    /// How long more is waited for now, and the limit that this is up to.
    pub(super) fn left(&self, now: Instant) -> (Duration, Limit) {
        let left = |since: Instant, limit: Limit| (limit.time.saturating_sub(now - since), limit);
        let silent = left(self.last, TURN);
        // a server that keeps the connection alive without an event is as good as silent
        self.begun.map(|begun| left(begun, EVENT)).filter(|half| half.0 < silent.0).unwrap_or(silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_event_gives_more_time() {
        use Part::{None, Some};
        // what came at which second, and how long is waited for then
        type Came = [(u64, Part, Part)];
        let table: &[(&Came, u64, u64, &str)] = &[
            (&[], 0, 600, TURN.of),
            (&[(500, Some, None)], 500, 600, TURN.of),
            (&[(1, None, None), (599, None, None)], 599, 1, TURN.of), // comments
            (&[(1, None, Some), (2, None, None), (599, None, Some)], 599, 1, TURN.of),
            (&[(1, None, Some)], 1, 55, EVENT.of),
            (&[(1, None, Some), (30, None, Some), (55, None, Some)], 55, 1, EVENT.of), // drips
            (&[(1, None, Some), (50, Some, Some)], 50, 55, EVENT.of),
            (&[(1, None, Some), (50, Some, None)], 50, 600, TURN.of),
            (&[], 700, 0, TURN.of),
        ];
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for (came, now, left, of) in table {
            let mut patience = Patience::new(start);
            for (second, event, within) in *came {
                patience.heard(at(*second), *event, *within);
            }
            let (time, limit) = patience.left(at(*now));
            assert_eq!((time.as_secs(), limit.of), (*left, *of), "{came:?}");
        }
    }
}

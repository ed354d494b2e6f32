//! How fast downloads come, and how long they will take.

use crate::plan::StepId;
use crate::units::{Bytes, Seconds};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Over how long a rate is measured.
const WINDOW: Duration = Duration::from_secs(20);

/// What was there when, of every download that runs.
#[derive(Debug, Default)]
pub(super) struct Rates(BTreeMap<StepId, VecDeque<(Instant, u64)>>);

impl Rates {
    /// Takes a measurement in; `12.3 GB of 65.5 GB, 95.2 MB/s, 9m 20s left`.
    pub(super) fn tell(&mut self, id: StepId, now: Instant, done: Bytes, total: Option<Bytes>) -> String {
        let seen = self.0.entry(id).or_default();
        seen.push_back((now, done.0));
        while seen.len() > 2 && seen.front().is_some_and(|(then, _)| now - *then > WINDOW) {
            seen.pop_front();
        }
        let rate = seen.front().and_then(|(then, before)| rate(now - *then, done.0.saturating_sub(*before)));
        let size = match total {
            Some(total) => format!("{done} of {total}"),
            None => done.to_string(),
        };
        let Some(rate) = rate else { return size };
        let left = match total.map(|total| total.0.saturating_sub(done.0)) {
            Some(left) if left > 0 => format!(", {} left", Seconds(left.div_ceil(rate))),
            Some(_) | None => String::new(),
        };
        format!("{size}, {}/s{left}", Bytes(rate))
    }
}

/// Bytes a second; nothing where too little is known.
fn rate(time: Duration, bytes: u64) -> Option<u64> {
    let millis = u64::try_from(time.as_millis()).ok().filter(|millis| *millis >= 900)?;
    Some(bytes.saturating_mul(1000) / millis).filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_tells_its_rate_and_what_is_left() {
        let (mut rates, start) = (Rates::default(), Instant::now());
        let total = Some(Bytes(10_000_000_000));
        let mut tell =
            |seconds, done| rates.tell(1, start + Duration::from_secs(seconds), Bytes(done), total);
        assert_eq!(tell(0, 1_000_000_000), "1.0 GB of 10.0 GB");
        assert_eq!(tell(10, 2_000_000_000), "2.0 GB of 10.0 GB, 100.0 MB/s, 1m 20s left");
        assert_eq!(tell(60, 2_000_000_000), "2.0 GB of 10.0 GB");
        assert_eq!(tell(70, 10_000_000_000), "10.0 GB of 10.0 GB, 800.0 MB/s");
        assert_eq!(rates.tell(2, start, Bytes(5), None), "5 B");
    }
}

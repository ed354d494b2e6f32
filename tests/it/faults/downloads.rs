//! Weights that are on their way: `pi` killed, the pod away, its disk full, the hub gone.

use super::bench::{Bench, FETCHED, TWO, kill_9};
use super::table::Row;
use std::time::Duration;

const BEGAN: &str = "began fetch_weights";
const MOMENT: &str = "while weights are fetched";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::from(killed());
    rows.extend(away());
    rows.push(Row::new("disk full", MOMENT, |bench| {
        let ran = fetching(bench, |_| bench.fault(&["disk-full"]));
        ran.exits(1).says(r#""code":"no-space""#);
        bench.fault(&["disk-ok"]);
        bench.tell("exit 1 and the cause");
        converges(bench);
    }));
    rows.push(Row::new("hub gone", MOMENT, |bench| {
        let ran = fetching(bench, |_| bench.hub.stop());
        bench.hub.start_again();
        ran.exits(1).says(r#""code":"hub-unreachable""#);
        bench.tell("exit 1 and the cause");
        converges(bench);
    }));
    rows
}

fn killed() -> [Row; 3] {
    [("before", BEGAN, 0), ("during", BEGAN, 3000), ("after", "ended fetch_weights", 0)].map(
        |(when, event, pause)| {
            Row::new("`pi` killed with -9", format!("{when} fetch weights"), move |bench: &Bench| {
                bench.wants(&[FETCHED, TWO]);
                bench.apply_until(event, |pi| {
                    std::thread::sleep(Duration::from_millis(pause));
                    kill_9(pi);
                });
                converges(bench);
            })
            .among(super::killed::EVERY)
        },
    )
}

fn away() -> Vec<Row> {
    let faults: [(&str, &[&str]); 4] = [
        ("network cut", &["partition"]),
        ("pod hangs", &["hang"]),
        ("sshd gone", &["ssh-down"]),
        ("power cut", &["reboot", "--hard"]),
    ];
    let row = |(fault, breaks): (&'static str, &'static [&str])| {
        Row::new(fault, MOMENT, move |bench: &Bench| {
            let ran = fetching(bench, |_| bench.fault(breaks));
            bench.mend();
            // the step's connection is lost, and the lock's: 75, where that is noticed first
            assert!(matches!(ran.code, Some(69 | 75)), "exit {:?}", ran.code);
            bench.tell("exit 69 or 75 and the cause");
            converges(bench);
        })
    };
    faults.into_iter().map(row).collect()
}

/// An apply during which something happens when the first bytes are there.
fn fetching(bench: &Bench, then: impl FnOnce(&mut std::process::Child)) -> crate::workplace::Ran {
    bench.wants(&[FETCHED, TWO]);
    bench.apply_until(BEGAN, |pi| {
        std::thread::sleep(Duration::from_secs(3));
        then(pi);
    })
}

/// The next apply mends it, and nothing of the broken download is left.
#[track_caller]
fn converges(bench: &Bench) {
    bench.converges();
    let left = bench.inside("find /models -name '*.incomplete' -o -path '*/.pi-locks/*'");
    assert_eq!(left, "", "left of the download");
}

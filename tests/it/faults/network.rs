//! The network: nothing gets through, everything hangs, sshd is gone, packets are lost.

use super::bench::Bench;
use super::table::Row;

const MOMENTS: [(&str, &str); 4] = [
    ("began install_engine packed", "while an engine is installed"),
    ("began start_server one", "while a server is started"),
    ("began await_ready two", "while a server is waited for"),
    ("ended await_ready two", "after the last step"),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let faults: [(&str, &[&str], &[&str]); 3] = [
        ("network cut", &["partition"], &["heal"]),
        ("pod hangs", &["hang"], &["unhang"]),
        ("sshd gone", &["ssh-down"], &["ssh-up"]),
    ];
    for (fault, breaks, mends) in faults {
        rows.push(Row::new(fault, "before the probe", move |bench: &Bench| {
            bench.fault(breaks);
            bench.pi("apply --yes").exits(69);
            bench.fault(mends);
            bench.tell("exit 69 and the cause");
            bench.converges();
        }));
        for (event, moment) in MOMENTS {
            rows.push(Row::new(fault, moment, move |bench: &Bench| {
                let ran = bench.apply_until(event, |_| bench.fault(breaks));
                bench.fault(mends);
                let code = ran.code.unwrap_or(-1);
                assert!(
                    matches!(code, 69 | 75) || code == 0 && event.starts_with("ended"),
                    "exit {code}: {}{}",
                    ran.out,
                    ran.err
                );
                bench.tell(if code == 0 { "exit 0" } else { "exit 69 or 75 and the cause" });
                bench.converges();
            }));
        }
    }
    rows.push(Row::new("5 % of packets lost, 80 ms", "all the time", |bench| {
        bench.fault(&["netem", "delay", "40ms", "loss", "5%"]);
        bench.apply();
        bench.fault(&["netem", "off"]);
        bench.is_as_wanted();
        bench.tell("it takes longer");
    }));
    rows
}

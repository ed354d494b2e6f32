//! `pi` is killed with -9, before, during and after every step of a first apply, and while a server is replaced.

use super::bench::{ONE, TWO, kill_9};
use super::table::Row;
use std::time::Duration;

const STEPS: [&str; 6] = [
    "install_engine packed",
    "write_secrets api_key",
    "start_server one",
    "await_ready one",
    "start_server two",
    "await_ready two",
];

/// All of them, for the table.
const EVERY: &str = "before, during or after any step of a first apply";

const BESIDE_STEPS: [&str; 4] =
    ["began start_beside two", "began await_ready two", "ended await_ready two", "began take_over two"];

/// Slow enough that two looks at it see the same.
const CHANGED: &str = "[models.two]\ngpus = 1\n\
    command = [\"bash\", \"-c\", \"sleep 100000 & sleep 4; python3 /root/serve.py --port $0 --model $1\", \"{port}\", \"{model}\"]\n";

const DIES: &str = "[models.two]\nport = 8011\ngpus = 1\ncommand = [\"bash\", \"-c\", \"sleep 1; exit 3\"]\n";

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = STEPS.into_iter().flat_map(around).collect();
    for (event, moment) in [
        ("began restart_server two", "while a changed server takes the place of the former one"),
        ("began await_ready two", "while a changed server starts that will die"),
    ] {
        rows.push(Row::new("`pi` killed with -9", moment, move |bench| {
            bench.apply();
            bench.wants(&[ONE, DIES]);
            bench.apply_until(event, |pi| {
                std::thread::sleep(Duration::from_millis(200));
                kill_9(pi);
            });
            bench.pi("apply --yes").exits(1).says("The former one runs again");
            bench.wants(&[ONE, TWO]);
            bench.is_as_wanted_but_for("./servers/two/failed");
            bench.tell("the next apply says that it dies, and the former one runs again");
        }));
    }
    rows.extend(BESIDE_STEPS.into_iter().map(beside));
    rows
}

/// A changed server has a GPU and a port of its own until it takes the former one's place.
fn beside(event: &'static str) -> Row {
    let row = Row::new("`pi` killed with -9", event, move |bench| {
        bench.apply();
        bench.wants(&[ONE, CHANGED]);
        bench.apply_until(event, |pi| {
            std::thread::sleep(Duration::from_millis(200));
            kill_9(pi);
        });
        let served =
            bench.inside("curl -sf -m 5 127.0.0.1:8011/health || curl -sf -m 5 127.0.0.1:8001/health");
        assert_eq!(served, "{}", "somebody is served all the time");
        bench.pi("apply --yes --lock-wait 2m").exits(0);
        bench.pi("plan --detailed-exitcode").exits(0).says("No changes");
        bench.wants(&[ONE, TWO]);
        bench.converges();
    });
    row.among("while a changed server starts beside the former one, and takes its place")
}

/// Before, during and after a step.
fn around(step: &'static str) -> [Row; 3] {
    let name = step.replace('_', " ");
    let before = Row::new("`pi` killed with -9", format!("before {name}"), move |bench| {
        bench.apply_until(&format!("began {step}"), kill_9);
        bench.converges();
    });
    let during = Row::new("`pi` killed with -9", format!("during {name}"), move |bench| {
        bench.apply_until(&format!("began {step}"), |pi| {
            std::thread::sleep(Duration::from_millis(150));
            kill_9(pi);
        });
        bench.converges();
    });
    let after = Row::new("`pi` killed with -9", format!("after {name}"), move |bench| {
        bench.apply_until(&format!("ended {step}"), kill_9);
        bench.converges();
    });
    [before, during, after].map(|row| row.among(EVERY))
}

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
pub(super) const EVERY: &str = "before, during or after any step of a first apply";

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
    rows
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

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

/// Steps that end a server, and what is wanted of it then.
const GOING: [(&str, &str); 2] = [
    ("remove_server two", ""),
    (
        "stop_server two",
        "[models.two]\nport = 8011\ngpus = 1\nstate = \"stopped\"\n\
         command = [\"bash\", \"-c\", \"sleep 100000 & python3 /root/serve.py --port $0 --model $1\", \"{port}\", \"{model}\"]\n",
    ),
];
const EVERY_END: &str = "before, during or after a server is stopped or removed";

const MOUNT: &str = "[pods.pod1.mount]\nsource = \"pi-test\"\ntarget = \"/mnt/store\"\ntype = \"tmpfs\"\n";

const DIES: &str = "[models.two]\nport = 8011\ngpus = 1\ncommand = [\"bash\", \"-c\", \"sleep 1; exit 3\"]\n";

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = STEPS.into_iter().flat_map(around).collect();
    rows.extend(GOING.into_iter().flat_map(around_an_end));
    rows.extend(around_a_mount());
    for (event, moment) in [
        ("began restart_server two", "while a changed server takes the place of the previous one"),
        ("began await_ready two", "while a changed server starts that will die"),
    ] {
        rows.push(Row::new("`pi` killed with -9", moment, move |bench| {
            bench.apply();
            bench.wants(&[ONE, DIES]);
            bench.apply_until(event, |pi| {
                std::thread::sleep(Duration::from_millis(200));
                kill_9(pi);
            });
            bench.apply_once_free().0.exits(1).says("The previous one runs again");
            bench.wants(&[ONE, TWO]);
            bench.is_as_wanted_but_for("servers/two/failed");
            bench.tell("the next apply says that it dies, and the previous one runs again");
        }));
    }
    rows
}

/// The same where a server goes: it is gone after the next apply, and comes again when it is wanted again.
fn around_an_end((step, wanted): (&'static str, &'static str)) -> [Row; 3] {
    [("before", "began", 0), ("during", "began", 150), ("after", "ended", 0)].map(|(when, event, pause)| {
        let name = step.replace('_', " ");
        Row::new("`pi` killed with -9", format!("{when} {name}"), move |bench| {
            bench.apply();
            bench.wants(&[ONE, wanted]);
            bench.apply_until(&format!("{event} {step}"), |pi| {
                std::thread::sleep(Duration::from_millis(pause));
                kill_9(pi);
            });
            bench.applies_once_free();
            bench.pi("plan --detailed-exitcode").exits(0).says("No changes");
            assert_eq!(bench.inside("pgrep -fc '^sleep[ ]100000$' || true").trim(), "0", "it still runs");
            bench.wants(&[ONE, TWO]);
            bench.converges();
        })
        .among(EVERY_END)
    })
}

/// The same where storage is mounted.
fn around_a_mount() -> [Row; 3] {
    [("before", "began", 0), ("during", "began", 150), ("after", "ended", 0)].map(|(when, event, pause)| {
        Row::new("`pi` killed with -9", format!("{when} mount storage"), move |bench| {
            bench.wants(&[MOUNT, ONE, TWO]);
            bench.apply_until(&format!("{event} mount_storage"), |pi| {
                std::thread::sleep(Duration::from_millis(pause));
                kill_9(pi);
            });
            bench.converges();
            assert_eq!(bench.inside("grep -c ' /mnt/store ' /proc/mounts").trim(), "1");
        })
        .among(EVERY)
    })
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

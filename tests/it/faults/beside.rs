//! What goes wrong while a changed server starts beside the one that runs, and takes its place.

use super::bench::{Bench, ONE, TWO, kill_9};
use super::table::Row;
use std::time::Duration;

const MOMENTS: [&str; 4] =
    ["began start_beside two", "began await_ready two", "ended await_ready two", "began take_over two"];

/// Without a fixed port, and slow enough that two looks at it see the same.
const CHANGED: &str = "[models.two]\ngpus = 1\n\
    command = [\"bash\", \"-c\", \"sleep 100000 & sleep 4; python3 /root/serve.py --port $0 --model $1\", \"{port}\", \"{model}\"]\n";

/// Whoever asks the one or the other is answered.
const ASK: &str = "curl -sf -m 5 127.0.0.1:8011/health || curl -sf -m 5 127.0.0.1:8001/health";

/// Whoever asks them on their one port is answered. A connection that the former one has not accepted yet is reset as it
/// ends: who tries again notices nothing.
const ASK_BOTH: &str = "curl -sf -m 5 127.0.0.1:8011/health || curl -sf -m 5 127.0.0.1:8011/health";

/// On a port that it shares.
const SHARING: &str = "[models.two]\nport = 8011\ngpus = 1\nshare_port = true\n\
    command = [\"bash\", \"-c\", \"sleep 100000 & python3 /root/serve.py --share-port --port $0 --model $1\", \"{port}\", \"{model}\"]\n";

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = MOMENTS.into_iter().map(row).collect();
    rows.extend(MOMENTS.into_iter().map(on_one_port));
    rows.extend([fails_on_one_port(), dies_on_one_port()]);
    rows
}

/// Another one than that, which takes a while or can't answer.
fn other(before: &str, flag: &str) -> String {
    SHARING.replace("python3 /root/serve.py", &format!("{before} python3 /root/serve.py {flag}"))
}

fn on_one_port(moment: &'static str) -> Row {
    let row = Row::new(
        "`pi` killed with -9",
        format!("{moment}, on the port of the former one"),
        move |bench: &Bench| {
            bench.wants(&[ONE, SHARING]);
            bench.apply();
            bench.wants(&[ONE, &other("sleep 4;", "")]);
            bench.apply_until(moment, |pi| {
                std::thread::sleep(Duration::from_millis(200));
                kill_9(pi);
            });
            assert_eq!(bench.inside(ASK_BOTH), "{}", "somebody serves");
            bench.converges();
        },
    );
    row.among("while a changed server is started on the port of the former one and takes its place")
}

fn fails_on_one_port() -> Row {
    Row::new("a changed server can't answer", "on the port of the former one, which can", |bench: &Bench| {
        bench.wants(&[ONE, SHARING]);
        bench.apply();
        bench.wants(&[ONE, &other("", "--broken")]);
        bench.pi("apply --yes").exits(1).says("says 500").says("`two` still runs as it was");
        bench.tell("told, and the former one serves on");
        bench.wants(&[ONE, SHARING]);
        bench.is_as_wanted_but_for("./servers/two/failed");
    })
}

fn dies_on_one_port() -> Row {
    let moment = "while a changed one is waited for on its port";
    Row::new("a server is killed", moment, |bench: &Bench| {
        bench.wants(&[ONE, SHARING]);
        bench.apply();
        bench.wants(&[ONE, &other("sleep 4;", "")]);
        let kill = "kill -KILL -- -$(cut -d' ' -f1 /root/.pi/servers/two/pid)";
        bench.apply_until("began await_ready two", |_| drop(bench.inside(kill))).exits(0);
        bench.tell("the changed one takes its place");
        bench.is_as_wanted();
    })
}

fn row(moment: &'static str) -> Row {
    let row =
        Row::new("`pi` killed with -9", format!("{moment}, beside the former one"), move |bench: &Bench| {
            bench.apply();
            bench.wants(&[ONE, CHANGED]);
            bench.apply_until(moment, |pi| {
                std::thread::sleep(Duration::from_millis(200));
                kill_9(pi);
            });
            assert_eq!(bench.inside(ASK), "{}", "somebody serves all the time");
            bench.applies_once_free();
            bench.pi("plan --detailed-exitcode").exits(0).says("No changes");
            bench.wants(&[ONE, TWO]);
            bench.converges();
        });
    row.among("while a changed server is started beside the former one and takes its place")
}

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

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = MOMENTS.into_iter().map(row).collect();
    rows.extend([fails(), dies()]);
    rows
}

fn fails() -> Row {
    Row::new("a changed server can't answer", "beside the running one, which can", |bench: &Bench| {
        bench.apply();
        bench.wants(&[ONE, &CHANGED.replace("serve.py", "serve.py --broken")]);
        bench.pi("apply --yes").exits(1).says("says 500").says("`two` still runs as it was");
        bench.tell("told, and the running one serves on");
        bench.wants(&[ONE, TWO]);
        bench.is_as_wanted_but_for("servers/two/failed");
    })
}

fn dies() -> Row {
    let moment = "while a changed one is waited for beside it";
    Row::new("a server is killed", moment, |bench: &Bench| {
        bench.apply();
        bench.wants(&[ONE, CHANGED]);
        let kill = "kill -KILL -- -$(cut -d' ' -f1 /root/.pi/servers/two/current/pid)";
        bench.apply_until("began await_ready two", |_| drop(bench.inside(kill))).exits(0);
        bench.pi("plan --detailed-exitcode").exits(0).says("No changes");
        bench.tell("the changed one takes its place");
        bench.wants(&[ONE, TWO]);
        bench.converges();
    })
}

fn row(moment: &'static str) -> Row {
    let row =
        Row::new("`pi` killed with -9", format!("{moment}, beside the running one"), move |bench: &Bench| {
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
    row.among("while a changed server is started beside the running one and takes its place")
}

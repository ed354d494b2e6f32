//! Servers: killed as a whole and in part, hung, and their port taken.

use super::bench::Bench;
use super::table::Row;

const PARENT: &str = "pkill -KILL -f '^bash [-]c sleep 100000'";
const WORKER: &str = "pkill -KILL -f '^python3 /root/[s]erve.py --port 8011'";
const ALL: &str = "pkill -KILL -f '[s]erve.py|[s]leep 100000'";

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, line) in [("its parent", PARENT), ("its worker", WORKER), ("all of it", ALL)] {
        rows.push(Row::new("engine killed", what, move |bench: &Bench| {
            bench.apply();
            bench.inside(line);
            bench.pi("plan --detailed-exitcode").exits(2);
            bench.converges();
        }));
    }
    rows.push(Row::new("engine killed", "while it is waited for", |bench| {
        let ran = bench.apply_until("began await_ready two", |_| drop(bench.inside(ALL)));
        assert!(matches!(ran.code, Some(0 | 1)), "exit {:?}", ran.code);
        bench.converges();
    }));
    rows.push(Row::new("engine hangs", "after it has answered", |bench| {
        bench.apply();
        bench.inside("pkill -STOP -f '^python3 /root/[s]erve.py --port 8010'");
        bench.pi("plan --detailed-exitcode").exits(2).says("will be restarted if it stays silent");
        bench.converges();
    }));
    rows.push(Row::new("port stolen", "while the server is down", |bench| {
        bench.apply();
        bench.inside(ALL);
        bench.inside("setsid -f python3 -m http.server 8010 >/dev/null 2>&1 </dev/null; sleep 1");
        bench.pi("apply --yes").exits(1).says("port 8010 is taken by `python3");
        bench.inside("pkill -KILL -f '[h]ttp.server'");
        bench.tell("told, and the others are started");
        bench.converges();
    }));
    rows
}

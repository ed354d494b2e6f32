//! Other people: two applies at once, a lock whose holder is killed, memory that is lost.

use super::bench::{ONE, beside, kill_9};
use super::table::Row;
use crate::workplace::{ID, Ran};

/// A server of another project.
const THIRD: &str = "[models.third]\nport = 8015\ngpus = 0\n\
    command = [\"python3\", \"/root/serve.py\", \"--port\", \"{port}\", \"--model\", \"{model}\"]\n";

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("two applies at once", "from the beginning", |bench| {
            let pis: Vec<_> = (0..2).map(|_| beside(bench.command("apply --yes"))).collect();
            let ran: Vec<Ran> = pis.into_iter().map(|pi| pi.wait_with_output().unwrap().into()).collect();
            let done = ran.iter().filter(|ran| ran.code == Some(0)).count();
            assert!(done >= 1, "{ran:?}");
            bench.is_as_wanted();
            bench.tell("one does it, the other is refused or finds it done");
        }),
        Row::new("holder of the lock killed with -9", "while a second one asks for it", |bench| {
            bench.apply_until("began await_ready one", |pi| {
                bench.pi("apply --yes").exits(75);
                kill_9(pi);
            });
            bench.tell("exit 75 while it lives");
            bench.converges();
        }),
        Row::new("two projects of one name on one pod", "each applies in turn, twice", |bench| {
            bench.apply();
            let before = bench.inside("cat /root/.pi/servers/*/current/pid");
            // the same name and pods, another id, a server of its own
            let own = bench.place.manifest();
            let pods = own.split("[models.").next().unwrap().replace(ID, "anotherproject");
            let theirs = bench.place.path().join("theirs.toml");
            std::fs::write(&theirs, format!("{pods}{THIRD}{ONE}")).unwrap();
            // one of its names is taken, the other server goes on
            bench.pi("apply --yes --manifest theirs.toml").exits(1).says("another project");
            bench.pi("plan --detailed-exitcode").exits(0).says("servers of others run here");
            bench.pi("stop one --manifest theirs.toml").exits(1).says("--take-over");
            bench.pi("apply --yes --manifest theirs.toml").exits(1);
            assert_eq!(bench.inside("cat /root/.pi/servers/{one,two}/current/pid"), before);
            bench.pi("destroy --yes --manifest theirs.toml").exits(1);
            assert_eq!(bench.inside("cat /root/.pi/servers/*/current/pid"), before);
            bench.tell("neither touches the other's; a taken name is an error of that model");
        }),
        Row::new("`pods.json` gone", "when all runs", |bench| {
            bench.apply();
            drop(std::fs::remove_file(bench.place.path().join("home/.pi/pods.json")));
            bench.is_as_wanted();
            bench.tell("the same plan");
        }),
        Row::new("`pods.json` broken", "when all runs", |bench| {
            bench.apply();
            let file = bench.place.path().join("home/.pi/pods.json");
            std::fs::write(&file, "{").unwrap();
            let ran = bench.pi("plan");
            assert!(ran.code != Some(0), "{ran:?}");
            ran.says("is not what pi wrote");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "{");
            std::fs::remove_file(&file).unwrap();
            bench.tell("an error that names the file, which stays as it is");
            bench.converges();
        }),
    ]
}

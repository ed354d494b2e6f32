//! A disk that takes nothing any more: servers are stopped and told of all the same.

use super::bench::{Bench, ONE, TWO};
use super::table::Row;

/// Puts pi's directory on a disk of its own, which has no inodes for all of uv's files.
const ON_A_DISK: &str = "mkdir -m 700 /models/pi; cd /root/.pi; cp -a engines servers env journal.jsonl /models/pi\n\
    mount --bind /models/pi /root/.pi";

type Breaks = fn(&Bench);

pub(super) fn rows() -> Vec<Row> {
    let faults: [(&str, Breaks); 3] = [
        ("pi's disk full", |bench| bench.fault(&["disk-full"])),
        ("pi's disk without inodes", |bench| {
            bench.inside("cd /models; at=0; while : >\"none-$((++at))\"; do :; done 2>/dev/null; true");
        }),
        ("pi's disk read-only", |bench| {
            bench.inside("mount -o remount,ro /models");
        }),
    ];
    let row = |(fault, breaks): (&'static str, Breaks)| {
        Row::new(fault, "when all runs", move |bench: &Bench| {
            bench.apply();
            bench.inside(ON_A_DISK);
            breaks(bench);
            let running = |name: &str| bench.inside(&format!("pgrep -fc '{name}' || true")).trim().to_owned();
            bench.pi("list").exits(0).says("one");
            bench.pi("logs one --no-follow").exits(0);
            bench.pi("stop two --yes").exits(0);
            assert_eq!(running("^sleep[ ]100000$"), "0", "two still runs");
            assert_eq!(running("^python3[ ]/root/serve.py"), "1", "one does not run any more");
            bench.pi("destroy --yes").exits(0);
            assert_eq!(running("^python3[ ]/root/serve.py"), "0", "one still runs");
            assert_eq!(bench.inside("ls /dev/shm/pi-lock-* 2>/dev/null || true"), "", "a lock is left");
            bench.tell("`list`, `logs`, `stop` and `destroy` work, and say what could not be noted");
            bench.mend();
            bench.inside("mount -o remount,rw /models; umount /root/.pi; rm -rf /models/*");
            bench.wants(&[ONE, TWO]);
            bench.converges();
        })
    };
    faults.into_iter().map(row).collect()
}

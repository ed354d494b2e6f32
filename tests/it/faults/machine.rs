//! The machine: reboots, a full disk, lost GPUs, a slow driver, another clock, another host key.

use super::bench::Bench;
use super::table::Row;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = reboots();
    rows.extend(gpus());
    rows.push(Row::new("new host key", "before the probe", |bench| {
        bench.apply();
        bench.fault(&["rekey"]);
        bench.pi("apply --yes --no-persist").exits(69).says("accept the new one: ssh-keygen");
        bench.fault(&["trust"]);
        bench.tell("refused, with the command that accepts it");
        bench.converges();
    }));
    rows.push(Row::new("clock set back an hour", "after a lock was left behind", |bench| {
        bench.inside("mkdir -p /root/.pi/lock; cd /root/.pi/lock; printf 'ann@laptop\\nteam\\n1\\nboot 1\\n' >holder; touch -d '1 hour' holder");
        bench.converges();
    }));
    rows.push(Row::new("disk full", "while a server is started", |bench| {
        bench.inside("mkdir -p /models/servers /root/.pi && ln -s /models/servers /root/.pi/servers");
        bench.fault(&["disk-full"]);
        bench.pi("apply --yes").exits(1).says("No space left on device");
        bench.fault(&["disk-ok"]);
        bench.tell("exit 1 and the cause");
        bench.pi("apply --yes").exits(0);
        bench.pi("plan --detailed-exitcode").exits(0);
        bench.tell("the next apply mends it");
    }));
    rows
}

fn reboots() -> Vec<Row> {
    let mut rows = Vec::new();
    for (fault, how) in [("reboot", &["reboot"][..]), ("power cut", &["reboot", "--hard"])] {
        rows.push(Row::new(fault, "when all runs", move |bench: &Bench| {
            bench.apply();
            bench.fault(how);
            bench.pi("plan").exits(0).says("its process is gone");
            bench.converges();
        }));
        rows.push(Row::new(fault, "while a server is waited for", move |bench: &Bench| {
            let ran = bench.apply_until("began await_ready two", |_| bench.fault(how));
            assert!(matches!(ran.code, Some(69 | 75 | 1)), "exit {:?}", ran.code);
            bench.converges();
        }));
    }
    rows
}

fn gpus() -> Vec<Row> {
    vec![
        Row::new("GPU lost", "when a server runs on it", |bench| {
            bench.apply();
            bench.fault(&["gpu-lost", "0"]);
            bench.pi("plan").says("GPU 0");
            bench.fault(&["gpu-ok"]);
            bench.tell("told, and nothing is torn down");
            bench.converges();
        }),
        Row::new("driver broken", "before a server is placed", |bench| {
            bench.fault(&["driver-mismatch"]);
            bench.pi("apply --yes").exits(1).says("nvidia-smi fails: Failed to initialize NVML");
            bench.fault(&["gpu-ok"]);
            bench.tell("told, and what needs no GPU is started");
            bench.converges();
        }),
        Row::new("`nvidia-smi` takes 8 s", "all the time", |bench| {
            bench.fault(&["smi-slow", "8"]);
            bench.apply();
            bench.is_as_wanted();
            bench.fault(&["gpu-ok"]);
            bench.tell("it takes longer");
        }),
        Row::new("`nvidia-smi` hangs", "before a server is placed", |bench| {
            bench.fault(&["smi-slow", "100"]);
            bench.pi("apply --yes").exits(1).says("did not answer within 20 s");
            bench.fault(&["gpu-ok"]);
            bench.tell("told, and what needs no GPU is started");
            bench.converges();
        }),
    ]
}

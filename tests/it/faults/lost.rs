//! The lock is lost while its holder is at work, and somebody else waits for it: the holder ends, and whatever it had
//! begun is over before the other one changes anything.

use super::bench::{Bench, FETCHED, ONE, TWO, beside};
use super::table::Row;
use crate::sshd::{kill, processes_with};
use crate::workplace::Ran;
use std::path::PathBuf;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What is wanted, an event, and how long after it the lock is lost.
type Moment = (&'static str, &'static [&'static str], &'static str, u64);

/// Takes a while until it answers.
const LATE: &str = "[models.two]\nport = 8011\ngpus = 1\n\
    command = [\"bash\", \"-c\", \"sleep 100000 & sleep 5; python3 /root/serve.py --port $0 --model $1\", \"{port}\", \"{model}\"]\n";
/// The same, on a port of its own, and so started beside the one that runs.
const MOVED: &str = "[models.two]\ngpus = 1\n\
    command = [\"bash\", \"-c\", \"sleep 100000 & sleep 5; python3 /root/serve.py --port $0 --model $1\", \"{port}\", \"{model}\"]\n";

const MOMENTS: [Moment; 6] = [
    ("before the first step", &[ONE, TWO], "began install_engine packed", 0),
    ("while an engine is installed", &[ONE, TWO], "began install_engine packed", 300),
    ("while weights are fetched", &[FETCHED, TWO], "began fetch_weights", 2000),
    ("while a server is started", &[ONE, LATE], "began start_server two", 100),
    ("while a server is waited for", &[ONE, LATE], "began await_ready two", 300),
    ("while a server takes another's place", &[ONE, MOVED], "began take_over two", 100),
];

type Breaks = fn(&Bench, &mut Child);

const FAULTS: [(&str, Breaks); 3] = [
    ("`pi`'s ssh killed with -9", |bench, _| {
        let sockets = bench.place.path().join("run/pi");
        let masters = processes_with(&sockets.display().to_string());
        assert!(!masters.is_empty(), "it has no connection");
        for process in masters {
            kill("KILL", process);
        }
    }),
    ("`pi` stopped until its lease is over", |bench, pi| {
        kill("STOP", pi.id());
        let until = Instant::now() + Duration::from_secs(90);
        let ours = bench.inside("readlink /root/.pi/lock");
        while bench.inside("readlink /root/.pi/lock || true") == ours {
            assert!(Instant::now() < until, "it still has the lock");
            sleep(Duration::from_millis(500));
        }
        sleep(Duration::from_secs(2));
        kill("CONT", pi.id());
    }),
    ("network cut for 20 s", |bench, _| {
        bench.fault(&["partition"]);
        sleep(Duration::from_secs(20));
        bench.fault(&["heal"]);
    }),
];

pub(super) fn rows() -> Vec<Row> {
    let at = |(fault, breaks): (&'static str, Breaks)| {
        MOMENTS.map(|moment| {
            Row::new(fault, moment.0, move |bench: &Bench| loses(bench, moment, breaks))
                .among("at any step, while somebody else waits for the lock")
        })
    };
    FAULTS.into_iter().flat_map(at).collect()
}

/// A computer of somebody else's.
fn desk(bench: &Bench) -> PathBuf {
    let desk = bench.place.path().join("desk");
    drop(std::fs::create_dir(&desk));
    std::fs::set_permissions(&desk, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    desk
}

#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn loses(bench: &Bench, (_, wanted, event, pause): Moment, breaks: Breaks) {
    let takes_over = event.contains("take_over");
    if takes_over {
        bench.apply();
    }
    bench.wants(wanted);
    bench.inside("rm -f /root/.pi/journal.jsonl*");
    let desk = desk(bench);
    let (mut other, mut lost) = (None, false);
    let ran = bench.apply_telling(|told, pi| {
        if !told.starts_with("began") || lost {
            return;
        }
        other.get_or_insert_with(|| {
            let mut command = bench.command("apply --yes --lock-wait 3m --no-persist");
            command.env("XDG_RUNTIME_DIR", &desk).env("USER", "bob");
            beside(command)
        });
        if told.starts_with(event) {
            lost = true;
            sleep(Duration::from_millis(pause));
            breaks(bench, pi);
        }
    });
    assert!(lost, "it never told `{event}`: {ran:?}");
    let other: Ran = other.unwrap().wait_with_output().unwrap().into();
    // the last step may be done before it is lost
    let code = ran.code;
    assert!(code == Some(75) || takes_over && code == Some(0), "{code:?}\n{}\n{}", ran.err, other.err);
    if code == Some(75) {
        bench.tell("exit 75, and nothing of it is done afterwards");
    }
    let journal = bench.inside("cat /root/.pi/journal.jsonl 2>/dev/null || true");
    let others = journal.lines().skip_while(|line| !line.contains("\"who\":\"bob@"));
    let late: Vec<_> = others.filter(|line| !line.contains("\"who\":\"bob@")).collect();
    assert!(late.is_empty(), "noted by who had lost the lock:\n{journal}");
    bench.applies_once_free();
    bench.pi("plan --detailed-exitcode").exits(0).says("No changes");
    let servers = bench.inside("pgrep -fc '^python3[ ]/root/serve.py'");
    assert_eq!(servers.trim(), "2", "{}\n{}", ran.err, other.err);
    if takes_over {
        bench.wants(&[ONE, TWO]);
    }
    bench.converges();
}

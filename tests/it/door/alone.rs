//! Scripts that keep watch themselves: probes. No process waits beside them, and they end as others do.

use super::{doors, doors_to, options, pod, shown, unique};
use crate::sshd::{Sshd, eventually, kill, processes_with};
use pi::remote::{Exit, Job, Options, PodConnections, Remote, RemoteError};
use pi::script::{Keeper, Script, Template};
use pi::secret::Secret;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Runs to the end; what was printed, a line each, errors with a `!` before.
async fn run(
    doors: &PodConnections,
    at: &str,
    text: &str,
    input: Option<&str>,
) -> (Result<Exit, RemoteError>, Vec<String>) {
    let script =
        Script { name: "test.sh", text: text.to_owned(), own: String::new(), keeper: Keeper::Itself };
    let job = Job { script: &script, input: input.map(|input| Secret::new(input.to_owned())) };
    let mut said = Vec::new();
    let exit = doors.run(&pod(at), job, &CancellationToken::new(), |line| said.push(shown(line))).await;
    said.sort_by_key(|line| line.starts_with('!')); // order between the streams is not kept
    (exit, said)
}

/// Starts what hangs, and waits for it as probes do.
fn hanging(id: &str) -> String {
    let hear = Template::PROBE.parts()[0];
    format!(
        "{hear}\nsleep 301.{id} & exec {{fd}}< <(exec sleep 302.{id}); hear 100 \"$fd\"; echo not reached"
    )
}

/// When both sleep: the script's own text is the other process that names them.
async fn begun(id: &str) {
    let id = id.to_owned();
    let both = move || ["301", "302"].iter().all(|s| processes_with(&format!("sleep {s}.{id}")).len() > 1);
    tokio::task::spawn_blocking(|| eventually("it waits", both)).await.unwrap();
}

fn gone(id: &str) {
    eventually("nothing of it is left", || processes_with(id).is_empty());
}

#[tokio::test]
async fn they_tell_exactly_what_happened() {
    let sshd = Sshd::start();
    let noise = "echo noise; echo noise >&2; printf '\\036noise begin\\n'; printf no-newline\n";
    std::fs::write(sshd.home().join(".bashrc"), noise).unwrap();
    let doors = doors(&sshd);
    let table: [(&str, Result<i32, &str>, &[&str]); 8] = [
        ("exit 0", Ok(0), &[]),
        ("exit 3", Ok(3), &[]),
        ("set -e; false; echo on", Ok(1), &[]),
        ("echo a; echo b >&2; echo; printf c", Ok(0), &["a", "", "c", "!b"]),
        ("exec 2>/dev/null; (exit 5); echo $?; no-such-command", Ok(127), &["5"]),
        ("echo \"$0 $# ${-//[^i]/}.\"", Ok(0), &["test.sh 0 ."]),
        ("cat; echo read all", Ok(0), &["read all"]),
        ("echo known; kill -KILL $$", Err("lost"), &["known"]),
    ];
    for at in ["near", "far"] {
        for (text, code, expected) in table {
            let (exit, said) = run(&doors, at, text, None).await;
            let exit = exit.as_ref().map(|exit| exit.0).map_err(RemoteError::code);
            assert_eq!(
                (exit, said),
                (code, expected.iter().map(ToString::to_string).collect()),
                "{at}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn one_with_an_input_and_a_long_one_run_as_others_do() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let long = format!("n=1\n{}echo \"$n\"; exit 4", "n=$((n + 1))\n".repeat(6000));
    for at in ["near", "far"] {
        assert_eq!(
            run(&doors, at, "cat; exit 7", Some("input")).await,
            (Ok(Exit(7)), vec!["input".to_owned()])
        );
        assert_eq!(run(&doors, at, &long, None).await, (Ok(Exit(4)), vec!["6001".to_owned()]));
    }
}

#[tokio::test]
async fn what_hangs_ends_with_the_job() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    for at in ["near", "far"] {
        let id = unique();
        let text = hanging(&id);
        tokio::select! {
            said = run(&doors, at, &text, None) => panic!("{said:?}"),
            () = begun(&id) => {}
        }
        gone(&id);
    }
}

#[tokio::test]
async fn what_hangs_ends_when_its_shell_is_told_to() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    for (at, signal) in [("near", "TERM"), ("far", "TERM"), ("near", "HUP"), ("far", "PIPE")] {
        let id = unique();
        let text = hanging(&id);
        let end = async {
            begun(&id).await;
            kill(signal, processes_with(&format!("(exec sleep 302.{id})"))[0]);
        };
        let ((exit, said), ()) = tokio::join!(run(&doors, at, &text, None), end);
        assert_eq!((exit.unwrap_err().code(), said), ("lost", vec![]), "{at} {signal}");
        gone(&id);
    }
}

#[tokio::test]
async fn what_hangs_ends_with_the_line() {
    let mut sshd = Sshd::start();
    let doors = doors(&sshd);
    let id = unique();
    let text = hanging(&id);
    let cut = async {
        begun(&id).await;
        sshd.stop();
    };
    let ((exit, said), ()) = tokio::join!(run(&doors, "far", &text, None), cut);
    assert_eq!((exit.unwrap_err().code(), said), ("lost", vec![]));
    gone(&id);
}

#[tokio::test]
async fn what_hangs_ends_when_nothing_is_heard_for_longer_than_the_lease() {
    let sshd = Sshd::start();
    let doors = doors_to(&sshd.ssh_line(), Options { lease: Duration::from_secs(2), ..options(&sshd) });
    let patient = format!(
        "{}\nexec {{fd}}< <(sleep 4; echo late); hear 9 \"$fd\"; echo \"$REPLY\"",
        Template::PROBE.parts()[0]
    );
    assert_eq!(run(&doors, "far", &patient, None).await, (Ok(Exit(0)), vec!["late".to_owned()]));
    let master = processes_with(&format!("{}/", sshd.sockets().display()));
    let id = unique();
    let text = hanging(&id);
    tokio::select! {
        said = run(&doors, "far", &text, None) => panic!("{said:?}"),
        () = begun(&id) => {}
    }
    // like a network that is cut: nobody closes anything
    kill("STOP", master[0]);
    gone(&id);
    kill("KILL", master[0]);
}

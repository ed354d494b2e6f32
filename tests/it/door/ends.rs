//! How work on a pod ends: with the script, with `pi`, with the line; and what goes on nevertheless.

use super::{doors, doors_to, feed, hear, options, run, unique};
use crate::sshd::{Sshd, eventually, kill, processes_with};
use pi::remote::{Exit, Options, Persist, RemoteError};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A script that runs for long, along with a child and a grandchild that do.
fn long(id: &str) -> String {
    format!("sleep 300.{id} & (sleep 301.{id}; true) & echo started; sleep 302.{id}; echo not reached")
}

/// Nothing of the script is left: no process has its number in its command line.
fn gone(id: &str) {
    eventually("the script's processes are gone", || processes_with(id).is_empty());
}

/// Runs until the first line is there, then does something with the running job.
async fn started(
    doors: &pi::remote::PodConnections,
    at: &str,
    text: &str,
    then: impl FnOnce() + Send,
) -> Result<Exit, RemoteError> {
    let mut then = Some(then);
    hear(doors, at, text, &CancellationToken::new(), |line| {
        assert_eq!(line, "started");
        if let Some(then) = then.take() {
            then();
        }
    })
    .await
}

#[tokio::test]
async fn a_dropped_job_ends() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    for at in ["near", "far"] {
        let id = unique();
        let begun = tokio::sync::Notify::new();
        let text = long(&id);
        tokio::select! {
            exit = started(&doors, at, &text, || begun.notify_one()) => panic!("{exit:?}"),
            // looked at before the job is dropped
            () = async { begun.notified().await; assert!(!processes_with(&id).is_empty()) } => {}
        }
        gone(&id);
    }
}

#[tokio::test]
async fn a_stopped_job_gets_time_to_clean_up() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let table = [
        ("trap 'echo cleaned; exit 1' TERM", Err("stopped"), "cleaned"),
        ("trap 'sleep 0.5; echo finished; exit 0' TERM", Ok(0), "finished"),
        ("trap '' TERM", Err("stopped"), "started"), // only KILL helps
    ];
    for at in ["near", "far"] {
        for (trap, expected, last) in table {
            let (id, stop, mut said) = (unique(), CancellationToken::new(), Vec::new());
            let text = format!("{trap}; echo started; for i in {{1..300}}; do sleep 1.{id}; done; echo done");
            let exit = hear(&doors, at, &text, &stop, |line| {
                said.push(line);
                stop.cancel();
            })
            .await;
            let exit = exit.as_ref().map(|exit| exit.0).map_err(RemoteError::code);
            assert_eq!((exit, said.iter().any(|line| line == last)), (expected, true), "{at}: {trap}");
            gone(&id);
        }
    }
}

#[tokio::test]
async fn a_job_stopped_before_it_began_never_begins() {
    let sshd = Sshd::start();
    std::fs::write(sshd.home().join(".bashrc"), "sleep 1\n").unwrap();
    let doors = doors(&sshd);
    let file = sshd.dir().join("ran");
    let text = format!("touch {}", file.display());
    let stop = CancellationToken::new();
    stop.cancel();
    for at in ["near", "far"] {
        assert_eq!(hear(&doors, at, &text, &stop, |_| {}).await.unwrap_err().code(), "stopped");
    }
    assert_eq!(sshd.connections(), 0);
    let stop = CancellationToken::new();
    let late = async {
        tokio::time::sleep(Duration::from_millis(700)).await; // connected, the login shell still asleep
        stop.cancel();
    };
    let (exit, ()) = tokio::join!(hear(&doors, "far", &text, &stop, |_| {}), late);
    assert_eq!(exit.unwrap_err().code(), "stopped");
    assert!(!file.exists());
}

#[tokio::test]
async fn what_left_the_group_goes_on() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    for at in ["near", "far"] {
        let id = unique();
        let file = sshd.dir().join(&id);
        // the server tells that it has its own session; only then the script ends
        let server = format!("setsid bash -c 'echo $$ >{0}; exec sleep 300.{id}' &", file.display());
        let wait = format!("until [[ -s {} ]]; do sleep 0.02; done", file.display());
        for redirect in ["</dev/null >/dev/null 2>&1 &", "&"] {
            let text = format!("{}\n{wait}", server.replace('&', redirect));
            assert_eq!(run(&doors, at, &text).await.0, Ok(Exit(0)), "{at}");
            let pid: u32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(processes_with(&id), [pid], "{at}: exactly the server is left");
            kill("KILL", pid);
            std::fs::remove_file(&file).unwrap();
        }
    }
}

#[tokio::test]
async fn a_lost_line_is_told_and_ends_the_work() {
    let mut sshd = Sshd::start();
    let doors = doors(&sshd);
    let id = unique();
    let text = long(&id);
    let exit = started(&doors, "far", &text, || sshd.stop()).await;
    assert_eq!(exit.unwrap_err().code(), "lost");
    gone(&id);
}

#[tokio::test]
async fn silence_for_longer_than_the_lease_ends_the_work() {
    let sshd = Sshd::start();
    let doors = doors_to(&sshd.ssh_line(), Options { lease: Duration::from_secs(2), ..options(&sshd) });
    let quick = "echo started; sleep 4";
    assert_eq!(started(&doors, "far", quick, || {}).await, Ok(Exit(0)), "signs of life keep it");
    let master = processes_with(&format!("{}/", sshd.sockets().display()));
    let id = unique();
    let begun = tokio::sync::Notify::new();
    let text = long(&id);
    tokio::select! {
        exit = started(&doors, "far", &text, || begun.notify_one()) => panic!("{exit:?}"),
        () = begun.notified() => {}
    }
    // like a network that is cut: nobody closes anything
    kill("STOP", master[0]);
    gone(&id);
    kill("KILL", master[0]);
}

#[tokio::test]
async fn a_killed_pi_ends_the_work_and_unkept_connections() {
    let sshd = Sshd::start();
    for at in ["near", "far"] {
        let id = unique();
        let mut pi = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "door::ends::a_pi_to_be_killed"])
            .env("PI_IT_JOB", [at, &id, &sshd.ssh_line(), &sshd.sockets().display().to_string()].join("|"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the other pi's script runs", || processes_with(&format!("302.{id}")).len() > 1);
        pi.kill().unwrap();
        pi.wait().unwrap();
        gone(&id);
    }
    eventually("its connection is gone", || sshd.connections() == 0);
}

#[tokio::test]
#[ignore = "the other half of the test above, which starts it in a process of its own"]
async fn a_pi_to_be_killed() {
    let Ok(job) = std::env::var("PI_IT_JOB") else { return };
    let [at, id, ssh, sockets] = job.split('|').collect::<Vec<_>>()[..] else { panic!("{job}") };
    let options = Options { sockets: Some(sockets.into()), persist: Persist::No, ..Options::default() };
    feed(&doors_to(ssh, options), at, &long(id), "some input").await.0.unwrap();
}

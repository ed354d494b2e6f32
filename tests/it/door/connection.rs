//! One connection a pod: found, shared, kept, replaced, ended.

use super::{doors, doors_to, options, pod, run};
use crate::sshd::{Sshd, eventually, kill, processes_with};
use futures_util::future::join_all;
use pi::name::Port;
use pi::remote::{Exit, Options, Persist, Remote, Way};
use std::net::TcpListener;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn masters(sshd: &Sshd) -> Vec<u32> {
    processes_with(&format!("{}/", sshd.sockets().display()))
}

fn socket(sshd: &Sshd) -> PathBuf {
    let files = std::fs::read_dir(sshd.sockets()).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "sock")).unwrap()
}

#[tokio::test]
async fn thirty_jobs_at_once_share_one_connection() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let texts: Vec<_> = (0..30).map(|i| format!("echo {i}; sleep 0.1; exit {i}")).collect();
    let jobs = texts.iter().map(|text| run(&doors, "far", text));
    for (i, (exit, said)) in join_all(jobs).await.into_iter().enumerate() {
        assert_eq!((exit, said), (Ok(Exit(i32::try_from(i).unwrap())), vec![i.to_string()]));
    }
    assert_eq!((masters(&sshd).len(), sshd.connections()), (1, 1));
}

#[tokio::test]
async fn several_pis_at_once_make_one_connection_and_get_sessions_in_turn() {
    let sshd = Sshd::with("MaxSessions 4");
    let all: Vec<_> = (0..5).map(|_| doors(&sshd)).collect();
    let jobs = all.iter().flat_map(|doors| (0..4).map(move |_| run(doors, "far", "sleep 0.05; exit 2")));
    for (exit, _) in join_all(jobs).await {
        assert_eq!(exit, Ok(Exit(2)));
    }
    assert_eq!((masters(&sshd).len(), sshd.connections()), (1, 1));
}

#[tokio::test]
async fn a_dead_connection_is_replaced() {
    let mut sshd = Sshd::start();
    let first = doors(&sshd);
    assert_eq!(run(&first, "far", "exit 1").await.0, Ok(Exit(1)));

    // killed: the socket file stays, nobody listens
    let master = masters(&sshd)[0];
    kill("KILL", master);
    eventually("the master is gone", || masters(&sshd).is_empty());
    assert!(socket(&sshd).exists());
    assert_eq!(run(&first, "far", "exit 2").await.0, Ok(Exit(2)), "within a run");
    assert_eq!(sshd.connections(), 1);

    // the pod restarted
    sshd.stop();
    eventually("the master is gone", || masters(&sshd).is_empty());
    assert_eq!(run(&first, "far", "exit 2").await.0.unwrap_err().code(), "refused");
    sshd.restart();
    assert_eq!(run(&first, "far", "exit 3").await.0, Ok(Exit(3)));

    // the line is dead, but nobody knows: a kept connection does not answer
    let master = masters(&sshd)[0];
    kill("STOP", sshd.connection());
    let next = doors(&sshd);
    assert_eq!(run(&next, "far", "exit 4").await.0, Ok(Exit(4)), "in the next run");
    kill("KILL", master);
}

#[tokio::test]
async fn kept_connections_serve_the_next_run_and_others_end() {
    let sshd = Sshd::start();
    let first = doors(&sshd);
    assert_eq!(run(&first, "far", "true").await.0, Ok(Exit(0)));
    let master = masters(&sshd);
    first.close().await;
    drop(first);
    assert_eq!(run(&doors(&sshd), "far", "true").await.0, Ok(Exit(0)));
    assert_eq!(masters(&sshd), master);

    let brief = || doors_to(&sshd.ssh_line(), Options { persist: Persist::No, ..options(&sshd) });
    let (one, two) = (brief(), brief());
    assert_eq!(run(&one, "far", "true").await.0, Ok(Exit(0)));
    assert_eq!(run(&two, "far", "true").await.0, Ok(Exit(0)));
    assert_eq!(masters(&sshd).len(), 2, "shared, but not with those that are kept");
    // longer than an unheld connection lasts
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(masters(&sshd).len(), 2);
    one.close().await;
    assert_eq!(run(&two, "far", "exit 1").await.0, Ok(Exit(1)));
    two.close().await;
    eventually("only the kept one is left", || masters(&sshd) == master);
}

#[tokio::test]
async fn a_port_of_the_pod_is_reached() {
    let sshd = Sshd::start();
    let doors = doors(&sshd);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = Port::new(server.local_addr().unwrap().port()).unwrap();
    std::thread::spawn(move || {
        for stream in server.incoming() {
            std::io::Write::write_all(&mut stream.unwrap(), b"hello").unwrap();
        }
    });
    let mut answer = String::new();
    let near = doors.reach(&pod("near"), port).await.unwrap();
    let Way::Address(address) = near.way() else { panic!("{near:?}") };
    tokio::net::TcpStream::connect(address).await.unwrap().read_to_string(&mut answer).await.unwrap();
    let (far, again) =
        (doors.reach(&pod("far"), port).await.unwrap(), doors.reach(&pod("far"), port).await.unwrap());
    for far in [&far, &again] {
        let mut stream = tokio::net::UnixStream::connect(far.socket().unwrap()).await.unwrap();
        stream.flush().await.unwrap();
        stream.read_to_string(&mut answer).await.unwrap();
    }
    assert_eq!(answer, "hellohellohello");
    let path = far.socket().unwrap().to_owned();
    drop(far);
    assert!(!path.exists());
    doors.close().await;
    assert!(!again.socket().unwrap().exists());
}

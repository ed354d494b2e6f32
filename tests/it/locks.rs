//! The pod's lock, among people: who waits for whom, who breaks it, and what its holder does then.

use crate::json;
use crate::sshd::{eventually, kill, processes_with};
use crate::workplace::{Ran, Workplace};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A pod on this machine with a server that never answers, so that applying takes as long as a test likes.
const SLOW: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"

[models.echo]
model = "{dir}/pi.toml"
engine = "command"
command = ["sleep", "4714"]
state = "running"
"#;

fn lock(place: &Workplace) -> PathBuf {
    place.pod().join("lock/holder")
}

/// Somebody else's lock, with a heartbeat of so many seconds ago.
fn held(place: &Workplace, idle: u64) {
    fs::create_dir_all(place.pod().join("lock")).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let file = fs::File::create(lock(place)).unwrap();
    fs::write(lock(place), format!("ann@laptop\nnightly\n{}\n{} 1", now - 300, boot.trim())).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(idle)).unwrap();
}

/// Somebody applies for as long as the test likes.
fn applying(place: &Workplace) -> Child {
    let child = place.command("apply --yes").env("USER", "bob").spawn().unwrap();
    let follower = format!("-F -- {}", place.pod().join("servers/echo/server.log").display());
    eventually("it waits for the server", || !processes_with(&follower).is_empty());
    child
}

fn ended(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_plan_tells_who_is_changing_the_pod() {
    let place = Workplace::with(SLOW);
    held(&place, 3);
    place.pi("plan").exits(0).says("ann@laptop is changing this pod since 2").says("--lock-wait");
    place.pi("apply --yes").exits(75).says("ann@laptop is changing it since 2").says("pi unlock here");
    held(&place, 90);
    place.pi("plan --json").exits(0).says("without a sign of life").says("\"locked\"");
    place.pi("plan --offline").exits(0);
    let offline = place.pi("plan --offline").exits(0);
    assert!(!offline.out.contains("ann@laptop"), "{}", offline.out);
}

#[test]
fn whoever_waits_says_for_whom_and_goes_on_when_they_are_done() {
    let place = Workplace::with(SLOW);
    held(&place, 0);
    place
        .pi("apply --yes --lock-wait 2s")
        .exits(75)
        .says("Waiting, for 2s at most: ann@laptop")
        .says("Nothing was done");
    place.pi("apply --yes --lock-wait soon").exits(64).says("90s");

    let stopped = SLOW.replace("running", "stopped");
    fs::remove_dir_all(place.pod().join("lock")).unwrap();
    let first = applying(&place);
    // what the others do makes another plan of this one
    place.write(&stopped);
    let mut second = place.command("destroy --yes --lock-wait 1m");
    let second = second.stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    kill("INT", first.id());
    ended(first).exits(130);
    ended(second).exits(0).says("is changing here").says("bob@").says("1 to remove");
    assert!(!place.pod().join("servers/echo").exists());
    assert!(!lock(&place).exists());
}

#[test]
fn ctrl_c_ends_the_waiting() {
    let place = Workplace::with(SLOW);
    held(&place, 0);
    let child = place.command("apply --yes --lock-wait 1h").spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    kill("INT", child.id());
    ended(child).exits(130).says("ann@laptop");
    assert!(lock(&place).exists());
}

#[test]
fn unlock_shows_the_holder_and_asks() {
    let place = Workplace::with(SLOW);
    place.pi("unlock here").exits(0).says("Nobody holds the lock of here.");
    place.pi("unlock nowhere").exits(64).says("here");
    held(&place, 20);
    let asked =
        place.pi("unlock here").exits(64).says("ann@laptop holds the lock of here since 2").says("--yes");
    assert!(asked.err.contains("for project nightly") && asked.err.contains("s ago"), "{}", asked.err);
    assert!(lock(&place).exists());
    place.pi("unlock --yes").exits(0).says("The lock of here is broken.");
    assert!(!place.pod().join("lock").exists());
    place.pi("history").exits(0).says("unlock here").says("ann@laptop held its lock");
}

#[test]
fn machines_are_told_whose_lock_it_was() {
    let place = Workplace::with(SLOW);
    let told = json::events(&place.pi("unlock --json").exits(0).says("Nobody holds"));
    assert_eq!((json::kinds(&told), &told[0]["lock"]), (vec!["lock"], &serde_json::Value::Null));
    held(&place, 20);
    let told = json::events(&place.pi("unlock --json").exits(64).says("--yes"));
    assert_eq!((json::kinds(&told), &told[0]["lock"]["expired"]), (vec!["lock"], &false.into()));
    let idle = told[0]["lock"]["idle_seconds"].as_u64().unwrap();
    assert!((20..60).contains(&idle), "{idle}");
    assert!(told[0]["lock"]["since"].as_str().unwrap().starts_with('2'), "{told:?}");
    assert!(lock(&place).exists());
    held(&place, 900);
    let told = json::events(&place.pi("unlock here --json --yes").exits(0).says("is broken"));
    json::events_written_down("unlock.jsonl", &told, &[]);
    assert!(!place.pod().join("lock").exists());
    assert_eq!(place.pi("unlock nowhere --json").exits(64).says("here").out, "");
}

#[test]
fn whoever_lost_the_lock_begins_nothing_new() {
    let place = Workplace::with(SLOW);
    let first = applying(&place);
    place.pi("unlock --yes").exits(0).says("bob@").says("That pi is at work");
    ended(first).exits(75).says("somebody has broken the lock").says("pi history here");
    place.pi("destroy --yes").exits(0);
}

/// Says by its holder's file that the lock's last sign of life was at some other time.
fn beat_at(place: &Workplace, time: SystemTime) {
    fs::File::open(lock(place)).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_clock_that_is_set_an_hour_forward_takes_the_lock_from_nobody() {
    let place = Workplace::with(SLOW);
    let first = applying(&place);
    beat_at(&place, SystemTime::now() - Duration::from_hours(1));
    place.pi("apply --yes").exits(75).says("bob@");
    place.pi("unlock --yes").exits(0);
    ended(first).exits(75);
    place.pi("destroy --yes").exits(0);
}

#[test]
fn a_clock_that_is_set_an_hour_back_keeps_no_lock_alive() {
    let place = Workplace::with(SLOW);
    held(&place, 0);
    beat_at(&place, SystemTime::now() + Duration::from_hours(1));
    let next = applying(&place);
    place.pi("unlock --yes").exits(0).says("bob@");
    ended(next).exits(75);
    place.pi("destroy --yes").exits(0);
}

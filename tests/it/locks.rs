//! The pod's lock, among people: who waits for whom, who breaks it, and what its holder does then.

use crate::json;
use crate::sshd::{eventually, kill, processes_with};
use crate::workplace::{Ran, Workplace};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
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
    place.pod().join("lock")
}

fn is_locked(place: &Workplace) -> bool {
    fs::symlink_metadata(lock(place)).is_ok()
}

/// Somebody else's lock, with a heartbeat of so many seconds ago.
fn held(place: &Workplace, idle: u64) {
    fs::create_dir_all(place.pod()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    drop(fs::remove_file(lock(place)));
    symlink(format!("0f:{}:{}:ann@laptop:nightly", now - 300, &boot[..8]), lock(place)).unwrap();
    beat_at(place, SystemTime::now() - Duration::from_secs(idle));
}

/// The same by an older pi, which made a directory; without its holder, where that was never written.
fn held_by_an_older_pi(place: &Workplace, idle: u64, holder: &str) {
    fs::create_dir_all(lock(place)).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let file = lock(place).join("holder");
    let holder = holder.replace("BOOT", boot.trim());
    let dated =
        if holder.is_empty() { lock(place) } else { fs::write(&file, holder).map(|()| file).unwrap() };
    fs::File::open(dated).unwrap().set_modified(SystemTime::now() - Duration::from_secs(idle)).unwrap();
}

/// Somebody applies for as long as the test likes.
fn applying(place: &Workplace) -> Child {
    let child = place.command("apply --yes").env("USER", "bob").spawn().unwrap();
    let follower = format!("-F -- {}", place.pod().join("servers/echo/runs/").display());
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
    fs::remove_file(lock(&place)).unwrap();
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
    assert!(!is_locked(&place));
}

#[test]
fn ctrl_c_ends_the_waiting() {
    let place = Workplace::with(SLOW);
    held(&place, 0);
    let child = place.command("apply --yes --lock-wait 1h").spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    kill("INT", child.id());
    ended(child).exits(130).says("ann@laptop");
    assert!(is_locked(&place));
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
    assert!(is_locked(&place));
    place.pi("unlock --yes").exits(0).says("The lock of here is broken.");
    assert!(!is_locked(&place));
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
    assert!(is_locked(&place));
    held(&place, 900);
    let told = json::events(&place.pi("unlock here --json --yes").exits(0).says("is broken"));
    json::events_written_down("unlock.jsonl", &told, &[]);
    assert!(!is_locked(&place));
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
    let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let touch = ["-h", "-d", &format!("@{seconds}")].map(str::to_owned);
    assert!(Command::new("touch").args(touch).arg(lock(place)).status().unwrap().success());
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

#[test]
fn the_lock_of_an_older_pi_is_respected_and_expires() {
    let place = Workplace::with(SLOW);
    let whole = "ann@laptop\nnightly\n7\nBOOT 1";
    held_by_an_older_pi(&place, 3, whole);
    place.pi("plan").exits(0).says("ann@laptop is changing this pod");
    place.pi("apply --yes").exits(75).says("ann@laptop is changing it");
    place.pi("unlock --yes").exits(0).says("ann@laptop holds the lock of here").says("is broken");
    assert!(!is_locked(&place));
    for holder in [whole, "ann@laptop\nnightly\n7\nboot-before 1", ""] {
        held_by_an_older_pi(&place, 90, holder);
        let next = applying(&place);
        assert!(fs::read_link(lock(&place)).is_ok(), "{holder}");
        kill("INT", next.id());
        ended(next).exits(130);
        assert!(!is_locked(&place), "{holder}");
        place.pi("destroy --yes").exits(0);
    }
}

#[test]
fn whoever_holds_a_lock_whose_script_is_killed_ends() {
    let place = Workplace::with(SLOW);
    let first = applying(&place);
    let holder = fs::read_link(lock(&place)).unwrap().display().to_string();
    let token = holder.split(':').next().unwrap();
    let runners = processes_with("pi-run");
    let holders = processes_with(&format!("\ntoken='{token}'"));
    kill("KILL", *holders.iter().find(|process| !runners.contains(process)).unwrap());
    let ran = ended(first).exits(75).says("this pi lost its lock").says("ended with exit code 137");
    assert!(ran.out.contains("left to start") || ran.err.contains("left to start"), "{ran:?}");
    fs::remove_file(lock(&place)).unwrap();
    place.pi("destroy --yes").exits(0);
}

#[test]
fn losing_one_of_two_locks_ends_all() {
    let second = "\n[pods.there]\nssh = \"local\"\npi_path = \"{dir}/pod2\"\n\n[models.other]\npod = \"there\"\n\
        model = \"{dir}/pi.toml\"\nengine = \"command\"\ncommand = [\"sleep\", \"4715\"]\n";
    let place = Workplace::with(&(SLOW.replace("[models.echo]", "[models.echo]\npod = \"here\"") + second));
    let first = applying(&place);
    fs::remove_file(place.path().join("pod2/lock")).unwrap();
    let ran = ended(first).exits(75).says("error on there: somebody has broken the lock");
    assert!(!ran.err.contains("error on here: somebody"), "{}", ran.err);
    assert!(!is_locked(&place));
    place.pi("destroy --yes").exits(0);
}

//! Hostile names, and what hangs.

use super::{Place, model, spec, wait_until_gone};
use pi::name::{AbsPath, HfRepo};
use pi::observe::{Expect, GpuSight, read};
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A process that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// No string in it has characters that a terminal would obey.
pub(super) fn assert_tame(value: &serde_json::Value) {
    use serde_json::Value;
    match value {
        Value::String(text) => {
            assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
        Value::Array(items) => items.iter().for_each(assert_tame),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            assert_tame(&Value::String(key.clone()));
            assert_tame(value);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn hostile_names_get_nowhere() {
    let mut place = Place::new();
    let evil = "\u{1b}[2J\nsecret\tapi_key\t00\n$(touch x)`touch x`\u{9b}\u{202e}";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // the child has it for its standard input, and is called what it likes
    let child = Command::new("sleep").arg0(evil).arg("1000").stdin(OwnedFd::from(listener)).spawn();
    let child = Killed(child.unwrap());
    let mut leader = spec("qwen", 1);
    leader.args = vec!["\u{1b}]0;pwned\u{7}".to_owned()];
    place.write("pi/servers/qwen/spec.json", &serde_json::to_string(&leader).unwrap());
    for name in [evil, "$(touch x)", "*", "-rf", "a b"] {
        place.write(&format!("pi/servers/{name}/spec.json"), evil);
        place.write(&format!("pi/servers/{name}/pid"), "* $(touch x)");
        place.write(&format!("pi/engines/{name}/pi-recipe"), evil);
        place.write(&format!("hf/hub/models--{}/refs/main", name.replace('/', "")), evil);
        place.write(&format!("hf/hub/models--tiny--qwen3/refs/{name}"), evil);
        place.write(&format!("hf/hub/models--tiny--qwen3/snapshots/{name}/{name}"), evil);
        place.write(&format!("models/{name}"), evil);
    }
    place.write("pi/env", &format!("{evil}=1\napi\u{1b}=2\n"));
    place.write("pi/lock/holder", evil);
    fs::write(place.path("pi/servers").join(OsString::from_vec(vec![0xff, 0xfe])), "").unwrap();
    place.ask.repos = vec![HfRepo::parse("tiny/qwen3").unwrap()];
    place.ask.model_paths = vec![AbsPath::parse(place.path("models").to_str().unwrap()).unwrap()];
    place.program("nvidia-smi", "printf '0, GPU-1, \\e[2J\\r, 80, 40, 1.2\\n\\e]0;x\\a\\n'; exit 3");
    let facts = place.probe();
    assert_eq!(
        facts.listeners.seen().unwrap().iter().find(|seen| seen.port.get() == port).unwrap().pid,
        Some(child.0.id())
    );
    assert_eq!(facts.secrets.seen().unwrap().len(), 0, "a name has become a record");
    assert!(facts.servers[&model("qwen")].spec.as_ref().is_err_and(|why| why.contains("control characters")));
    let shown = serde_json::to_value(&facts).unwrap();
    assert_tame(&shown);
    for directory in ["home", "pi", "bin"] {
        assert!(!place.path(directory).join("x").exists(), "a name was executed");
    }
}

/// Puts a FIFO in the place of a file of pi's.
fn fifo(place: &Place, file: &str) {
    place.write(&format!("pi/{file}"), "");
    fs::remove_file(place.path("pi").join(file)).unwrap();
    assert!(Command::new("mkfifo").arg(place.path("pi").join(file)).status().unwrap().success());
}

#[test]
fn a_fifo_does_not_hang_it_and_is_nothing_that_can_be_told() {
    // what is not known then: nothing but itself, the secrets, or what runs there
    let table = [
        ("servers/a/spec.json", Ok(false)),
        ("servers/a/secrets", Ok(false)),
        ("lock/holder", Ok(false)),
        ("env", Ok(true)),
        ("servers/a/pid", Err("servers/a/pid is no file")),
        ("engines/e/pi-recipe", Err("engines/e/pi-recipe is no file")),
    ];
    for (file, expected) in table {
        let place = Place::new();
        fifo(&place, file);
        let start = Instant::now();
        let seen = place.sight();
        assert!(start.elapsed() < Duration::from_secs(3), "{file}: {:?}", start.elapsed());
        match (seen, expected) {
            (Ok(facts), Ok(hidden)) => assert_eq!(facts.secrets.is_unknown(), hidden, "{file}"),
            (Err(blind), Err(why)) => assert!(blind.to_string().contains(why), "{file}: {blind}"),
            (seen, _) => panic!("{file}: {seen:?}"),
        }
    }
}

#[test]
fn what_hangs_is_ended_and_becomes_a_gap() {
    let place = Place::new();
    fs::remove_file(place.path("bin/df")).unwrap();
    place.program("df", "echo $$ >>pids; exec sleep 1000");
    place.program("nvidia-smi", "echo $$ >>pids; sleep 1000 & echo $! >>pids; wait");
    place.write("pi/engines/e/pi-recipe", "{}");
    let script = place.script().replace(" 5 disks", " 1 disks").replace("patience=20", "patience=1");
    let start = Instant::now();
    let facts = read(&place.text(&script), &Expect::default()).unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let sections: Vec<_> = facts.gaps.iter().map(|gap| gap.section.as_str()).collect();
    assert_eq!(sections, ["disks", "gpus"], "{:?}", facts.gaps);
    assert!(
        matches!(&facts.gpus, GpuSight::Broken { exit: 124, message } if message.contains("did not answer"))
    );
    assert!(!facts.host.boot_id.is_empty());
    assert_eq!(facts.engines.len(), 1, "what comes after it is still looked at");
    for pid in fs::read_to_string(place.path("home/pids")).unwrap().split_whitespace() {
        wait_until_gone(pid);
    }
}

#[test]
fn what_a_gpu_tells_is_known_when_its_processes_hang() {
    let place = Place::new();
    let row = "0, GPU-1, NVIDIA L40S, 46068, 900, 570.1, 8.9, [N/A], 0";
    place.program("nvidia-smi", &format!("[[ $1 != *apps* ]] || exec sleep 1000; echo '{row}'"));
    let facts =
        read(&place.text(&place.script().replace("patience=20", "patience=1")), &Expect::default()).unwrap();
    assert!(matches!(&facts.gpus, GpuSight::Found { gpus, .. } if gpus.len() == 1), "{:?}", facts.gpus);
    let sections: Vec<_> = facts.gaps.iter().map(|gap| gap.section.as_str()).collect();
    assert_eq!(sections, ["gpu-processes"], "{:?}", facts.gaps);
    assert!(facts.gpu_processes.is_unknown());
}

#[test]
fn a_section_that_dies_is_a_gap_and_the_others_go_on() {
    let place = Place::new();
    let _somebody = TcpListener::bind("127.0.0.1:0").unwrap();
    place.write("pi/engines/e/pi-recipe", "{}");
    fs::remove_file(place.path("bin/ls")).unwrap();
    place.program("ls", "kill -KILL $PPID");
    let facts = place.probe();
    let sections: Vec<_> = facts.gaps.iter().map(|gap| gap.section.as_str()).collect();
    assert_eq!(sections, ["processes"], "{:?}", facts.gaps);
    assert_eq!(facts.engines.len(), 1);
}

#[test]
fn a_missing_program_is_a_gap_and_no_more() {
    let place = Place::new();
    for name in ["df", "ls", "stat", "sha256sum"] {
        fs::remove_file(place.path("bin").join(name)).unwrap();
    }
    let facts = place.probe();
    assert!(facts.gaps.iter().any(|gap| gap.section == pi::observe::Section::Disks), "{:?}", facts.gaps);
    assert!(!facts.host.boot_id.is_empty());
}

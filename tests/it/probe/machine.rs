//! The machine: host, disks, listeners, what lies where pi put it.

use super::Place;
use pi::name::{AbsPath, PodPath};
use pi::observe::{GpuSight, MountSeen};
use pi::script::Template;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

#[test]
fn bash_and_coreutils_are_enough() {
    let place = Place::new();
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let host = &facts.host;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(host.clock) < 30, "{}", host.clock);
    assert!(host.uptime > 0 && host.cpus > 0 && host.memory.0 > host.memory_available.0, "{host:?}");
    let texts = [
        &host.os,
        &host.kernel,
        &host.arch,
        &host.hostname,
        &host.boot_id,
        &host.user,
        &host.init,
        &host.libc,
    ];
    assert!(texts.iter().all(|text| !text.is_empty()), "{host:?}");
    assert_eq!(host.home, place.path("home").to_str().unwrap());
    assert_eq!(facts.pi_path, place.ask.pi_path.as_str());
    let disks: Vec<_> = facts.disks.seen().unwrap().iter().map(|disk| disk.path.as_str()).collect();
    assert_eq!(disks[..2], [place.ask.pi_path.as_str(), place.ask.models_path.as_str()]);
    assert!(
        facts.disks.seen().unwrap().iter().all(|disk| disk.size.0 >= disk.free.0 && !disk.kind.is_empty()),
        "{facts:?}"
    );
    assert_eq!(
        (facts.gpus, facts.programs.seen().unwrap().len(), facts.servers.len()),
        (GpuSight::None, 0, 0)
    );
}

#[test]
fn nothing_but_path_and_home_is_fine_too() {
    let mut place = Place::new();
    place.ask.pi_path = PodPath::parse("~/.pi").unwrap();
    place.ask.models_path = PodPath::parse("~/a/b/c").unwrap();
    let facts = place.probe();
    let home = place.path("home");
    assert_eq!(facts.gaps, []);
    assert_eq!(Path::new(&facts.pi_path), home.join(".pi"));
    assert_eq!(Path::new(&facts.models_path), home.join("a/b/c"));
    assert!(
        facts.disks.seen().unwrap().len() >= 3,
        "a disk is that of the nearest directory that exists: {:?}",
        facts.disks
    );
}

#[test]
fn a_listener_is_seen_with_its_process() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let facts = Place::new().probe();
    let seen = facts.listeners.seen().unwrap().iter().find(|seen| seen.port.get() == port).unwrap();
    assert_eq!((seen.address.as_str(), seen.pid), ("127.0.0.1", Some(std::process::id())));
    assert!(seen.command.contains("it-"), "{seen:?}");
    // field 6 of stat, counted behind the name, which may hold spaces; 0 where the session's leader is outside
    // this PID namespace, as in a container whose first process inherited its session
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let session: u32 = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(seen.session, (session != 0).then_some(session));
}

#[test]
fn paths_mounts_engines_programs_and_the_lock_are_seen() {
    let mut place = Place::new();
    let path = |name: &str| AbsPath::parse(place.path(name).to_str().unwrap()).unwrap();
    place.write("models/a b/x.safetensors", "12345");
    place.write("models/a b/sub/y", "123");
    place.write("models/one.gguf", "1234");
    let asked = [path("models/a b"), path("models/one.gguf"), path("models/none")];
    let mounts = vec![path("models"), AbsPath::parse("/proc").unwrap()];
    place.write("pi/engines/vllm-0.32.0/pi-recipe", "abcdef123456");
    place.write("pi/engines/vllm-0.32.0/pi-took", "83");
    place.write("pi/engines/vllm-0.33.0/bin/python", "");
    place.write("pi/tools/hf/pi-rate", "180000000");
    place.write("pi/lock/holder", "ann@laptop\nproject\n1700000000\nboot 12");
    place.program("gcc", "");
    place.ask.model_paths = asked.to_vec();
    place.ask.mount_targets = mounts;
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let seen: Vec<_> =
        asked.iter().map(|path| facts.model_paths.seen().unwrap().get(path.as_str())).collect();
    assert!(seen[0].is_some_and(|seen| seen.directory && seen.bytes.0 == 5), "{seen:?}");
    assert!(seen[1].is_some_and(|seen| !seen.directory && seen.bytes.0 == 4), "{seen:?}");
    assert_eq!(seen[2], None);
    assert_eq!(facts.mounts.seen().unwrap()[place.path("models").to_str().unwrap()], MountSeen::Nothing);
    assert!(
        matches!(&facts.mounts.seen().unwrap()["/proc"], MountSeen::Mounted { kind, .. } if kind == "proc")
    );
    let digests: Vec<_> = facts.engines.values().map(|engine| engine.digest.as_deref()).collect();
    assert_eq!(digests, [Some("abcdef123456"), None]);
    let took: Vec<_> = facts.engines.values().map(|engine| engine.took).collect();
    assert_eq!((took, facts.download_rate), (vec![Some(83), None], Some(180_000_000)));
    assert_eq!(facts.programs.seen().unwrap().keys().collect::<Vec<_>>(), ["gcc"]);
    let lock = facts.lock.unwrap();
    assert_eq!(
        (lock.who.as_str(), lock.project.as_str(), lock.since),
        ("ann@laptop", "project", 1_700_000_000)
    );
    assert!(lock.idle < 60, "{lock:?}");
}

/// The part of the probe that looks up who listens.
fn own() -> &'static str {
    Template::PROBE.parts().iter().find(|part| part.contains("\nothers() {")).unwrap()
}

#[test]
fn who_listens_is_looked_up_unless_it_is_only_who_let_us_in() {
    let all = "00000000:0016 1";
    let table: [(&str, &[&str], &str); 5] = [
        ("10.0.0.1 5000 10.0.0.2 22", &[all, "00000000000000000000000000000000:0016 2"], "1"),
        ("10.0.0.1 5000 10.0.0.2 22", &[all, "0100007F:1F90 3"], "0"),
        ("10.0.0.1 5000 10.0.0.2 2222", &[all], "0"),
        ("", &[all], "0"),
        ("10.0.0.1 5000 10.0.0.2 22", &["0100007F:1600 3"], "0"),
    ];
    for (connection, found, expected) in table {
        let script = format!("{}\nfound=(\"$@\")\nothers\necho $?", own());
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script, "bash"]).args(found).env("SSH_CONNECTION", connection);
        let said = bash.output().unwrap().stdout;
        assert_eq!(String::from_utf8_lossy(&said).trim(), expected, "{connection}: {found:?}");
    }
}

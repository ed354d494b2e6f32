//! Law 4, for real: every script run twice leaves what one run leaves. In scratch directories, with this machine's
//! bash and processes.

use super::scratch::{Scratch, bash, first_run, twice, wait_until};
use pi::manifest::Mount;
use pi::model_ref::ModelRef;
use pi::plan::{Action, Storage, scripts};
use pi::script::{Template, render};
use pi::spec::ServerSpec;
use pi::units::Seconds;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn secrets_are_written_once_however_often() {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "other=kept\napi_key=old\n").unwrap();
    let write = Action::WriteSecrets(vec!["api_key".parse().unwrap()]);
    let input = "api_key=a 'new' $key=1\n";
    scratch.act(&write, input);
    let once = scratch.tree();
    assert_eq!(once[Path::new("pi/env")], "100600 other=kept\napi_key=a 'new' $key=1\n");
    scratch.act(&write, input);
    assert_eq!(scratch.tree(), once);
}

#[test]
fn a_server_that_is_started_twice_runs_once() {
    let scratch = Scratch::new();
    fs::write(scratch.path("pi/env"), "api_key=k\nhf_token=h\nother=o\n").unwrap();
    let start = first_run(scratch.server());
    let started = || {
        let log = scratch.path("pi/servers/sleeper/current/server.log");
        wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text == "started\n"));
    };
    scratch.act(&start, "");
    started();
    let (once, first) = (scratch.tree(), scratch.sessions());
    assert_eq!(once[Path::new("pi/servers/sleeper/runs/1/secrets")], "100600 hf_token=h\napi_key=k\n");
    assert_eq!(first.len(), 1, "{first:?}");
    scratch.act(&start, "");
    started();
    assert_eq!(scratch.tree(), once);
    let second = scratch.sessions();
    assert!(second.len() == 1 && second != first, "{first:?} {second:?}");
}

#[test]
fn answered_is_marked_stopped_and_removed_alike() {
    let scratch = Scratch::new();
    scratch.act(&first_run(scratch.server()), "");
    let name = || "sleeper".parse().unwrap();
    let log = scratch.path("pi/servers/sleeper/current/server.log");
    wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text == "started\n"));
    let values = json!({ "pi": scratch.path("pi"), "name": "sleeper", "run": 1, "digest": "0123456789ab" });
    let mark = render(Template::MARK_ANSWERED, &values).unwrap();
    let marked = || {
        let out = bash(&mark, "");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let read = |file| fs::read_to_string(scratch.path("pi/servers/sleeper/current").join(file)).unwrap();
        assert!(read("pid").starts_with(&read("answered")), "{} {}", read("pid"), read("answered"));
        scratch.tree()
    };
    assert_eq!(marked(), marked());
    twice(&scratch, &Action::StopServer(name()));
    assert_eq!(scratch.sessions(), Vec::<u32>::new());
    assert!(scratch.path("pi/servers/sleeper/stopped").exists());
    assert!(!bash(&mark, "").status.success(), "a server that is gone has not answered");
    twice(&scratch, &Action::RemoveServer(name()));
    assert!(!scratch.path("pi/servers/sleeper").exists());
}

#[test]
fn what_was_measured_at_a_start_is_kept_until_the_next_one() {
    let scratch = Scratch::new();
    let mut server = scratch.server();
    let said = "echo 'INFO Available KV cache memory: 38.12 GiB'; echo odds; sleep 300 & echo started; wait";
    server.command = vec!["bash".to_owned(), "-c".to_owned(), said.to_owned()];
    let start = first_run(server);
    scratch.act(&start, "");
    let log = scratch.path("pi/servers/sleeper/current/server.log");
    while !fs::read_to_string(&log).unwrap().contains("started") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mark = render(
        Template::MARK_ANSWERED,
        &json!({ "pi": scratch.path("pi"), "name": "sleeper", "run": 1, "digest": "0" }),
    )
    .unwrap();
    assert!(bash(&mark, "").status.success());
    let kept = scratch.path("pi/servers/sleeper/current/measured");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "INFO Available KV cache memory: 38.12 GiB\n");
    scratch.act(&start, "");
    assert!(!kept.exists());
}

#[test]
fn a_running_server_is_removed_alike() {
    let scratch = Scratch::new();
    scratch.act(&first_run(scratch.server()), "");
    twice(&scratch, &Action::RemoveServer("sleeper".parse().unwrap()));
    assert_eq!(scratch.sessions(), Vec::<u32>::new());
}

#[test]
fn engines_and_weights_are_removed_alike_and_nothing_beside_them() {
    let scratch = Scratch::new();
    for file in [
        "pi/engines/vllm-1/bin/python",
        "pi/engines/vllm-10/bin/python",
        "models/hub/models--o--a/blobs/x",
        "models/hub/models--o--ab/blobs/x",
        "models/hub/.locks/models--o--a/x",
    ] {
        fs::create_dir_all(scratch.path(file).parent().unwrap()).unwrap();
        fs::write(scratch.path(file), "x").unwrap();
    }
    twice(&scratch, &Action::RemoveEngine("vllm-1".parse().unwrap()));
    twice(&scratch, &Action::RemoveWeights(ModelRef::parse("o/a").unwrap()));
    let left: Vec<_> =
        scratch.tree().into_keys().filter(|path| scratch.path(path.to_str().unwrap()).is_file()).collect();
    assert_eq!(
        left,
        [Path::new("models/hub/models--o--ab/blobs/x"), Path::new("pi/engines/vllm-10/bin/python")]
    );
}

#[test]
fn weights_that_are_being_downloaded_are_not_removed_whatever_the_clock_says() {
    let scratch = Scratch::new();
    let blob = scratch.path("models/hub/models--o--a/blobs/x");
    let holder = scratch.path("models/hub/.pi-locks/models--o--a/holder");
    for file in [&blob, &holder] {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x").unwrap();
    }
    let at_work = std::thread::spawn(move || {
        for beat in 0..4 {
            fs::write(&holder, format!("other boot ns 1 1 {beat}")).unwrap();
            let long_ago = std::time::SystemTime::now() - Duration::from_hours(2);
            fs::File::open(&holder).unwrap().set_modified(long_ago).unwrap();
            std::thread::sleep(Duration::from_secs(5));
        }
    });
    let remove = Action::RemoveWeights(ModelRef::parse("o/a").unwrap());
    let [script] = scripts(&remove, scratch.pod()).unwrap().try_into().unwrap();
    let out = bash(&script, "");
    assert!(!out.status.success() && blob.exists());
    assert_eq!(String::from_utf8_lossy(&out.stderr), "it is being downloaded at this moment\n");
    at_work.join().unwrap();
    // whoever downloaded is gone now, and left its lock
    scratch.act(&remove, "");
    assert!(!blob.exists());
}

#[test]
fn storage_is_mounted_once() {
    let scratch = Scratch::new();
    let target = scratch.path("storage");
    if !Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n") {
        skipped("mounting needs root");
        return;
    }
    let words = ["mount", "-t", "tmpfs", "none", target.to_str().unwrap()];
    let mount = Mount {
        source: "none".to_owned(),
        target: target.to_str().unwrap().parse().unwrap(),
        command: words.map(str::to_owned).to_vec(),
    };
    let action = Action::MountStorage(Storage { mount, holds: vec!["/no/such/path".parse().unwrap()] });
    fs::create_dir(&target).unwrap();
    let probe = Command::new(words[0]).args(&words[1..]).output().unwrap();
    if !probe.status.success() {
        skipped(&format!("nothing can be mounted here: {}", String::from_utf8_lossy(&probe.stderr)));
        return;
    }
    assert!(Command::new("umount").arg(&target).status().unwrap().success());
    let mounts = || {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        table.lines().filter(|line| line.contains(&format!(" {} ", target.display()))).count()
    };
    twice(&scratch, &action);
    let count = mounts();
    assert!(Command::new("umount").arg(&target).status().unwrap().success());
    assert_eq!(count, 1);
}

#[expect(clippy::print_stderr, reason = "who reads the results should know what was not tried")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn the_lock_is_held_by_one_and_goes_with_its_holder() {
    let scratch = Scratch::new();
    let values = json!({
        "pi": scratch.path("pi"), "token": "0f", "who": "ann@laptop", "project": "team", "expiry": 60, "beat": 5,
    });
    let others = json!({
        "pi": scratch.path("pi"), "token": "0e", "who": "bob@desk", "project": "team", "expiry": 60, "beat": 5,
    });
    let lock = render(Template::LOCK, &values).unwrap();
    let others = render(Template::LOCK, &others).unwrap();
    let is_there = || fs::symlink_metadata(scratch.path("pi/lock")).is_ok();
    for _ in 0..2 {
        let mut holder = Command::new("bash")
            .args(["--norc", "-c", &lock.text, lock.name])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until(is_there);
        let other = bash(&others, "");
        assert_eq!(other.status.code(), Some(75));
        assert!(String::from_utf8_lossy(&other.stdout).starts_with("held\tann@laptop\tteam\t"));
        assert!(Command::new("kill").arg(holder.id().to_string()).status().unwrap().success());
        assert_eq!(holder.wait().unwrap().code(), Some(143));
        assert!(!is_there());
    }
}

#[test]
fn a_server_has_its_drain_to_finish_in_and_is_killed_behind_it() {
    // it takes 8 s to finish: with 0 s it is killed 5 s after it was told to end, with 10 s it is not
    for (drain, finishes) in [(0, false), (10, true)] {
        let scratch = Scratch::new();
        let command = [
            "bash",
            "-c",
            "trap 'sleep 8; echo finished; exit' TERM; echo started; while :; do sleep 0.1; done",
        ];
        let spec = ServerSpec {
            command: command.map(str::to_owned).to_vec(),
            drain: Seconds(drain),
            ..*scratch.server()
        };
        scratch.act(&first_run(Box::new(spec)), "");
        let log = scratch.path("pi/servers/sleeper/current/server.log");
        wait_until(|| fs::read_to_string(&log).is_ok_and(|text| text == "started\n"));
        scratch.act(&Action::StopServer("sleeper".parse().unwrap()), "");
        assert_eq!(scratch.sessions(), [] as [u32; 0]);
        let said = fs::read_to_string(&log).unwrap();
        assert_eq!(said.contains("finished"), finishes, "{drain}: {said}");
    }
}

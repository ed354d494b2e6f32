//! The fence: what changes a pod does so only under the lock with which it was begun, and notes nothing after that is
//! lost. And the lock itself: where it is made, and why it could not be.

use crate::sshd::eventually;
use pi::script::{Script, Template, around, render, wrap};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A step that does this under the lock with the token `ours`.
fn step(pi: &Path, body: &str) -> Script {
    let values = json!({
        "pi": pi, "deed": "\"x\":1}", "noted": "always", "limit": 1 << 20, "token": "ours", "owner": "{}",
        "project_id": "",
    });
    around(Template::JOURNAL, &values, wrap("step.sh", &[], body)).unwrap()
}

fn bash(script: &Script) -> (Option<i32>, String) {
    let out = Command::new("bash").args(["--norc", "-c", &script.text, script.name]).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap())
}

/// Where a lock lies that the disk took none of.
fn in_memory(pi: &Path) -> PathBuf {
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    let key = fs::canonicalize(pi).unwrap().display().to_string().replace('/', "%");
    PathBuf::from(format!("/dev/shm/pi-lock-{}-{key}", String::from_utf8(user).unwrap().trim()))
}

fn there(link: &Path) -> bool {
    fs::symlink_metadata(link).is_ok()
}

#[test]
fn a_step_is_done_and_noted_under_its_own_lock_only() {
    let theirs = "ln -sfT theirs:1::bob@desk:team";
    let table: [(&str, &str, &str, i32, &str, usize); 9] = [
        ("its own", "ln -sT ours:1::ann:team pi/lock", "say done", 0, "done\n", 1),
        ("nobody's", "true", "say done", 76, "", 0),
        ("another's", "ln -sT theirs:1::bob:team pi/lock", "say done", 76, "", 0),
        ("an older pi's", "mkdir pi/lock", "say done", 76, "", 0),
        ("a longer token", "ln -sT ours2:1::bob:team pi/lock", "say done", 76, "", 0),
        ("lost meanwhile", "ln -sT ours:1::ann:team pi/lock", "LOSE; say done", 76, "done\n", 0),
        ("lost before the deed", "ln -sT ours:1::ann:team pi/lock", "LOSE; fence; say done", 76, "", 0),
        ("lost, and failed", "ln -sT ours:1::ann:team pi/lock", "LOSE; exit 3", 76, "", 0),
        ("a code of its own", "ln -sT ours:1::ann:team pi/lock", "exit 76", 1, "", 1),
    ];
    for (what, before, body, code, said, notes) in table {
        let folder = tempfile::tempdir().unwrap();
        let pi = folder.path().join("pi");
        fs::create_dir(&pi).unwrap();
        let ready = Command::new("bash").args(["-c", before]).current_dir(folder.path()).status().unwrap();
        assert!(ready.success());
        let body = body.replace("LOSE", &format!("{theirs} {}", pi.join("lock").display()));
        let (exit, text) = bash(&step(&pi, &body));
        assert_eq!(exit, Some(code), "{what}: {text}");
        assert!(
            text.starts_with(said) && (code != 76 || text.contains("lock of this pod")),
            "{what}: {text}"
        );
        let journal = fs::read_to_string(pi.join("journal.jsonl")).unwrap_or_default();
        assert_eq!(journal.lines().count(), notes, "{what}: {journal}");
    }
}

#[test]
fn a_lock_in_memory_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    let lock = in_memory(folder.path());
    symlink("ours:1::ann:team", &lock).unwrap();
    let (exit, text) = bash(&step(folder.path(), "say done"));
    fs::remove_file(&lock).unwrap();
    assert_eq!((exit, text.as_str()), (Some(0), "done\n"));
    assert_eq!(bash(&step(folder.path(), "say done")).0, Some(76));
}

/// The script that holds a lock.
fn holding(pi: &Path, token: &str) -> Script {
    let who = "a-long-name-of-a-user@a-long-name-of-a-machine.example.com";
    let values = json!({ "pi": pi, "token": token, "who": who, "project": "team", "expiry": 60, "beat": 1 });
    render(Template::LOCK, &values).unwrap()
}

fn begin(script: &Script) -> Child {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script.text, script.name]).stdout(Stdio::piped()).stderr(Stdio::piped());
    bash.spawn().unwrap()
}

/// Ends it as pi's runner does, and tells its code.
fn end(mut child: Child) -> Option<i32> {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    child.wait().unwrap().code()
}

/// A small file system of its own, gone with the value.
struct Disk(tempfile::TempDir);

impl Disk {
    /// None where nothing can be mounted.
    fn mount(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", options, "none"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).output().unwrap();
        if mounted.status.success() {
            return Some(Self(folder));
        }
        skipped(&String::from_utf8_lossy(&mounted.stderr));
        None
    }

    fn bash(&self, line: &str) {
        let done = Command::new("bash").args(["-c", line]).current_dir(self.0.path()).status().unwrap();
        assert!(done.success(), "{line}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

#[expect(clippy::print_stderr, reason = "who reads the results should know what was not tried")]
fn skipped(why: &str) {
    eprintln!("skipped: nothing can be mounted here: {why}");
}

#[test]
fn a_disk_that_takes_nothing_is_locked_all_the_same() {
    let full = "cat /dev/zero >pi/filler 2>/dev/null; [[ $(stat -f -c %a .) == 0 ]]";
    let no_inodes = "for ((at = 0; at < 99; at++)); do : >\"pi/$at\" || break; done 2>/dev/null; true";
    let table = [
        ("full", "size=256k", full),
        ("no inodes", "size=1m,nr_inodes=20", no_inodes),
        ("read-only", "size=1m", "mount -o remount,ro ."),
        ("full, and nothing of pi's there", "size=256k", "rm -r pi; cat /dev/zero >filler 2>/dev/null; true"),
    ];
    for (what, options, breaks) in table {
        let Some(disk) = Disk::mount(options) else { return };
        disk.bash("mkdir pi");
        disk.bash(breaks);
        let pi = disk.0.path().join("pi");
        let memory = PathBuf::from(in_memory(disk.0.path()).display().to_string() + "%pi");
        let place = || [pi.join("lock"), memory.clone()].into_iter().find(|place| there(place));
        let holder = begin(&holding(&pi, "ours"));
        eventually("it is locked", || place().is_some());
        let (code, said) = bash(&holding(&pi, "theirs"));
        assert_eq!(code, Some(75), "{what}: {said}");
        assert!(said.contains("held\ta-long-name"), "{what}: {said}");
        let beat = || fs::symlink_metadata(place().unwrap()).unwrap().modified().unwrap();
        let before = beat();
        eventually("its heart beats", || beat() > before);
        // the other place counts as well, also when the disk takes something again
        disk.bash("mount -o remount,rw . 2>/dev/null; rm -rf filler pi/filler pi/[0-9]*; mkdir -p pi");
        assert_eq!(bash(&holding(&pi, "theirs")).0, Some(75), "{what}");
        assert_eq!(end(holder), Some(143), "{what}");
        assert_eq!(place(), None, "{what}");
    }
}

#[test]
fn a_lock_that_cannot_be_made_says_why() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let inside = |name: &str| folder.path().join(name);
    fs::create_dir(inside("odd")).unwrap();
    fs::write(inside("odd/lock"), "").unwrap();
    let table = [
        (inside("file"), "File exists"),
        (inside("file/pi"), "Not a directory"),
        (PathBuf::from("/proc/pi"), "No such file or directory"),
        (inside("odd"), "File exists"),
    ];
    for (pi, why) in table {
        let (code, said) = bash(&holding(&pi, "ours"));
        assert_eq!(code, Some(1), "{}: {said}", pi.display());
        assert!(said.contains(why) && !said.contains("held"), "{}: {said}", pi.display());
    }
    let Some(disk) = Disk::mount("size=1m,mode=0700") else { return };
    disk.bash("chmod 755 . && mkdir pi");
    let script = holding(&disk.0.path().join("pi"), "ours");
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid", "65534", "--clear-groups", "bash", "--norc", "-c", &script.text, script.name]);
    let out = nobody.output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(1) && said.contains("Permission denied"), "{out:?}");
}

#[test]
fn a_lock_in_the_other_place_that_is_somebody_elses_is_none() {
    let Some(disk) = Disk::mount("size=1m") else { return };
    disk.bash("mkdir pi && mount -o remount,ro .");
    let pi = disk.0.path().join("pi");
    let memory = in_memory(&pi);
    symlink("theirs:1::bob:team", &memory).unwrap();
    assert!(Command::new("chown").args(["-h", "65534"]).arg(&memory).status().unwrap().success());
    let (code, said) = bash(&holding(&pi, "ours"));
    fs::remove_file(&memory).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Read-only file system") && said.contains("File exists"), "{said}");
}

#[test]
fn a_lock_outlasts_the_scripts_that_were_begun_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let holder = begin(&holding(folder.path(), "ours"));
    eventually("it is locked", || there(&lock));
    let mut busy = begin(&step(folder.path(), "trap '' TERM; sleep 0.5"));
    eventually("it runs", || {
        let stat = fs::read_to_string(format!("/proc/{}/cmdline", busy.id())).unwrap_or_default();
        stat.contains("fenced_by='ours'")
    });
    let ending = std::time::Instant::now();
    assert_eq!(end(holder), Some(143));
    assert!(busy.try_wait().unwrap().is_some(), "the lock went before the script");
    assert!(ending.elapsed().as_millis() > 1000 && !there(&lock), "{:?}", ending.elapsed());
    assert_eq!(busy.wait().unwrap().code(), Some(0), "its end was under the lock, too");
}

#[test]
fn who_loses_the_lock_says_whose_it_is_now() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    for (theirs, said) in [("theirs:7::bob@desk:team", "held\tbob@desk\tteam\t7\n"), ("", "")] {
        let mut holder = begin(&holding(folder.path(), "ours"));
        let (mut out, mut first) = (BufReader::new(holder.stdout.take().unwrap()), String::new());
        // the link is there before it is known that nobody has made one in the other place
        out.read_line(&mut first).unwrap();
        if theirs.is_empty() {
            fs::remove_file(&lock).unwrap();
        } else {
            symlink(theirs, folder.path().join("new")).unwrap();
            fs::rename(folder.path().join("new"), &lock).unwrap();
        }
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(holder.wait().unwrap().code(), Some(76));
        assert_eq!((first.as_str(), rest.as_str()), ("locked\n", said));
        drop(fs::remove_file(&lock));
    }
}

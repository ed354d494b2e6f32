//! Secrets are written only where nobody else may write, and never through a link that somebody planted.

use super::scratch::{Scratch, bash, first_run};
use pi::plan::{Action, scripts};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::{Command, Output};

const INPUT: &str = "api_key=the-secret\n";

/// Runs an action's scripts until one fails.
fn run(scratch: &Scratch, action: &Action) -> Output {
    let mut last = None;
    for script in scripts(action, scratch.pod()).unwrap() {
        let ran = bash(&script, INPUT);
        let failed = !ran.status.success();
        last = Some(ran);
        if failed {
            break;
        }
    }
    last.unwrap()
}

fn write(scratch: &Scratch) -> Output {
    run(scratch, &Action::WriteSecrets(vec!["api_key".parse().unwrap()]))
}

fn mode(scratch: &Scratch, path: &str, mode: u32) {
    fs::set_permissions(scratch.path(path), Permissions::from_mode(mode)).unwrap();
}

/// What is planted, and what is said of it.
type Plant = fn(&Scratch);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_place_that_others_may_change_gets_no_secret() {
    let root = fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0);
    let table: [(Plant, &str, &str); 9] = [
        (|at| mode(at, "pi", 0o777), "pi may be written by others (mode 777)", "chmod 700"),
        (|at| mode(at, "pi", 0o1770), "pi may be written by others (mode 1770)", "chmod 700"),
        (
            |at| chown(at.path("pi"), Some(12_345), None).unwrap(),
            "pi belongs to user 12345, and pi is user 0",
            "chown -R 0",
        ),
        (
            |at| {
                fs::write(at.path("theirs"), "api_key=theirs\n").unwrap();
                symlink(at.path("theirs"), at.path("pi/env")).unwrap();
            },
            "pi/env is a symbolic link",
            "rm ",
        ),
        (|at| symlink("/nowhere/at/all", at.path("pi/env")).unwrap(), "pi/env is a symbolic link", "rm "),
        (|at| fs::create_dir(at.path("pi/env")).unwrap(), "pi/env is no plain file", "rm -r"),
        (
            |at| {
                fs::write(at.path("pi/env"), "").unwrap();
                mode(at, "pi/env", 0o622);
            },
            "pi/env may be written by others (mode 622)",
            "chmod 600",
        ),
        (
            |at| {
                fs::write(at.path("pi/env"), "api_key=theirs\n").unwrap();
                chown(at.path("pi/env"), Some(12_345), None).unwrap();
            },
            "pi/env belongs to user 12345",
            "chown -R 0",
        ),
        (
            |at| {
                fs::rename(at.path("pi"), at.path("disk")).unwrap();
                mode(at, "disk", 0o777);
                symlink(at.path("disk"), at.path("pi")).unwrap();
            },
            "pi may be written by others (mode 777)",
            "chmod 700",
        ),
    ];
    for (plant, why, fix) in table {
        if !root && why.contains("belongs") {
            continue;
        }
        let scratch = Scratch::new();
        plant(&scratch);
        let out = write(&scratch);
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(!out.status.success(), "{why}");
        assert!(said.contains(why) && said.contains(fix), "{why}: {said}");
        let written = Command::new("grep").args(["-r", "the-secret"]).arg(scratch.path("")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&written.stdout), "", "{why}");
    }
}

#[test]
fn what_is_planted_beside_a_file_is_not_written_through() {
    let plants: [Plant; 2] = [
        |at| symlink(at.path("theirs"), at.path("pi/env.new")).unwrap(),
        |at| {
            fs::write(at.path("pi/env.new"), "").unwrap();
            mode(at, "pi/env.new", 0o666);
        },
    ];
    for plant in plants {
        let scratch = Scratch::new();
        fs::write(scratch.path("theirs"), "theirs").unwrap();
        plant(&scratch);
        assert!(write(&scratch).status.success());
        assert_eq!(fs::read_to_string(scratch.path("theirs")).unwrap(), "theirs");
        let env = fs::symlink_metadata(scratch.path("pi/env")).unwrap();
        assert!(env.is_file() && env.permissions().mode() & 0o777 == 0o600, "{env:?}");
        assert_eq!(fs::read_to_string(scratch.path("pi/env")).unwrap(), INPUT);
        assert!(!scratch.path("pi/env.new").exists());
    }
}

#[test]
fn a_home_that_its_owner_linked_elsewhere_works() {
    let scratch = Scratch::new();
    fs::rename(scratch.path("pi"), scratch.path("disk")).unwrap();
    symlink(scratch.path("disk"), scratch.path("pi")).unwrap();
    assert!(write(&scratch).status.success());
    assert_eq!(fs::read_to_string(scratch.path("disk/env")).unwrap(), INPUT);
    scratch.act(&first_run(scratch.server()), "");
    assert_eq!(fs::read_to_string(scratch.path("disk/servers/sleeper/current/secrets")).unwrap(), INPUT);
}

#[test]
fn a_server_is_not_given_secrets_where_others_may_change_its_record() {
    let table: [(Plant, &str); 3] = [
        (|at| mode(at, "pi/servers", 0o777), "pi/servers may be written by others"),
        (
            |at| {
                fs::create_dir(at.path("pi/servers/sleeper")).unwrap();
                mode(at, "pi/servers/sleeper", 0o777);
            },
            "pi/servers/sleeper may be written by others",
        ),
        (
            |at| {
                fs::rename(at.path("pi/env"), at.path("theirs")).unwrap();
                symlink(at.path("theirs"), at.path("pi/env")).unwrap();
            },
            "pi/env is a symbolic link",
        ),
    ];
    for (plant, why) in table {
        let scratch = Scratch::new();
        assert!(write(&scratch).status.success());
        fs::create_dir(scratch.path("pi/servers")).unwrap();
        plant(&scratch);
        let out = run(&scratch, &first_run(scratch.server()));
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(!out.status.success() && said.contains(why), "{why}: {said}");
        assert!(!scratch.path("pi/servers/sleeper/current/secrets").exists());
        assert_eq!(scratch.sessions(), Vec::<u32>::new());
    }
}

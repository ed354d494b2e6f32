//! A manifest that was found and not named is refused where somebody else could have written it, and nothing of it
//! is run. These tests need root, which may give files away.

use crate::workplace::Workplace;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

const NOBODY: u32 = 65534;

/// A manifest whose secret leaves a trace when it is read.
const TRAP: &str = "[secrets]\nkey = { command = [\"touch\", \"{dir}/trap\"] }\n[pods.here]\nssh = \"local\"\n\
                    pi_path = \"{dir}/pod\"\n";

fn is_root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What is done to a project, where pi runs, whether it is refused and why.
type Row = (&'static str, fn(&Path), &'static str, Option<&'static str>);

const TABLE: &[Row] = &[
    ("one's own", |_| (), "", None),
    ("found above", |_| (), "below", None),
    ("its owner", |dir| chown(dir.join("pi.toml"), Some(NOBODY), None).unwrap(), "", Some("owns")),
    (
        "its owner, above",
        |dir| chown(dir.join("pi.toml"), Some(NOBODY), None).unwrap(),
        "below",
        Some("owns"),
    ),
    ("its directory's owner", |dir| chown(dir, Some(NOBODY), None).unwrap(), "", Some("owns")),
    ("everybody writes it", |dir| mode(&dir.join("pi.toml"), 0o666), "", Some("everybody may write")),
    ("everybody writes its directory", |dir| mode(dir, 0o777), "", Some("everybody may write")),
    ("a sticky directory", |dir| mode(dir, 0o1777), "", Some("everybody may write")),
    (
        "a group writes its directory",
        |dir| {
            chown(dir, None, Some(NOBODY)).unwrap();
            mode(dir, 0o775);
        },
        "",
        Some("of group"),
    ),
    ("root's group writes it", |dir| mode(&dir.join("pi.toml"), 0o664), "", None),
    (
        "a link to one's own",
        |dir| {
            fs::rename(dir.join("pi.toml"), dir.join("below/real.toml")).unwrap();
            symlink("below/real.toml", dir.join("pi.toml")).unwrap();
        },
        "",
        None,
    ),
    (
        "a link of another's",
        |dir| {
            fs::rename(dir.join("pi.toml"), dir.join("below/real.toml")).unwrap();
            symlink("below/real.toml", dir.join("pi.toml")).unwrap();
            std::os::unix::fs::lchown(dir.join("pi.toml"), Some(NOBODY), None).unwrap();
        },
        "",
        Some("owns"),
    ),
    (
        "a link into another's directory",
        |dir| {
            fs::rename(dir.join("pi.toml"), dir.join("below/real.toml")).unwrap();
            symlink("below/real.toml", dir.join("pi.toml")).unwrap();
            chown(dir.join("below"), Some(NOBODY), None).unwrap();
        },
        "",
        Some("owns"),
    ),
];

#[test]
fn what_somebody_else_could_have_written_is_refused_before_anything_runs() {
    if !is_root() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    for (name, spoil, below, refused) in TABLE {
        let place = Workplace::with(TRAP);
        fs::create_dir(place.path().join("below")).unwrap();
        spoil(place.path());
        let trap = place.path().join("trap");
        let run =
            |args: &str| place.command(args).current_dir(place.path().join(below)).output().unwrap().into();
        let ran: crate::workplace::Ran = run("plan");
        let Some(why) = refused else {
            assert!(trap.exists(), "{name}: {}", ran.err);
            continue;
        };
        let ran = ran.exits(64);
        let said = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(why) && said.contains("--manifest"), "{name}: {}", ran.err);
        for args in [
            "apply --yes",
            "destroy --yes",
            "list",
            "check",
            "logs x",
            "import --yes",
            "start x --yes",
            "env x",
        ] {
            let ran: crate::workplace::Ran = run(args);
            assert!(!trap.exists(), "{name}: pi {args} ran it: {}", ran.err);
        }
        // named, it is meant
        let named = format!("plan --manifest {}", place.path().join("pi.toml").display());
        run(&named).exits(0);
        assert!(trap.exists(), "{name}");
    }
}

#[test]
fn at_tab_nothing_of_it_is_told() {
    if !is_root() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    let place = Workplace::with(TRAP);
    let complete = || {
        let mut pi = place.command("");
        pi.args(["--", "pi", "shell", ""]).env("PI_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
        pi.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_COMPLETE_SPACE", "true");
        String::from_utf8(pi.output().unwrap().stdout).unwrap()
    };
    assert!(complete().contains("here"));
    chown(place.path().join("pi.toml"), Some(NOBODY), None).unwrap();
    assert!(!complete().contains("here"));
}

#[test]
fn root_by_sudo_is_who_called_it() {
    if !is_root() {
        eprintln!("skipped: only root gives files away");
        return;
    }
    let place = Workplace::with("[pods.here]\nssh = \"local\"\n");
    for path in [place.path().join("pi.toml"), place.path().to_owned()] {
        chown(path, Some(1234), Some(1234)).unwrap();
    }
    let check = |sudo: &str| place.command("check").env("SUDO_UID", sudo).output().unwrap().status.code();
    assert_eq!((check("1234"), check("1235"), check("")), (Some(0), Some(64), Some(64)));
}

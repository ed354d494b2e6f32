//! What `pi` writes at a path that somebody named: nothing that is not its own is overwritten.

use crate::workplace::Workplace;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

const NOTHING: &str = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n";

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_plan_overwrites_nothing_but_a_plan() {
    let place = Workplace::with(NOTHING);
    let path = |name: &str| place.path().join(name);
    place
        .pi("plan --out fresh.json")
        .exits(0)
        .says("Plan written to fresh.json; `pi apply fresh.json` applies it.");
    assert_eq!(fs::metadata(path("fresh.json")).unwrap().permissions().mode() & 0o777, 0o600);
    let plan = fs::read_to_string(path("fresh.json")).unwrap();
    fs::write(path("notes"), "mine").unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("list.json"), "[1]").unwrap();
    fs::write(path("other.json"), "{\"format\": 1, \"steps\": 1, \"scope\": {}}").unwrap();
    fs::create_dir(path("directory")).unwrap();
    symlink("notes", path("to-notes")).unwrap();
    symlink("nowhere", path("to-nothing")).unwrap();
    symlink("fresh.json", path("to-plan")).unwrap();
    symlink("/dev/null", path("to-device")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let manifest = place.manifest();
    for name in [
        "pi.toml",
        "notes",
        "empty",
        "list.json",
        "other.json",
        "directory",
        "to-notes",
        "to-nothing",
        "to-device",
        "pipe",
        "/dev/null",
        "/dev/full",
    ] {
        place.pi(&format!("plan --out {name}")).exits(64).says("is there already");
    }
    assert_eq!((place.manifest(), fs::read_to_string(path("notes")).unwrap().as_str()), (manifest, "mine"));
    assert!(!path("nowhere").exists());
    for name in ["fresh.json", "to-plan"] {
        place.pi(&format!("plan --out {name}")).exits(0);
        assert_eq!(fs::read_to_string(path(name)).unwrap(), plan);
    }
    assert!(fs::symlink_metadata(path("to-plan")).unwrap().is_symlink());
    place.pi("apply fresh.json").exits(0);
    place.pi("plan --out no/such/directory.json").exits(1).says("cannot write no/such/directory.json");
}

#[test]
fn manual_pages_and_starters_overwrite_nothing_else() {
    let place = Workplace::new();
    let path = |name: &str| place.path().join(name);
    for _ in 0..2 {
        place.pi("man --out man").exits(0);
    }
    assert!(
        path("man/pi.1").exists() && path("man/pi-plan.1").exists() && path("man/pi-pods-setup.1").exists()
    );
    fs::write(path("man/pi-plan.1"), "mine").unwrap();
    place.pi("man --out man").exits(64).says("pi-plan.1 is there already");
    assert_eq!(fs::read_to_string(path("man/pi-plan.1")).unwrap(), "mine");
    symlink("elsewhere", path("pi.toml")).unwrap();
    place.pi("init").exits(64).says("is there already");
    assert!(!path("elsewhere").exists());
}

#[test]
fn an_older_file_that_was_put_away_stays() {
    let place = Workplace::new();
    let config = place.path().join("home/.pi");
    fs::create_dir_all(&config).unwrap();
    for number in 0..2 {
        let older = format!(
            "{{\"pods\": {{\"p{number}\": {{\"ssh\": \"ssh root@1.2.3.{number}\", \"gpus\": [], \"models\": {{}}}}}}}}"
        );
        fs::write(config.join("pods.json"), older).unwrap();
        place.pi("import --yes").exits(0);
    }
    let kept = |name: &str| fs::read_to_string(config.join(name)).unwrap();
    assert!(kept("pods.older.json").contains("p0") && kept("pods.older.2.json").contains("p1"));
}

#[test]
fn more_than_ten_problems_are_summed_up_and_json_has_all() {
    let wrong: String = (0..47).map(|at| format!("[models.m{at}]\nx = 1\n")).collect();
    let place = Workplace::with(&wrong);
    let ran = place.pi("check").exits(64).says("pi.toml has").says("pi check --json");
    let shown = ran.err.matches("pi.toml:").count();
    assert!(shown <= 10, "{shown} shown");
    let all: serde_json::Value = serde_json::from_str(&place.pi("check --json").exits(64).out).unwrap();
    let count = all["problems"].as_array().unwrap().len();
    assert!(count >= 47 && ran.err.contains(&format!("… and {} more", count - 10)), "{count}: {}", ran.err);
}

//! `pods.json` as a user meets it: broken, from a newer pi, on a full disk. It is a cache: nothing that it lacks is lost.

use crate::workplace::{Ran, Workplace};
use std::fs;
use std::process::Command;

const POD: &str = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n";

fn file(place: &Workplace) -> std::path::PathBuf {
    place.path().join("home/.pi/pods.json")
}

#[test]
fn what_cannot_be_read_is_an_error_and_stays() {
    let place = Workplace::with(POD);
    place.pi("plan").exits(0);
    for (text, says) in [("{", "is not what pi wrote"), ("{\"format\": 99}", "newer pi")] {
        fs::write(file(&place), text).unwrap();
        for verb in ["plan", "apply --yes"] {
            let ran = place.pi(verb);
            assert!(ran.code != Some(0), "{ran:?}");
            ran.says(says).says("pods.json");
        }
        assert_eq!(fs::read_to_string(file(&place)).unwrap(), text);
    }
}

#[test]
fn a_full_disk_is_told_and_the_old_file_stays() {
    let place = Workplace::with(POD);
    place.pi("plan").exits(0);
    let before = fs::read_to_string(file(&place)).unwrap();
    // no file may grow, which is what a full disk is to whoever writes
    let line = format!("trap '' XFSZ; ulimit -f 0; exec '{}' plan", env!("CARGO_BIN_EXE_pi"));
    let command = place.command("plan");
    let mut bash = Command::new("bash");
    bash.args(["-c", &line]).current_dir(place.path()).env_clear();
    bash.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::from(bash.output().unwrap()).exits(0).says("cannot write").says("File too large");
    assert!(ran.out.contains("No changes"), "{ran:?}");
    assert_eq!(fs::read_to_string(file(&place)).unwrap(), before);
    let left = fs::read_dir(file(&place).parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name());
    let odd: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with(".tmp")).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

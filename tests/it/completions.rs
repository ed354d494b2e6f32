//! Tab, in a real bash; manual pages.

use crate::workplace::Workplace;
use std::fs;

const MANIFEST: &str = "\
[pods.dc1]
ssh = \"local\"
[models.qwen]
model = \"/models/qwen\"
engine = \"command\"
command = [\"true\"]
";

/// What bash offers for a line whose last word is being typed.
fn offered(place: &Workplace, line: &[&str]) -> Vec<String> {
    let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
    let last = line.last().unwrap();
    let script = format!(
        "source <(pi completions bash)
        COMP_WORDS=({}) COMP_CWORD={} COMP_TYPE=9
        _clap_complete_pi pi '{last}' '{}'
        printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        line.len() - 1,
        line[line.len() - 2],
    );
    let mut bash = place.command_of("bash", &["--norc", "-c", &script]);
    let done = bash.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    String::from_utf8(done.stdout).unwrap().lines().map(|line| line.trim_end().to_owned()).collect()
}

#[test]
fn tab_completes_commands_and_names_of_the_manifest() {
    let place = Workplace::with(MANIFEST);
    assert_eq!(offered(&place, &["pi", "pl"]), ["plan"]);
    assert_eq!(offered(&place, &["pi", "plan", "--target", ""]), ["qwen", "dc1"]);
    assert_eq!(offered(&place, &["pi", "plan", "--target", "d"]), ["dc1"]);
}

#[test]
fn a_manifest_that_cannot_be_read_completes_to_nothing() {
    let place = Workplace::with("[pods\n");
    assert_eq!(offered(&place, &["pi", "plan", "--target", "d"]), [""]);
    assert_eq!(offered(&Workplace::new(), &["pi", "plan", "--target", "d"]), [""]);
}

#[test]
fn every_shell_gets_a_script_and_others_are_refused() {
    let place = Workplace::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        place.pi(&format!("completions {shell}")).exits(0).says("PI_COMPLETE");
    }
    place.pi("completions csh").exits(64).says("zsh");
}

#[test]
fn every_command_has_a_page() {
    let place = Workplace::new();
    place.pi("man").exits(0).says(".TH pi 1");
    place.pi("man --out pages").exits(0);
    let pages = place.path().join("pages");
    assert!(fs::read_to_string(pages.join("pi.1")).unwrap().contains("pi\\-apply"));
    assert!(fs::read_to_string(pages.join("pi-apply.1")).unwrap().contains("\\-\\-jobs"));
    place.write("");
    place.pi("man --out pi.toml").exits(1).says("pi.toml");
}

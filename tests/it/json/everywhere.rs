//! `--json` is everywhere that there is data, and an error is the same with it as without.

use crate::workplace::Workplace;
use std::fs;
use std::path::Path;

/// Commands without data: they hand on what somebody else prints, or print what a shell, an editor or a pager reads.
const NO_DATA: [&str; 5] = ["completions", "man", "schema", "shell", "ssh"];

/// With what each of the others is typed, besides its name.
const MORE: [(&str, &str); 9] = [
    ("env", "qwen"),
    ("fit", "none/such/model"),
    ("logs", "qwen"),
    ("pods remove", "dc1 --yes"),
    ("prompt", "qwen hello"),
    ("start", "a/b --yes"),
    ("stop", "qwen"),
    ("tunnel", "qwen"),
    ("unlock", "dc1"),
];

/// Every command that has a screen of help, as it is typed.
fn commands() -> Vec<String> {
    let screens = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens");
    let names = fs::read_dir(screens).unwrap().map(|file| file.unwrap().path());
    let names = names.map(|file| file.file_stem().unwrap().to_str().unwrap().replace('-', " "));
    let mut names: Vec<String> = names.filter(|name| name != "pi" && name != "help").collect();
    names.sort();
    names
}

#[test]
fn every_command_with_data_has_it() {
    let place = Workplace::new();
    for command in commands() {
        let help = place.pi(&format!("{command} --help")).exits(0).out;
        assert_eq!(help.contains("--json"), !NO_DATA.contains(&command.as_str()), "pi {command}");
        if NO_DATA.contains(&command.as_str()) && command != "ssh" && command != "shell" {
            assert_eq!(place.pi(&format!("{command} --json")).exits(64).out, "");
        }
    }
}

#[test]
fn an_error_is_text_on_standard_error_and_nothing_is_data() {
    for command in commands().into_iter().filter(|command| !NO_DATA.contains(&command.as_str())) {
        let place = Workplace::new();
        let more = MORE.iter().find(|(name, _)| *name == command).map(|(_, more)| *more).unwrap_or_default();
        let typed = format!("{command} {more} --json");
        let ran = match command.as_str() {
            // they need no manifest: what is wrong is something else
            "init" => place.pi(&format!("{typed} --manifest no/such/directory/pi.toml")),
            "pods setup" => {
                let mut command = place.command(&typed);
                command.arg("dc1").arg("ssh -p 2222").output().unwrap().into()
            }
            _ => place.pi(&typed),
        };
        let ran = ran.exits(if command == "init" { 1 } else { 64 });
        assert_eq!(ran.out, "", "pi {typed}");
        assert!(ran.err.contains("  × "), "pi {typed}:\n{}", ran.err);
    }
}

#[test]
fn a_manifest_with_mistakes_is_64_and_only_check_tells_them_as_data() {
    for command in commands().into_iter().filter(|command| !NO_DATA.contains(&command.as_str())) {
        if ["init", "fit", "check"].contains(&command.as_str()) {
            continue;
        }
        let place = Workplace::with("[pods.dc1]\nssh = 1\n");
        let more = MORE.iter().find(|(name, _)| *name == command).map(|(_, more)| *more).unwrap_or_default();
        let mut typed = place.command(&format!("{command} {more} --json"));
        if command == "pods setup" {
            typed.args(["dc2", "root@192.0.2.1"]);
        }
        if command == "pods active" {
            typed.arg("dc1");
        }
        let ran: crate::workplace::Ran = typed.output().unwrap().into();
        let ran = ran.exits(64).says("pi.toml:3");
        assert_eq!(ran.out, "", "pi {command}");
    }
}

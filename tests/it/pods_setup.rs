//! `pi pods setup`, over a real sshd: the pod is in pi.toml once it can be, and only then.

use crate::json;
use crate::sshd::{Sshd, user};
use crate::workplace::{ID, Ran, Workplace};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Types `pi pods setup NAME SSH …`, where the ssh line is one word.
fn setup(place: &Workplace, name: &str, ssh: &str, more: &[&str]) -> Ran {
    let mut command = place.command("pods setup --no-persist");
    command.arg(name).arg(ssh).args(more).output().unwrap().into()
}

fn manifest(place: &Workplace) -> Option<String> {
    fs::read_to_string(place.path().join("pi.toml")).ok()
}

#[test]
fn the_first_pod_makes_the_manifest_and_is_active() {
    let (sshd, place) = (Sshd::start(), Workplace::new());
    let ssh = sshd.ssh_line();
    setup(&place, "dc1", &ssh, &[]).exits(64).says("+ [pods.dc1]").says("+ secrets").says("--yes");
    assert_eq!(manifest(&place), None, "it was written without a yes");
    let ran = setup(&place, "dc1", &ssh, &["--yes"]).exits(0).says("`dc1` is ready: no GPU").says("pi start");
    assert!(ran.out.contains("no token for the hub"), "{}", ran.out);
    let text = manifest(&place).unwrap();
    let (line, rest) = text.split_once('\n').unwrap();
    assert_eq!(rest, format!("\n[pods.dc1]\nssh = \"{ssh}\"\n"), "{line}");
    let id = line.strip_prefix("project_id = \"").and_then(|line| line.split('"').next()).unwrap();
    let env = sshd.home().join(".pi/secrets").join(id);
    assert_eq!(fs::metadata(&env).unwrap().permissions().mode() & 0o777, 0o600);
    place.pi("pods").exits(0).says("*  dc1").says("no GPU");
    place.pi("plan --detailed-exitcode --no-persist").exits(0).says("No changes.");

    let before = manifest(&place);
    setup(&place, "dc1", &ssh, &["--yes"]).exits(0).says("`dc1` is ready");
    assert_eq!(manifest(&place), before, "a second time changes something");
    setup(&place, "dc1", "ssh root@9.9.9.9", &["--yes"])
        .exits(64)
        .says("another pod `dc1`")
        .says("pi.toml:3");
    setup(&place, "dc2", &ssh, &["--yes"]).exits(64).says("are the same machine");
    assert_eq!(manifest(&place), before);
}

#[test]
fn what_is_there_stays_and_what_is_asked_for_is_added() {
    let (sshd, place) =
        (Sshd::start(), Workplace::with("# ours\n\n[pods.dc1] # big\nssh = \"root@1.2.3.4\"\n"));
    let path = place.path().join("pi.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    setup(&place, "dc2", &sshd.ssh_line(), &["--yes", "--models-path", "/mnt/m"]).exits(0);
    let expected = "# ours\n\n[pods.dc1] # big\nssh = \"root@1.2.3.4\"\n\n[pods.dc2]\n";
    let after = manifest(&place).unwrap();
    assert!(after.contains(expected) && after.ends_with("\nmodels_path = \"/mnt/m\"\n"), "{after}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let ran = setup(&place, "dc2", &sshd.ssh_line(), &["--vllm", "release"]).exits(64);
    assert!(
        ran.out.contains("+ engine     vllm-") && ran.out.contains("+ vllm = \"release\""),
        "{}",
        ran.out
    );
    assert_eq!(manifest(&place).unwrap(), after);
    place.pi("pods --json").exits(0).says("\"active\": \"dc2\"");
}

#[test]
fn machines_are_told_what_becomes_of_pi_toml_and_of_the_pod() {
    let (sshd, place) = (Sshd::start(), Workplace::new());
    let before = format!("project_id = \"{ID}\"\n");
    fs::write(place.path().join("pi.toml"), &before).unwrap();
    let ssh = sshd.ssh_line();
    let asked = setup(&place, "dc1", &ssh, &["--json"]).exits(64).says("--yes");
    assert_eq!(json::kinds(&json::events(&asked)), ["manifest", "plan"]);
    assert_eq!(manifest(&place), Some(before), "it was written without a yes");
    let ran = setup(&place, "dc1", &ssh, &["--json", "--yes"]).exits(0).says("`dc1` is ready: no GPU");
    let (dir, port, user) = (place.path().to_str().unwrap(), sshd.port().to_string(), user());
    let names =
        [(dir, "{dir}"), (ssh.as_str(), "{ssh}"), (port.as_str(), "{port}"), (user.as_str(), "{user}")];
    json::events_written_down("pods-setup.jsonl", &json::events(&ran), &names);
    // a second time there is nothing to do
    let again = json::events(&setup(&place, "dc1", &ssh, &["--json"]).exits(0));
    assert_eq!(json::kinds(&again), ["plan", "ready"]);
    assert_eq!(setup(&place, "dc1", "ssh root@9.9.9.9", &["--json", "--yes"]).exits(64).out, "");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = setup(&place, "dc3", &format!("ssh -F none -p {closed} root@127.0.0.1"), &["--json", "--yes"]);
    let away = away.exits(69).says("as it was");
    assert_eq!(json::kinds(&json::events(&away)), ["plan"]);
}

#[test]
fn storage_that_cannot_be_mounted_fails_the_setup_and_can_be_tried_again() {
    let (sshd, place) = (Sshd::start(), Workplace::new());
    let mount = ["--yes", "--mount", "mount -t nope nowhere:/share /mnt/pi-it-nowhere"];
    setup(&place, "dc1", &sshd.ssh_line(), &mount)
        .exits(1)
        .says("+ mount")
        .says("The same command again takes up where this ended.");
    assert!(manifest(&place).unwrap().contains("mount = \"mount -t nope"));
    assert!(!Path::new("/mnt/pi-it-nowhere/.pi").exists());
    setup(&place, "dc1", &sshd.ssh_line(), &["--yes"]).exits(1).says("+ mount");
}

#[test]
fn an_unreachable_pod_leaves_nothing_behind() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ssh = format!("ssh -F none -p {closed} root@127.0.0.1");
    let place = Workplace::new();
    setup(&place, "dc1", &ssh, &["--yes"]).exits(69).says("refuses the connection").says("as it was");
    assert_eq!(manifest(&place), None);
    place.write("# ours\n");
    setup(&place, "dc1", &ssh, &["--yes"]).exits(69);
    assert_eq!(manifest(&place).unwrap(), "# ours\n");
}

#[test]
fn wrong_words_are_64_and_say_what_would_be_right() {
    let place = Workplace::new();
    setup(&place, "dc 1", "root@1.2.3.4", &[]).exits(64).says("pi pods setup dc1");
    setup(&place, "dc1", "ssh -p 2222", &[])
        .exits(64)
        .says("no host in it")
        .says("as the provider prints it");
    setup(&place, "dc1", "root@1.2.3.4", &["--models-path", "mnt"]).exits(64).says("/mnt/hf-models");
    setup(&place, "dc1", "root@1.2.3.4", &["--vllm", "newest"]).exits(64).says("nightly");
    setup(&place, "dc1", "root@1.2.3.4", &["--mount", "mount"]).exits(64).says("mount");
    assert_eq!(manifest(&place), None);
}

#[test]
fn a_missing_key_is_told_with_the_way_to_make_one() {
    let (sshd, place) = (Sshd::start(), Workplace::new());
    let mut command = place.command("pods setup dc1 --no-persist --yes");
    command.arg(sshd.ssh_line()).env_remove("PI_API_KEY").env("HF_TOKEN", "hf_not-shown");
    let ran: Ran = command.output().unwrap().into();
    let ran = ran.exits(0).says("export PI_API_KEY=$(openssl rand -hex 32)");
    assert!(!ran.out.contains("hf_not-shown") && !ran.err.contains("hf_not-shown"));
    assert!(!manifest(&place).unwrap().contains("hf_not-shown"));
}

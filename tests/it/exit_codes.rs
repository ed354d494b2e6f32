//! Exit codes as a user sees them: scripts and CI depend on them.

use crate::sshd::{eventually, kill, processes_with};
use crate::workplace::Workplace;
use std::fs;
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

/// A pod on this machine with one server, which needs python3 alone.
const SERVER: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"

[models.echo]
model = "{dir}/pi.toml"
engine = "command"
command = ["python3", "-m", "http.server", "{port}"]
"#;

#[test]
fn help_is_no_mistake() {
    let place = Workplace::new();
    place.pi("--help").exits(0).says("pi plan");
    place.pi("--version").exits(0);
}

#[test]
fn wrong_usage_is_64() {
    let place = Workplace::with(SERVER);
    place.pi("").exits(64);
    place.pi("plan --detailed").exits(64);
    place.pi("plan --target nobody").exits(64).says("nobody");
    place.pi("plan --pod hare").exits(64).says("did you mean `here`?");
    place.pi("plan --pod here --target echo").exits(64).says("--target takes names of pods");
    place.pi("apply plan.json --pod here").exits(64);
}

#[test]
fn a_missing_manifest_is_64() {
    let place = Workplace::new();
    place.pi("plan").exits(64).says("pi init");
    place.pi("check --manifest elsewhere.toml").exits(64).says("elsewhere.toml");
}

#[test]
fn a_wrong_manifest_is_64_and_says_where() {
    let place = Workplace::with("[pods.here]\nssh = \"local\"\nprise = 2.49\n");
    for verb in ["check", "plan", "apply --yes", "destroy --yes"] {
        place.pi(verb).exits(64).says("pi.toml:4").says("price");
    }
    place.write("[pods.here\n");
    place.pi("check").exits(64).says("pi.toml:2");
}

#[test]
fn found_changes_are_2_only_if_asked_for() {
    let place = Workplace::with(SERVER);
    place.pi("check").exits(0);
    place.pi("plan").exits(0).says("server     echo");
    place.pi("plan --pod here").exits(0).says("server     echo");
    place.pi("plan --detailed-exitcode").exits(2).says("server     echo");
    place.write("[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n");
    place.pi("plan --detailed-exitcode").exits(0).says("No changes.");
}

#[test]
fn a_pod_that_is_yet_to_be_rented_is_planned_for_and_nothing_else() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&format!(
        "[pods.soon]\nssh = \"ssh -F none -p {free} root@127.0.0.1\"\ngpus = \"2xH100\"\n\n\
         [models.oss]\nmodel = \"openai/gpt-oss-20b\"\nlisten = \"127.0.0.1\"\n"
    ));
    let offline = place.pi("plan --offline").exits(69).says("2× H100 80GB HBM3").says("server     oss");
    assert!(offline.out.contains("from pi.toml alone") && !offline.out.contains("error"), "{}", offline.out);
    place.pi("plan").exits(69).says("server     oss").says("refuses the connection");
    place.pi("plan --json --detailed-exitcode").exits(69).says("planned-ahead").says("\"reachable\": false");
    place.pi("plan --out soon.json").exits(69);
    for verb in ["apply --yes", "apply soon.json"] {
        let apply = place.pi(verb);
        assert!(!apply.out.contains("server     oss"), "{}", apply.out);
        apply.exits(69).says("refuses the connection");
    }
}

#[test]
fn an_unreachable_pod_is_69() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&format!(
        "[pods.far]\nssh = \"ssh -F none -p {closed} root@127.0.0.1\"\n[models.echo]\nmodel = \"/m\"\n\
         engine = \"command\"\ncommand = [\"true\"]\n"
    ));
    place.pi("plan").exits(69).says("refuses the connection");
    place.pi("apply --yes").exits(69);
    place.pi("plan --json").exits(69).says("\"reachable\": false");
}

#[test]
fn nobody_to_ask_is_64() {
    let place = Workplace::with(SERVER);
    place.pi("apply").exits(64).says("--yes");
    place.pi("destroy").exits(0); // nothing to do, nothing to ask
    assert!(!place.pod().exists(), "something was done");
}

#[test]
fn a_lock_of_somebody_else_is_75_and_nothing_is_done() {
    let place = Workplace::with(SERVER);
    let lock = place.pod().join("lock");
    fs::create_dir_all(&lock).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::write(lock.join("holder"), format!("ann@laptop\nnightly\n{now}\n{} 1", boot.trim())).unwrap();
    place.pi("apply --yes").exits(75).says("ann@laptop");
    assert!(lock.exists() && !place.pod().join("servers").exists());
    place.pi("plan").exits(0);
}

#[test]
fn a_step_that_fails_is_1() {
    let place = Workplace::with(&SERVER.replace(r#""python3", "-m", "http.server", "{port}""#, r#""false""#));
    place.pi("apply --yes").exits(1).says("1 failed");
}

#[test]
fn ctrl_c_is_130_and_the_next_apply_takes_up() {
    let place =
        Workplace::with(&SERVER.replace(r#""python3", "-m", "http.server", "{port}""#, r#""sleep", "4711""#));
    let child = place.command("apply --yes").spawn().unwrap();
    let pid = place.pod().join("servers/echo/current/pid");
    eventually("the server has started", || pid.exists());
    kill("INT", child.id());
    let ran: crate::workplace::Ran = child.wait_with_output().unwrap().into();
    ran.exits(130);
    place.pi("plan").exits(0).says("echo");
    place.pi("destroy --yes").exits(0);
    assert_eq!(processes_with(place.path().to_str().unwrap()), Vec::<u32>::new());
    place.pi("plan --detailed-exitcode").exits(2).says("server     echo");
}

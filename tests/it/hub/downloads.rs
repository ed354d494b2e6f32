//! Downloads that do not go through at once.

use super::lab::Lab;
use crate::sshd::{eventually, kill};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Two pods of one machine that share a disk.
const PODS: &str = r#"
[pods.one]
ssh = "local"
pi_path = "{dir}/one"
models_path = "{dir}/hf"

[pods.two]
ssh = "local"
pi_path = "{dir}/two"
models_path = "{dir}/hf"
"#;

/// A server that needs python3 alone; `health` is a file of the repository.
const SERVER: &str = r#"
[models.on-POD]
model = "org/big"
pod = "POD"
engine = "command"
command = ["python3", "-m", "http.server", "--directory", "{model}", "{port}"]
port = PORT
gpus = 0
"#;

const BIG: usize = 2_000_000;

fn lab(pods: &[&str], about: &str) -> Lab {
    let lab = Lab::new();
    lab.share("one");
    lab.share("two");
    let big: Vec<u8> = (0..BIG).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
    lab.repo(
        "org/big",
        about,
        &[("config.json", b"{}"), ("model.safetensors", &big), ("a/b c.txt", b"text"), ("health", b"")],
    );
    let server = |pod: &&str| SERVER.replace("POD", pod).replace("PORT", &free_port().to_string());
    lab.place.write(&format!("{PODS}{}", pods.iter().map(server).collect::<String>()));
    lab
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn halves(lab: &Lab) -> Vec<std::path::PathBuf> {
    let blobs = fs::read_dir(lab.cached("org/big").join("blobs")).into_iter().flatten();
    let paths = blobs.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "incomplete")).collect()
}

/// How often the large file itself was asked for.
fn bodies(asked: &[String]) -> usize {
    asked.iter().filter(|line| line.starts_with("GET ") && line.contains("/model.safetensors ")).count()
}

#[test]
fn two_pods_with_one_disk_download_once() {
    let lab = lab(&["one", "two"], r#"{"slow": 300000}"#);
    let ran = lab.pi("apply --yes --json", "").exits(0);
    assert!(ran.out.contains(r#""event":"progress""#), "{}", ran.out);
    assert!(ran.out.contains("downloads it already: waiting"), "{}", ran.out);
    assert_eq!(bodies(&lab.asked()), 1);
    let rates = ["one", "two"].map(|pod| fs::read_to_string(lab.path(pod).join("tools/hf/pi-rate")).ok());
    let rates: Vec<u64> = rates.iter().flatten().map(|rate| rate.trim().parse().unwrap()).collect();
    assert!(matches!(rates[..], [100_000..400_000]), "who downloaded it noted how fast: {rates:?}");
    assert!(!lab.path("hf/hub/.pi-locks/models--org--big").exists());
    lab.pi("plan", "").exits(0).says("No changes.");
    lab.pi("destroy --yes --weights", "").exits(0);
}

#[test]
fn an_interrupted_download_is_cleared_away_and_made_anew() {
    let lab = lab(&["one"], r#"{"slow": 100000}"#);
    let mut apply = lab.command("apply --yes", "").spawn().unwrap();
    // the client writes 10 MB at a time
    eventually("it has begun", || !halves(&lab).is_empty());
    kill("KILL", apply.id());
    apply.wait().unwrap();
    assert!(!halves(&lab).is_empty(), "the client takes them along only when it ends by itself");
    lab.repo("org/big", "{}", &[]);
    let plan = lab.pi("plan", "").exits(0);
    assert!(plan.out.contains("only in part"), "{}", plan.out);
    // the lock of who was killed goes once what was begun under it has ended
    lab.pi("apply --yes --lock-wait 30s", "").exits(0);
    assert!(halves(&lab).is_empty());
    lab.pi("plan", "").exits(0).says("No changes.");
    lab.pi("destroy --yes", "").exits(0);
}

#[test]
fn a_connection_that_breaks_is_tried_again() {
    let lab = lab(&["one"], r#"{"break": 500000, "slow": 5000000}"#);
    let ran = lab.pi("apply --yes --json", "").exits(1);
    assert_eq!(ran.out.matches("trying again").count(), 2, "{}", ran.out);
    assert!(ran.out.contains("hub-unreachable"), "{}", ran.out);
    assert!(!lab.path("hf/hub/.pi-locks/models--org--big").exists());
}

#[test]
fn a_hub_that_the_pod_does_not_reach_either_is_told_soon() {
    let mut lab = lab(&["one"], "{}");
    lab.stop();
    lab.pi("plan", "").exits(0).says("this machine does not reach the hub");
    let begun = Instant::now();
    let ran = lab.pi("apply --yes", "").exits(1);
    assert!(ran.err.contains("the pod does not reach the hub"), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(": Connection refused"), "{}{}", ran.out, ran.err);
    // the hub's client alone takes three times 24 s
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

/// A small file system, gone with the value; none where this user may not mount one.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn on(path: &'a Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=1m", "pi-test"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn a_disk_that_is_too_small_is_found_in_the_plan_and_in_the_act() {
    let lab = lab(&["one"], "{}");
    let disk = lab.path("hf");
    let Some(_small) = Small::on(&disk) else { return eprintln!("skipped: no mount of tmpfs here") };
    lab.pi("plan", "").exits(1).says("its weights need 2.0 MB").says("has 1.0 MB").says("make room");
    // nobody could tell
    let mut blind = lab.command("apply --yes --json", "");
    let ran: crate::workplace::Ran = blind.env("HF_HUB_OFFLINE", "1").output().unwrap().into();
    let ran = ran.exits(1);
    assert!(ran.out.contains(r#""code":"no-space""#), "{}", ran.out);
}

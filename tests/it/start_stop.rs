//! `pi start` and `pi stop`, over a real sshd: pi.toml and the pod change together, or not at all.

use crate::sshd::{Sshd, eventually, kill, processes_with};
use crate::workplace::{KEY, Ran, Workplace};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// A pod behind a real sshd, on which every model is a small server of python3 alone.
struct Bench {
    place: Workplace,
    sshd: Sshd,
}

impl Bench {
    fn new() -> Self {
        Self::with(r#""python3", "{home}/serve.py", "--port", "{port}", "--model", "{model}""#)
    }

    fn with(command: &str) -> Self {
        let sshd = Sshd::start();
        let home = sshd.home().display().to_string();
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/podlab/serve.py");
        fs::copy(serve, sshd.home().join("serve.py")).unwrap();
        fs::write(sshd.home().join("weights"), "weights").unwrap();
        let place = Workplace::with(&format!(
            "# ours\n\n[pods.far] # rented\nssh = \"{}\"\n\n[defaults.model] # all alike\nengine = \"command\"\n\
             listen = \"127.0.0.1\"\ncommand = [{}]\n\n[models.old]\nmodel = \"{home}/weights\"\nstate = \"stopped\"\nport = {}\n",
            sshd.ssh_line(),
            command.replace("{home}", &home),
            free_port()
        ));
        Self { place, sshd }
    }

    /// Types `pi start` of the pod's weights, on a port that no other test has.
    fn start(&self, more: &str) -> Ran {
        self.start_again(&format!("--port {} {more}", free_port()))
    }

    /// The same, with the port that it has.
    fn start_again(&self, more: &str) -> Ran {
        self.place.pi(&format!("start {}/weights --no-persist {more}", self.sshd.home().display()))
    }

    fn manifest(&self) -> String {
        fs::read_to_string(self.place.path().join("pi.toml")).unwrap()
    }

    /// Names of servers that have a record on the pod.
    fn records(&self) -> Vec<String> {
        let entries = fs::read_dir(self.sshd.home().join(".pi/servers")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Processes of servers there.
    fn processes(&self) -> Vec<u32> {
        processes_with(self.sshd.home().to_str().unwrap())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // also where a test fails: servers are sessions of their own
        drop(self.place.command("destroy --yes --no-persist").output());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_model_is_started_stopped_and_started_again() {
    let bench = Bench::new();
    let (before, port) = (bench.manifest(), free_port());
    bench
        .start_again(&format!("--name echo --port {port}"))
        .exits(64)
        .says("+ server     echo")
        .says("--yes");
    assert_eq!(bench.manifest(), before);

    let ran = bench.start_again(&format!("--name echo --port {port} --yes")).exits(0);
    for told in
        [format!("http://127.0.0.1:{port}/v1"), "pi env echo".into(), "`pi env echo` opens a tunnel".into()]
    {
        assert!(ran.out.contains(&told), "not told: {told}\n{}", ran.out);
    }
    let home = bench.sshd.home();
    let table =
        format!("\n[models.echo]\nmodel = \"{}/weights\"\npod = \"far\"\nport = {port}\n", home.display());
    let running = format!("{before}{table}");
    assert_eq!(bench.manifest(), running);
    bench.place.pi("plan --detailed-exitcode --no-persist").exits(0).says("No changes. 1 server");
    bench.start_again("--name echo --yes").exits(0).says("No changes.");

    let pid = bench.processes();
    assert!(!pid.is_empty(), "it does not run");
    let ran = bench
        .place
        .pi("stop echo --no-persist")
        .exits(0)
        .says("- server     echo")
        .says("`echo` is stopped.");
    assert!(!ran.err.contains("already"), "{}", ran.err);
    assert_eq!(bench.manifest(), format!("{running}state = \"stopped\"\n"));
    assert_eq!(bench.processes(), Vec::<u32>::new());
    bench.place.pi("stop echo --no-persist").exits(0).says("stopped already");
    bench.place.pi("plan --detailed-exitcode --no-persist").exits(0);

    let ran = bench.place.pi("start echo --yes --json --no-persist").exits(0);
    let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["name"]), (&"serving".into(), &"echo".into()), "{last}");
    assert_eq!((&last["tunnel"], &last["key"]), (&true.into(), &true.into()), "{last}");
    assert_eq!(last["url"], format!("http://127.0.0.1:{port}/v1"));
    assert_eq!(bench.manifest(), format!("{running}state = \"running\"\n"));
}

#[test]
fn all_on_the_pod_are_stopped_after_asking() {
    let bench = Bench::new();
    bench.start("--name echo --yes").exits(0);
    bench.place.pi("stop --no-persist").exits(64).says("--yes");
    assert_eq!(bench.records(), ["echo"]);
    assert!(!bench.processes().is_empty(), "it was stopped without a yes");
    bench.place.pi("stop --yes --no-persist").exits(0).says("`echo` is stopped.");
    assert_eq!(bench.processes(), Vec::<u32>::new());
    bench.place.pi("stop --no-persist").exits(0).says("Nothing in pi.toml is to run on `far`");
}

#[test]
fn two_commands_lead_from_an_ssh_line_to_a_real_model_that_answers() {
    let (sshd, place) = (Sshd::start(), Workplace::new());
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny-qwen3.gguf");
    fs::copy(tiny, sshd.home().join("Tiny.gguf")).unwrap();
    let mut setup = place.command("pods setup far --yes --no-persist");
    Ran::from(setup.arg(sshd.ssh_line()).output().unwrap()).exits(0);
    let (port, home) = (free_port(), sshd.home());
    let start = format!("start {}/Tiny.gguf --gpus 0 --context 1k --port {port} --yes", home.display());
    let ran = place.pi(&format!("{start} --no-persist")).exits(0).says("pi.toml has it as [models.tiny]");
    assert!(ran.out.contains("model   tiny"), "{}", ran.out);
    let key = format!("Authorization: Bearer {KEY}");
    let ask = r#"{"model": "tiny", "temperature": 0, "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let url = format!("http://127.0.0.1:{port}/v1/chat/completions");
    let curl = Command::new("curl").args(["-sS", "-H", &key, "-d", ask, &url]).output().unwrap();
    let said = String::from_utf8(curl.stdout).unwrap();
    assert!(said.contains("Hello from the tiny test model."), "{said}");
    place.pi("stop --yes --no-persist").exits(0);
    place.pi("pods remove far --models --yes").exits(0);
    let left = place.manifest();
    assert!(left.trim().starts_with("project_id = \"") && left.trim().lines().count() == 1, "{left}");
    assert_eq!(processes_with(home.to_str().unwrap()), Vec::<u32>::new());
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nothing() {
    let bench = Bench::with(r#""bash", "-c", "echo the disk is on fire >&2; exit 3", "{home}", "{port}""#);
    let before = bench.manifest();
    bench
        .start("--name echo --yes")
        .exits(1)
        .says("the disk is on fire")
        .says("pi.toml is as it was.")
        .says("- server     echo");
    assert_eq!(bench.manifest(), before);
    assert_eq!((bench.records(), bench.processes()), (vec![], vec![]));
    bench.place.pi("plan --detailed-exitcode --no-persist").exits(0);
    // one that pi.toml has stays stopped
    bench.place.pi("start old --yes --no-persist").exits(1).says("the disk is on fire");
    assert_eq!(bench.manifest(), before);
    assert_eq!(bench.processes(), Vec::<u32>::new());
    bench.place.pi("plan --detailed-exitcode --no-persist").exits(0);
}

#[test]
fn what_is_said_of_pi_toml_after_a_start_that_failed_is_true() {
    let place = Workplace::new();
    let dir = place.path().display().to_string();
    let before = format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n\n[defaults.model]\nengine = \"command\"\n\
         command = [\"false\"]\n"
    );
    fs::write(place.path().join("pi.toml"), &before).unwrap();
    let start = format!("start {dir}/pi.toml --name echo --port {} --yes", free_port());
    let ran = place.pi(&start).exits(1).says("pi.toml has its project_id now, and is as it was otherwise.");
    assert!(!ran.err.contains("pi.toml is as it was"), "{}", ran.err);
    let after = place.manifest();
    assert!(after.contains("project_id = ") && !after.contains("echo"), "{after}");
    place.pi(&start).exits(1).says("pi.toml is as it was.");
    assert_eq!(place.manifest(), after);
}

#[test]
fn an_interrupted_start_leaves_nothing() {
    let bench = Bench::with(r#""bash", "-c", "sleep 4711", "{home}", "{port}""#);
    let before = bench.manifest();
    let args = format!(
        "start {}/weights --name echo --port {} --yes --no-persist",
        bench.sshd.home().display(),
        free_port()
    );
    let child = bench.place.command(&args).spawn().unwrap();
    let pid = bench.sshd.home().join(".pi/servers/echo/current/pid");
    eventually("the server has started", || pid.exists());
    kill("INT", child.id());
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.exits(130).says("pi.toml is as it was.");
    assert_eq!(bench.manifest(), before);
    assert_eq!((bench.records(), bench.processes()), (vec![], vec![]));
}

#[test]
fn an_edit_meanwhile_is_kept() {
    let bench = Bench::with(
        r#""bash", "-c", "while ! test -e $0/go; do sleep 0.1; done; exec python3 $0/serve.py --port $1 --model $2", "{home}", "{port}", "{model}""#,
    );
    let args = format!(
        "start {}/weights --name echo --port {} --yes --no-persist",
        bench.sshd.home().display(),
        free_port()
    );
    let child = bench.place.command(&args).spawn().unwrap();
    let pid = bench.sshd.home().join(".pi/servers/echo/current/pid");
    eventually("the server has started", || pid.exists());
    let theirs = bench.manifest().replace("# ours", "# ours and theirs");
    fs::write(bench.place.path().join("pi.toml"), &theirs).unwrap();
    fs::write(bench.sshd.home().join("go"), "").unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.exits(0);
    let after = bench.manifest();
    assert!(after.starts_with(&theirs) && after.contains("[models.echo]"), "{after}");
}

#[test]
fn what_cannot_start_says_what_to_do() {
    let bench = Bench::new();
    let before = bench.manifest();
    bench.start("--name old --gpus 0 --yes").exits(64).says("`old` is taken").says("--name NAME");
    bench.start("--name echo --gpus 2 --yes").exits(1).says("GPU").says("pi.toml is as it was.");
    bench.start("--name echo --gpus two --yes").exits(64).says("ids such as 0,1");
    bench.start("--name echo --context lots --yes").exits(64);
    bench.start("--name a/b --yes").exits(64).says("--name qwen");
    bench.place.pi("start odl --yes").exits(64).says("did you mean `old`?");
    bench
        .place
        .pi("start Qwen2.5-Coder-32B-Instrukt --yes")
        .exits(64)
        .says("Qwen/Qwen2.5-Coder-32B-Instruct");
    bench.place.pi("start old --gpus 2 --yes").exits(64).says("pi.toml says how `old` runs");
    bench.place.pi("start old --pod fra --yes").exits(64).says("did you mean `far`?");
    bench.place.pi("start /no/such/weights --name echo --yes --no-persist").exits(1).says("is not there");
    bench.place.pi("stop odl").exits(64).says("did you mean `old`?");
    assert_eq!(bench.manifest(), before);
    assert_eq!(bench.records(), Vec::<String>::new());
    Workplace::new().pi("start a/b").exits(64).says("pi init");
    Workplace::with("# nothing\n").pi("start a/b").exits(64).says("pi pods setup");
}

#[test]
fn a_pod_that_does_not_answer_is_69_and_pi_toml_stays() {
    let mut bench = Bench::new();
    bench.start("--name echo --yes").exits(0);
    let before = bench.manifest();
    bench.sshd.stop();
    bench.start("--name more --yes").exits(69).says("refuses the connection").says("pi.toml is as it was.");
    bench.place.pi("stop echo --no-persist").exits(69).says("refuses the connection");
    assert_eq!(bench.manifest(), before);
    bench.sshd.restart();
}

#[test]
fn a_protected_model_is_stopped_only_if_that_is_allowed() {
    let bench = Bench::new();
    bench.start("--name echo --yes").exits(0);
    let text = bench.manifest().replace("[models.echo]\n", "[models.echo]\nprotect = true\n");
    fs::write(bench.place.path().join("pi.toml"), &text).unwrap();
    bench.place.pi("stop echo --no-persist").exits(1).says("--allow-protected");
    assert_eq!(bench.manifest(), text);
    bench.place.pi("stop echo --allow-protected --no-persist").exits(0);
    assert!(bench.processes().is_empty() && bench.manifest().contains("state = \"stopped\""));
}

#[test]
fn without_a_model_those_that_fit_the_free_gpus_are_listed() {
    let place = Workplace::with("[pods.dc1]\nssh = \"root@1.2.3.4\"\n");
    let gpu = |index: u32| {
        serde_json::json!({
            "index": index, "uuid": format!("GPU-{index}"), "name": "NVIDIA H100 80GB HBM3", "memory_mib": 81559,
            "used_mib": 4, "compute": "9.0", "mig": false, "ecc_errors": 0, "fault": null
        })
    };
    let found = serde_json::json!({ "Found": { "driver": "580.95.05", "gpus": [gpu(0), gpu(1)] } });
    let known = serde_json::json!({ "ssh": "root@1.2.3.4", "seen": 1, "facts": { "gpus": found } });
    let memory = serde_json::json!({ "format": 1, "pods": { "dc1": known } });
    fs::create_dir(place.path().join("home/.pi")).unwrap();
    fs::write(place.path().join("home/.pi/pods.json"), memory.to_string()).unwrap();
    let ran = place.pi("start").exits(0).says("2 of 2 × H100 80GB HBM3 free");
    let line = ran.out.lines().find(|line| line.contains("Qwen/Qwen2.5-Coder-32B-Instruct")).unwrap();
    assert!(line.contains("2 GPUs") && line.contains("tokens"), "{line}");
    assert!(!ran.out.contains("Qwen/Qwen3-Coder-480B-A35B-Instruct"), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 80), "{}", ran.out);
    let json: serde_json::Value = serde_json::from_str(&place.pi("start --json").exits(0).out).unwrap();
    assert!(json["gpus"][0]["models"].as_array().unwrap().len() > 5, "{json}");
    place.pi("start --gpus 2").exits(64);
    place.pi("start --pod dc2").exits(64).says("did you mean `dc1`?");
}

#[test]
fn a_pod_without_gpus_is_told_what_runs_without() {
    let bench = Bench::new();
    bench.place.pi("start --no-persist").exits(0).says("`far` has no GPU").says("--gpus 0");
}

/// Colleagues without the team's password manager, or without network, can still see and end what runs.
#[test]
fn verbs_that_send_no_secret_read_none() {
    let manifest = |secret: &str| {
        format!(
            "[secrets]\napi_key = {secret}\n[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n\
             [models.sleeps]\nmodel = \"{{dir}}/pi.toml\"\nengine = \"command\"\ncommand = [\"sleep\", \"47160\"]\n"
        )
    };
    let place = Workplace::with(&manifest("{ command = [\"echo\", \"a-key\"] }"));
    let mut pi = place.command("apply --yes --no-persist").spawn().unwrap();
    eventually("it is started", || !processes_with("sleep 47160").is_empty());
    pi.kill().unwrap();
    pi.wait().unwrap();
    place.write(&manifest("{ command = [\"sh\", \"-c\", \"touch {dir}/asked; exit 1\"] }"));
    for verb in ["pods", "pods --refresh", "history", "unlock --yes", "stop sleeps --lock-wait 2m"] {
        place.pi(verb).exits(0);
    }
    assert!(processes_with("sleep 47160").is_empty());
    place.pi("destroy --yes").exits(0);
    assert!(!place.path().join("asked").exists(), "the command of the secret was run");
    place.pi("apply --yes").exits(1).says("cannot read the secret `api_key`");
}

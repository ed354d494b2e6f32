//! How long `pi plan` takes, against other ways to ask pods the same things, measured in the same run.
//!
//! `cargo bench --bench fleet`, as root: 32 fake pods (tests/podlab), each a real sshd in a network of its own.
//! Every program runs, on every pod, the very probe that `pi` sends there, so all fetch the same facts: the manifest's
//! one model may go to any pod, so that `pi` asks all of them the same. Ansible and pyinfra come from PyPI into
//! target/tools/rivals. They are measured twice: with that probe, which their users do not have, and as their users
//! would ask, by the facts that they bring and a command for each thing that they have no fact for.
//! `cargo bench --bench fleet -- 8` asks 8 pods.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that prints measurements")]

use pi::manifest::parse;
use pi::observe::ask_of;
use pi::script::{Template, render};
use std::fmt::Write;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Of so many runs the median counts.
const RUNS: usize = 5;

/// What no tool has a fact for, and the probe asks: one command for each.
const COMMANDS: [&str; 5] = [
    "cat /proc/sys/kernel/random/boot_id; date +%s",
    "df -PB1 ~; ls -d ~/.pi/engines/* ~/.cache/huggingface/hub/* 2>/dev/null; cat ~/.pi/servers/*/spec.json ~/.pi/lock/holder 2>/dev/null || true",
    "ss -Hltnp || true",
    "nvidia-smi --query-gpu=index,uuid,name,memory.total,memory.used,driver_version --format=csv,noheader 2>/dev/null || true",
    "nvidia-smi --query-compute-apps=pid,gpu_uuid,used_memory --format=csv,noheader 2>/dev/null || true",
];

struct Lab {
    dir: PathBuf,
    /// The words that run a command in the lab's network.
    enter: String,
    pods: usize,
}

fn main() {
    let pods = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(32);
    let lab = Lab::up(pods);
    lab.write_files();
    println!("one pod without a GPU, 80 ms away");
    let near = lab.one_pod_near();
    podlab(&lab.dir, &["fault", "pod3", "netem", "delay", "40ms"]);
    lab.one_pod(near);
    podlab(&lab.dir, &["fault", "pod3", "netem", "off"]);
    println!("\n{pods} pods");
    lab.fleet();
    println!("\n{pods} pods, one of them cut off");
    podlab(&lab.dir, &["fault", "pod2", "partition"]);
    let cut = lab.timed("pi plan, kept connections", &lab.pi("fleet", ""));
    println!("  its own time-out and no more: {:.1} s", cut.as_secs_f64());
    println!("\nthe program");
    lab.program();
}

impl Lab {
    fn up(pods: usize) -> Self {
        let dir = PathBuf::from("/tmp/pi-bench");
        podlab(&dir, &["down"]);
        podlab(&dir, &["up", &pods.to_string(), "--gpus", "8xH100,2xA100+1xL40S,none", "--disk", "none"]);
        let env = podlab(&dir, &["env"]);
        let enter = env.lines().find_map(|line| line.strip_prefix("export PODLAB_RUN=")).unwrap();
        Self { enter: enter.trim_matches('\'').to_owned(), dir, pods }
    }

    /// One plain configuration for all: the lab's own has a way in from outside that only OpenSSH understands.
    fn config(&self) -> PathBuf {
        self.dir.join("plain_config")
    }

    fn write_files(&self) {
        let (dir, config) = (self.dir.display(), self.config());
        let mut hosts = String::new();
        for pod in 1..=self.pods {
            let _ = writeln!(hosts, "Host pod{pod}\n    HostName 10.77.0.{}", 10 + pod);
        }
        let _ = writeln!(
            hosts,
            "Host *\n    User root\n    IdentityFile {dir}/id_ed25519\n    UserKnownHostsFile {dir}/known_hosts\n    StrictHostKeyChecking yes"
        );
        fs::write(&config, hosts).unwrap();
        self.write_manifest("one", 3..=3);
        self.write_manifest("fleet", 1..=self.pods);
        let config = config.display();
        let names: Vec<String> = (1..=self.pods).map(|pod| format!("'pod{pod}'")).collect();
        let pods = names.join(", ");
        let python = format!(
            "pods = ([{pods}], {{'ssh_config_file': '{config}', 'ssh_known_hosts_file': '{dir}/known_hosts'}})\n"
        );
        fs::write(self.dir.join("inventory.py"), python).unwrap();
        let own = "server.LinuxDistribution, server.Kernel, server.Mounts, hardware.Cpus, hardware.Memory";
        let facts = format!(
            "from pyinfra import host\nfrom pyinfra.facts import hardware, server\n\nfor fact in ({own}):\n    host.get_fact(fact)\nfor command in {COMMANDS:?}:\n    host.get_fact(server.Command, command)\n"
        );
        fs::write(self.dir.join("facts.py"), facts).unwrap();
        let mut tasks = "- hosts: all\n  gather_facts: true\n  tasks:\n".to_owned();
        for command in COMMANDS {
            let _ = writeln!(tasks, "    - shell: {command:?}");
        }
        fs::write(self.dir.join("facts.yml"), tasks).unwrap();
        let lines = (1..=self.pods).map(|pod| format!("pod{pod} ansible_ssh_common_args='-F {config}'\n"));
        fs::write(self.dir.join("inventory.ini"), lines.collect::<String>()).unwrap();
    }

    /// A manifest over some pods, and the probe that pi sends for it.
    fn write_manifest(&self, name: &str, pods: RangeInclusive<usize>) {
        let config = self.config();
        let names: Vec<String> = pods.clone().map(|pod| format!("\"pod{pod}\"")).collect();
        let mut text = String::new();
        for pod in pods {
            let _ = writeln!(text, "[pods.pod{pod}]\nssh = \"ssh -F {} pod{pod}\"", config.display());
        }
        let _ = writeln!(
            text,
            "[models.m]\nmodel = \"/etc/hostname\"\nengine = \"command\"\nlisten = \"127.0.0.1\"\npod = [{}]\ncommand = [\"true\"]",
            names.join(", ")
        );
        fs::write(self.dir.join(format!("{name}.toml")), &text).unwrap();
        let manifest = parse("pi.toml", &text, Path::new("/")).unwrap();
        let pod = manifest.pods.keys().next().unwrap().clone();
        let ask = ask_of(&manifest, &pod, "salt").unwrap();
        fs::write(
            self.dir.join("probe.sh"),
            format!("#!/usr/bin/env bash\n{}", render(Template::PROBE, &ask).unwrap().text),
        )
        .unwrap();
    }

    /// `pi plan` in the lab's network, with sockets and memory of its own.
    fn pi(&self, manifest: &str, before: &str) -> String {
        let dir = self.dir.display();
        let pi = env!("CARGO_BIN_EXE_pi");
        format!(
            "{before} XDG_RUNTIME_DIR={dir}/run PI_CONFIG_DIR={dir}/config {pi} --manifest {dir}/{manifest}.toml plan; true"
        )
    }

    /// Ends the connections that pi keeps.
    fn forget(&self) -> String {
        let run = self.dir.join("run");
        let run = run.display();
        format!(
            "for s in {run}/pi/*; do [ -S $s ] && ssh -S $s -O exit x; done; rm -rf {run}; mkdir -m 700 {run};"
        )
    }

    /// What a warm plan takes when the way there takes no time.
    fn one_pod_near(&self) -> Duration {
        self.run(&self.forget());
        self.run(&self.pi("one", ""));
        self.timed("pi plan, kept, no distance", &self.pi("one", ""))
    }

    fn one_pod(&self, near: Duration) {
        let config = self.config();
        let ssh = self.timed("ssh pod3 true", &format!("ssh -F {} pod3 true", config.display()));
        let cold = self.timed_after("pi plan, no connection yet", &self.forget(), &self.pi("one", ""));
        let warm = self.timed("pi plan, kept connection", &self.pi("one", ""));
        ratio("cold pi plan / ssh true", cold, ssh);
        let trips = warm.saturating_sub(near).as_secs_f64() / 0.08;
        println!("  {:<38} {trips:.1}", "round trips of a warm pi plan");
    }

    fn fleet(&self) {
        let (dir, pods) = (self.dir.display(), self.pods);
        let plain = format!(
            "for i in $(seq {pods}); do ssh -F {dir}/plain_config pod$i bash -s <{dir}/probe.sh & done; wait"
        );
        let plain = self.timed("plain parallel ssh", &plain);
        let cold = self.timed_after("pi plan, no connection yet", &self.forget(), &self.pi("fleet", ""));
        let warm = self.timed("pi plan, kept connections", &self.pi("fleet", ""));
        ratio("cold pi plan / plain parallel ssh", cold, plain);
        let Some(rivals) = rivals() else { return };
        let rivals = rivals.display();
        let probe = format!("bash {dir}/probe.sh"); // the pods see the host's files, also this one
        let copy = format!(
            "for i in $(seq {pods}); do ssh -F {dir}/plain_config pod$i \"mkdir -p {dir} && cat >{dir}/probe.sh\" <{dir}/probe.sh & done; wait"
        );
        self.run(&copy);
        let pyinfra = format!("cd {dir} && {rivals}/pyinfra -y inventory.py");
        let ansible = format!("cd {dir} && ANSIBLE_HOST_KEY_CHECKING=False {rivals}/ansible");
        let rows = [
            ("pyinfra, the probe", format!("{pyinfra} exec -- {probe}")),
            ("pyinfra, its own facts", format!("{pyinfra} facts.py")),
            (
                "ansible, the probe",
                format!("{ansible} all -i inventory.ini -f {pods} -m script -a {dir}/probe.sh"),
            ),
            ("ansible, its own facts", format!("{ansible}-playbook -i inventory.ini -f {pods} facts.yml")),
        ];
        for (what, line) in rows {
            let theirs = self.timed(what, &line);
            ratio(&format!("{what} / cold pi plan"), theirs, cold);
            ratio(&format!("{what} / warm pi plan"), theirs, warm);
        }
    }

    fn program(&self) {
        let pi = env!("CARGO_BIN_EXE_pi");
        self.timed("pi --help", &format!("{pi} --help"));
        let size = fs::metadata(pi).unwrap().len();
        println!("  {:<32} {:>8.1} MB", "its size", f64::from(u32::try_from(size / 1000).unwrap()) / 1000.0);
    }

    fn timed(&self, what: &str, line: &str) -> Duration {
        self.timed_after(what, "", line)
    }

    /// The median of some runs; `before` is not counted.
    fn timed_after(&self, what: &str, before: &str, line: &str) -> Duration {
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                self.run(before);
                let begun = Instant::now();
                self.run(line);
                begun.elapsed()
            })
            .collect();
        times.sort();
        let median = times[RUNS / 2];
        println!("  {what:<32} {:>8.0} ms", median.as_secs_f64() * 1000.0);
        median
    }

    /// Runs a line of bash in the lab's network.
    fn run(&self, line: &str) {
        let mut words = self.enter.split(' ');
        let done = Command::new(words.next().unwrap())
            .args(words)
            .args(["bash", "-c", line])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success(),
            "this failed: {line}\n{}{said}",
            String::from_utf8_lossy(&done.stdout)
        );
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.run(&self.forget());
        podlab(&self.dir, &["down"]);
    }
}

fn ratio(what: &str, ours: Duration, theirs: Duration) {
    println!("  {what:<38} {:.2}", ours.as_secs_f64() / theirs.as_secs_f64());
}

fn podlab_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/podlab/podlab")
}

/// Runs podlab. Its output goes to a file: what it leaves running would keep a pipe open.
fn podlab(dir: &Path, args: &[&str]) -> String {
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(podlab_program());
    let done = command.env("PODLAB_DIR", dir).args(args).stdout(out.reopen().unwrap()).status().unwrap();
    assert!(done.success(), "podlab {args:?} failed");
    fs::read_to_string(out.path()).unwrap()
}

/// Where pyinfra and Ansible are; none if PyPI can't be reached.
fn rivals() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/rivals");
    let bin = venv.join("bin");
    if !bin.join("ansible").exists() {
        println!("  (installing pyinfra and ansible-core)");
        let made = Command::new("python3").args(["-m", "venv"]).arg(&venv).status().unwrap();
        let pip = ["-m", "pip", "install", "--quiet", "pyinfra==3.10.0", "ansible-core==2.19.14"];
        let got = Command::new(bin.join("python")).args(pip).status().unwrap();
        if !made.success() || !got.success() {
            println!("  pyinfra and Ansible can't be had from PyPI: left out");
            return None;
        }
    }
    Some(bin)
}

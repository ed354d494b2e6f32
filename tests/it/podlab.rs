//! Three pods over real SSH: apply converges, a second plan is empty, a killed server is drift that the next apply
//! repairs, destroy leaves nothing. With a server of one's own on each pod, and llama.cpp with a real tiny model on one.

use crate::workplace::{KEY, Workplace};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// PyPI packages that the pods, which have no route out, get as files.
const WHEELS: [&str; 2] = ["uv", "xllamacpp==2026.10.11549"];

const MANIFEST: &str = r#"
[defaults.pod]
env = { PIP_NO_INDEX = "1", PIP_FIND_LINKS = "/root/wheels", UV_OFFLINE = "1" }

[pods.pod1]
ssh = "ssh -F {lab}/ssh_config pod1"

[pods.pod2]
ssh = "ssh -F {lab}/ssh_config pod2"

[pods.pod3]
ssh = "ssh -F {lab}/ssh_config pod3"

[engines.packed]
kind = "llama.cpp"
packages = ["xllamacpp==2026.10.11549"]
find_links = ["/root/wheels"]

[models.echo]
model = "/root/tiny-qwen3.gguf"
pod = ["pod1", "pod2", "pod3"]
engine = "command"
command = ["python3", "/root/serve.py", "--port", "{port}", "--model", "{model}"]
gpus = 0
port = 8010

[models.tiny]
model = "/root/tiny-qwen3.gguf"
pod = "pod1"
engine = "packed"
context = "1k"
gpus = 0
"#;

/// Some pods, gone with the value.
struct Lab {
    dir: PathBuf,
}

impl Lab {
    /// Starts pods; says why and gives none where that is not possible.
    fn up(gpus: &[&str]) -> Option<Self> {
        if let Err(why) = possible() {
            eprintln!("skipped: {why}");
            return None;
        }
        let dir = roomy().join(format!("podlab-{}", std::process::id()));
        let lab = Self { dir };
        lab.podlab(&["up", &gpus.len().to_string(), "--disk", "none", "--gpus", &gpus.join(",")]);
        Some(lab)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/podlab/podlab"));
        command.args(args).env("PODLAB_DIR", &self.dir).stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn podlab(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "podlab {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Puts a file of this machine into a pod's /root.
    fn send(&self, pod: &str, file: &Path, to: &str) {
        let cat = ["exec", pod, "bash", "-c", "mkdir -p \"${0%/*}\" && cat >\"$0\"", to];
        let status = self.command(&cat).stdin(File::open(file).unwrap()).status();
        assert!(status.unwrap().success(), "{} to {pod}", file.display());
    }

    /// How many processes of a pod match, after they were killed.
    fn kill(&self, pod: &str, pattern: &str) -> usize {
        let output = self.command(&["fault", pod, "kill", "-9", pattern]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.split(' ').next().and_then(|count| count.parse().ok()).expect("a count")
    }

    /// The status and the body of a request to a pod, sent in the lab's network.
    fn ask(&self, url: &str, key: &str, body: &str) -> (String, String) {
        let header = format!("Authorization: Bearer {key}");
        let said =
            self.podlab(&["run", "curl", "-sS", "-w", "\n%{http_code}", "-H", &header, "-d", body, url]);
        let (body, code) = said.rsplit_once('\n').unwrap();
        (code.to_owned(), body.to_owned())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.command(&["down"]).status());
    }
}

fn possible() -> Result<(), String> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return Err("pods need root".to_owned());
    }
    let unshare = Command::new("unshare").args(["--mount", "--net", "--pid", "--fork", "true"]).output();
    match unshare {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("no namespaces here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("no namespaces here: {error}")),
    }
}

/// A directory in which pods can live: not one on an overlay.
fn roomy() -> PathBuf {
    let on_overlay = |dir: &Path| {
        let kind = Command::new("stat").args(["-f", "-c", "%T"]).arg(dir).output().unwrap();
        kind.stdout.starts_with(b"overlay")
    };
    let places = [env!("CARGO_TARGET_TMPDIR"), "/tmp", "/dev/shm"].map(PathBuf::from);
    places
        .into_iter()
        .find(|dir| dir.is_dir() && !on_overlay(dir))
        .expect("a directory that is not on an overlay")
}

/// The wheels, downloaded once.
fn wheels() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wheels").join(WHEELS.join("+"));
    let pip =
        ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"];
    let files = || {
        std::fs::read_dir(&dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    if files().len() < WHEELS.len() {
        let status = Command::new("python3").args(pip).arg("--dest").arg(&dir).args(WHEELS).status().unwrap();
        assert!(status.success(), "pip download");
    }
    files()
}

#[test]
fn three_pods_converge_drift_is_repaired_and_nothing_is_left() {
    let Some(lab) = Lab::up(&["none", "2xL40S", "1xH100"]) else { return };
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for wheel in wheels() {
        lab.send("pod1", &wheel, &format!("/root/wheels/{}", wheel.file_name().unwrap().to_str().unwrap()));
    }
    for pod in ["pod1", "pod2", "pod3"] {
        lab.send(pod, &here.join("podlab/serve.py"), "/root/serve.py");
        lab.send(pod, &here.join("data/tiny-qwen3.gguf"), "/root/tiny-qwen3.gguf");
    }
    let place = Workplace::with(&MANIFEST.replace("{lab}", lab.dir.to_str().unwrap()));

    place.pi("plan --detailed-exitcode").exits(2).says("on 3 pods").says("2× L40S");
    place.pi("apply --yes").exits(0);
    place.pi("plan --detailed-exitcode").exits(0).says("No changes. 4 servers on 3 pods");
    answers(&lab);

    assert_eq!(lab.kill("pod2", r"serve\.py"), 1);
    assert_eq!(lab.kill("pod1", r"pi_llama_server\.py"), 1);
    let plan = place.pi("plan --detailed-exitcode").exits(2).says("its process is gone").says("2 to add").out;
    assert!(plan.contains("pod1") && plan.contains("pod2") && !plan.contains("pod3"), "{plan}");
    place.pi("apply --yes").exits(0);
    place.pi("plan --detailed-exitcode").exits(0).says("No changes. 4 servers on 3 pods");
    answers(&lab);

    place.pi("destroy --yes --no-persist").exits(0);
    for pod in ["pod1", "pod2", "pod3"] {
        assert_eq!(
            lab.kill(pod, r"serve\.py|pi_llama_server|run\.sh|\.pi/"),
            0,
            "something is left on {pod}"
        );
    }
}

/// Every server answers whoever has the key, and nobody else.
#[track_caller]
fn answers(lab: &Lab) {
    let question =
        r#"{"model": "MODEL", "temperature": 0, "messages": [{"role": "user", "content": "Hello?"}]}"#;
    let servers = [
        ("10.77.0.11:8010", "echo", "Hello?"),
        ("10.77.0.12:8010", "echo", "Hello?"),
        ("10.77.0.13:8010", "echo", "Hello?"),
        ("10.77.0.11:8001", "tiny", "Hello from the tiny test model."),
    ];
    for (address, model, answer) in servers {
        let (url, body) = (format!("http://{address}/v1/chat/completions"), question.replace("MODEL", model));
        let (code, said) = lab.ask(&url, KEY, &body);
        assert!(code == "200" && said.contains(answer), "{address}: {code} {said}");
        assert_eq!(lab.ask(&url, "another", &body).0, "401", "{address} with a wrong key");
    }
}

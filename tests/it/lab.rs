//! Pods of tests/podlab: fake GPU machines with a real sshd, broken on demand.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Some pods, gone with the value.
pub(crate) struct Lab {
    pub(crate) dir: PathBuf,
}

impl Lab {
    /// Starts pods; says why and gives none where that is not possible.
    pub(crate) fn up(gpus: &[&str], disk: &str) -> Option<Self> {
        if let Err(why) = possible() {
            eprintln!("skipped: {why}");
            return None;
        }
        let dir = roomy().join(format!("podlab-{}", std::process::id()));
        let lab = Self { dir };
        lab.podlab(&["up", &gpus.len().to_string(), "--disk", disk, "--gpus", &gpus.join(",")]);
        Some(lab)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/podlab/podlab"));
        command.args(args).env("PODLAB_DIR", &self.dir).stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub(crate) fn podlab(&self, args: &[&str]) -> String {
        let output = self.command(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "podlab {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Puts a file of this machine into a pod's /root.
    pub(crate) fn send(&self, pod: &str, file: &Path, to: &str) {
        let cat = ["exec", pod, "bash", "-c", "mkdir -p \"${0%/*}\" && cat >\"$0\"", to];
        let status = self.command(&cat).stdin(File::open(file).unwrap()).status();
        assert!(status.unwrap().success(), "{} to {pod}", file.display());
    }

    /// How many processes of a pod match, after they were killed.
    pub(crate) fn kill(&self, pod: &str, pattern: &str) -> usize {
        let output = self.command(&["fault", pod, "kill", "-9", pattern]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.split(' ').next().and_then(|count| count.parse().ok()).expect("a count")
    }

    /// The status and the body of a request to a pod, sent in the lab's network.
    pub(crate) fn ask(&self, url: &str, key: &str, body: &str) -> (String, String) {
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
pub(crate) fn wheels(names: &[&str]) -> Vec<PathBuf> {
    download(names, &["--no-deps"])
}

/// The wheels and all that they need, for a Python such as `3.11`.
pub(crate) fn wheels_for(python: &str, names: &[&str]) -> Vec<PathBuf> {
    download(names, &["--only-binary=:all:", "--python-version", python])
}

fn download(names: &[&str], how: &[&str]) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wheels").join(names.join("+"));
    let all = dir.join("all");
    if !all.exists() {
        let pip = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir"];
        let mut python = Command::new("python3");
        let status = python.args(pip).args(how).arg("--dest").arg(&dir).args(names).status().unwrap();
        assert!(status.success(), "pip download");
        File::create(&all).unwrap();
    }
    let files = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| *path != all).collect()
}

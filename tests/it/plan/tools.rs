//! What steps on one pod share and run side by side. For real: uv comes from PyPI.

use pi::script::wrap;
use std::process::{Command, Stdio};

#[test]
fn steps_that_need_uv_at_once_all_get_it() {
    let scratch = tempfile::tempdir().unwrap();
    let uv = include_str!("../../../templates/uv.sh");
    let script = wrap("uv.sh", &[uv], "sleep \"$LATER\"\nneed_uv \"$PI\"\n\"$uv\" --version");
    let steps: Vec<_> = ["0", "0.6", "1.2", "1.8", "2.4", "3"]
        .into_iter()
        .map(|later| {
            let mut bash = Command::new("bash");
            bash.args(["--norc", "-c", &script.text]).env("PI", scratch.path()).env("HOME", scratch.path());
            bash.env("LATER", later);
            // a pod's own programs, and no uv among them
            bash.env("PATH", "/usr/bin:/bin")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            bash.spawn().unwrap()
        })
        .collect();
    for step in steps {
        let done = step.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success() && out.contains("uv "), "{out}{err}");
    }
}

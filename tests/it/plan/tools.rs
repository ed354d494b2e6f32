//! What steps on one pod share and run side by side. For real: uv comes from PyPI.

use pi::script::wrap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn steps_that_need_uv_at_once_all_get_it() {
    let scratch = tempfile::tempdir().unwrap();
    let uv = include_str!("../../../templates/lib/uv.sh");
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

/// Lets every Python that has this folder in PYTHONPATH look for its headers there.
pub(super) fn hide_headers(folder: &Path) {
    let include = folder.to_str().unwrap();
    let patch = format!("import sysconfig\nsysconfig.get_path = lambda *_: {include:?}\n");
    fs::write(folder.join("sitecustomize.py"), patch).unwrap();
}

#[test]
fn a_python_with_headers_is_preferred_and_one_out_of_range_is_never_taken() {
    let scratch = tempfile::tempdir().unwrap();
    hide_headers(scratch.path());
    let uv = include_str!("../../../templates/lib/uv.sh");
    let lines = "need_uv \"$PI\"\nexport UV_OFFLINE=1 PYTHONPATH=$PI\nmake_venv \"$PI/venv\" 3.99 \"$OTHERS\" $HEADERS";
    let script = wrap("uv.sh", &[uv], lines);
    let made = |others: &str, headers: &str| {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script.text]).env("PI", scratch.path()).env("HOME", scratch.path());
        bash.env("PATH", "/usr/bin:/bin").env("OTHERS", others).env("HEADERS", headers);
        let out = bash.stdin(Stdio::null()).output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let (good, said) = made(">=3.98", "");
    assert!(!good && said.contains("there is no Python 3.99, and it could not be downloaded"), "{said}");
    // nothing can be downloaded: better one without headers than none
    let (good, said) = made(">=3.8", "headers");
    assert!(good && said.contains("has no headers, and another Python could not be downloaded"), "{said}");
    // as soon as there are some it is right as it is
    fs::write(scratch.path().join("Python.h"), "").unwrap();
    assert_eq!(made(">=3.98", "headers"), (true, String::new()));
    fs::remove_dir_all(scratch.path().join("venv")).unwrap();
    let (good, said) = made(">=3.8", "headers");
    assert!(good && !said.contains("headers"), "{said}");
    fs::remove_file(scratch.path().join("Python.h")).unwrap();
    // who compiles nothing needs none
    assert_eq!(made(">=3.98", ""), (true, String::new()));
}

//! Whether an engine that was just built is tried as it has to be. With a real Python and real shared objects; what
//! stands for torch and vLLM says only what it was built for, since the real ones take 8 GB.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Packages that call themselves torch and vLLM: CUDA's version as torch tells it, and whether vLLM is the CPU's.
fn packages(cuda: &str, is_cpu: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for package in ["torch", "vllm"] {
        fs::create_dir(folder.path().join(package)).unwrap();
    }
    fs::write(folder.path().join("torch/__init__.py"), format!("class version:\n    cuda = {cuda}\n"))
        .unwrap();
    fs::write(folder.path().join("vllm/__init__.py"), "").unwrap();
    let platform = format!("class current_platform:\n    is_cpu = staticmethod(lambda: {is_cpu})\n");
    fs::write(folder.path().join("vllm/platforms.py"), platform).unwrap();
    folder
}

/// A compiled part that needs a library which is not there.
fn compiled(folder: &Path, name: &str, needs: &str) {
    let library = folder.join(needs);
    let cc = |args: &[&str]| {
        let made = Command::new("cc").args(["-shared", "-x", "c", "/dev/null"]).args(args).status();
        assert!(made.unwrap().success(), "cc {args:?}");
    };
    cc(&["-o", library.to_str().unwrap(), &format!("-Wl,-soname,{needs}")]);
    let part = folder.join("vllm").join(name);
    let link = ["-x", "none", "-Wl,--no-as-needed", library.to_str().unwrap()];
    cc(&[&["-o", part.to_str().unwrap()], &link[..]].concat());
    fs::remove_file(library).unwrap();
}

/// Whether the trial succeeds, and what it says.
fn tried(folder: &Path, variables: &[(&str, &str)]) -> (bool, String) {
    let trial = include_str!("../../../templates/try_vllm.py");
    let mut python = Command::new("python3");
    python.args(["-c", trial]).env("PYTHONPATH", folder).envs(variables.iter().copied());
    let out = python.output().unwrap();
    (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn an_engine_whose_compiled_part_does_not_load_is_refused() {
    for name in ["_C.so", "_C_stable_libtorch.so"] {
        let mixed = packages("'13.0'", "False");
        compiled(mixed.path(), name, "libcudart.so.13");
        let (good, said) = tried(mixed.path(), &[]);
        assert!(!good && said.contains("libcudart.so.13: cannot open shared object"), "{said}");

        let without_driver = packages("'13.0'", "False");
        compiled(without_driver.path(), name, "libcuda.so.1");
        let (good, said) = tried(without_driver.path(), &[]);
        // the test's own machine may have the driver
        assert!(!good && said.contains("NVIDIA_DRIVER_CAPABILITIES") || said.contains("PyInit"), "{said}");
    }
}

#[test]
fn of_a_build_for_the_cpu_nothing_of_cuda_is_wanted() {
    for (cuda, is_cpu) in [("None", "False"), ("'13.0'", "True")] {
        let folder = packages(cuda, is_cpu);
        compiled(folder.path(), "_C.so", "libcudart.so.13");
        assert_eq!(tried(folder.path(), &[]), (true, String::new()), "{cuda} {is_cpu}");
    }
}

#[test]
fn a_python_without_headers_is_refused_where_kernels_are_compiled() {
    let folder = packages("'13.0'", "False");
    super::tools::hide_headers(folder.path());
    let (good, said) = tried(folder.path(), &[]);
    assert!(!good && said.contains("has no headers") && said.contains("python3-dev"), "{said}");
    assert!(tried(folder.path(), &[("CPATH", "/opt/python/include")]).0);
    fs::write(folder.path().join("Python.h"), "").unwrap();
    assert_eq!(tried(folder.path(), &[]), (true, String::new()));
}

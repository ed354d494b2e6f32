//! The whole chain: hub, cache, server, a token, and then nothing to do.

use super::lab::Lab;
use std::fs;
use std::path::Path;

const MANIFEST: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"
models_path = "{dir}/hf"

[models.tiny]
model = "org/tiny:tiny.gguf"
engine = "llama.cpp"
context = "512"
gpus = 0
"#;

fn gguf() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny-qwen3.gguf")).unwrap()
}

/// The commit of the only snapshot in the cache.
fn snapshot(lab: &Lab) -> String {
    let snapshots = fs::read_dir(lab.cached("org/tiny").join("snapshots")).unwrap();
    let names: Vec<_> = snapshots.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

#[test]
fn a_model_is_fetched_served_and_left_alone() {
    let mut lab = Lab::new();
    lab.repo("org/tiny", r#"{"page": 2}"#, &[("config.json", b"{}"), ("a", b"a"), ("tiny.gguf", &gguf())]);
    lab.place.write(MANIFEST);
    let plan = lab.pi("plan", "").exits(0);
    assert!(plan.out.contains("org/tiny@"), "{}", plan.out);
    assert!(plan.out.contains("588.5 kB, "), "{}", plan.out);
    plan.says(" free").says("588.5 kB to download");
    lab.pi("apply --yes", "").exits(0).says("Applied:");
    lab.asked();
    lab.pi("plan", "").exits(0).says("No changes.");
    let asked = lab.asked();
    assert_eq!(asked, ["GET /api/models/org/tiny/revision/main without token -> 200"]);
    let commit = snapshot(&lab);
    assert_eq!(fs::read_to_string(lab.cached("org/tiny").join("refs/main")).unwrap(), commit);

    // somebody upstream changes a file
    lab.repo("org/tiny", "{}", &[("README.md", b"new")]);
    lab.pi("plan", "").exits(0).says("No changes.").says("has moved on").says("org/tiny@main:tiny.gguf");
    lab.place.write(&MANIFEST.replace("org/tiny:", "org/tiny@main:"));
    let follows = lab.pi("plan", "").exits(0);
    assert!(follows.out.contains("will be restarted") && follows.out.contains("commit"), "{}", follows.out);
    // the weights themselves are the same
    assert!(!follows.out.contains("to download"), "{}", follows.out);
    lab.asked();
    lab.place.write(&MANIFEST.replace("org/tiny:", &format!("org/tiny@{commit}:")));
    lab.pi("plan", "").exits(0).says("No changes.");
    assert_eq!(lab.asked(), [""; 0], "a commit that is there can't have changed");

    lab.place.write(MANIFEST);
    lab.pi("plan --offline", "").exits(0).says("No changes.");
    lab.stop();
    lab.pi("plan", "").exits(0).says("No changes.");
    fs::create_dir_all(lab.path("hf/hub/models--org--other")).unwrap();
    lab.pi("destroy --weights --yes", "").exits(0);
    assert!(!lab.cached("org/tiny").exists() && lab.cached("org/other").exists());
}

#[test]
fn a_file_that_is_named_in_part_is_not_found_in_vain() {
    let lab = Lab::new();
    lab.repo("org/tiny", "{}", &[("tiny.gguf", b"x")]);
    lab.place.write(&MANIFEST.replace("tiny.gguf", "tiny-q4.gguf"));
    lab.pi("plan", "").exits(1).says("has no file `tiny-q4.gguf`").says("tiny.gguf");
}

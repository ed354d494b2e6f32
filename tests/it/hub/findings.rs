//! What stands in the way of a download is in the plan, before anything runs.

use super::lab::Lab;
use serde_json::Value;

const MANIFEST: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"
models_path = "{dir}/hf"

[models.it]
model = "MODEL"
engine = "command"
command = ["python3", "-m", "http.server", "{port}"]
gpus = 0
"#;

fn lab() -> Lab {
    let lab = Lab::new();
    let files: &[(&str, &[u8])] = &[("config.json", b"{}"), ("model.safetensors", b"weights")];
    lab.repo("org/open", "{}", files);
    lab.repo("acme/gated", r#"{"gated": "manual"}"#, files);
    lab.repo("acme/plain", r#"{"gated": true}"#, &[("a.gguf", b"weights")]);
    lab.repo("acme/private", r#"{"private": true}"#, files);
    lab
}

/// The findings' codes, and whether something is to be downloaded.
fn findings(lab: &Lab, model: &str, token: &str) -> (Vec<String>, bool) {
    lab.place.write(&MANIFEST.replace("MODEL", model));
    let ran = lab.pi("plan --json", token);
    assert!(!token.is_empty() || !ran.err.contains("hf_"), "{}", ran.err);
    let plan: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}\n{}", ran.out, ran.err));
    for text in [&ran.out, &ran.err] {
        assert!(token.is_empty() || !text.contains(token), "the token is shown: {text}");
    }
    let codes = plan["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned());
    let fetches = plan["steps"].as_array().unwrap().iter().any(|step| step["action"] == "fetch_weights");
    (codes.collect(), fetches)
}

#[test]
fn access_is_known_before_anything_runs() {
    let lab = lab();
    let table = [
        ("org/open", "", "", true),
        ("org/open", "hf_good", "", true),
        ("org/open", "hf_bad", "bad-token", false),
        ("org/open@no-such", "", "no-such-revision", false),
        ("org/nothing", "", "no-such-repo", false),
        ("org/nothing", "hf_good", "no-such-repo", false),
        ("acme/gated", "", "needs-token", false),
        ("acme/gated", "hf_noaccess", "no-access", false),
        ("acme/gated", "hf_good", "", true),
        ("acme/plain", "", "needs-token", false),
        ("acme/plain", "hf_noaccess", "no-access", false),
        ("acme/plain", "hf_good", "", true),
        ("acme/private", "", "no-such-repo", false),
        ("acme/private", "hf_noaccess", "no-such-repo", false),
        ("acme/private", "hf_good", "", true),
        // again, with what was kept of the commit: access is asked for anew
        ("acme/gated", "hf_noaccess", "no-access", false),
        ("acme/gated", "", "needs-token", false),
    ];
    for (model, token, code, fetched) in table {
        let codes: Vec<String> =
            [code].into_iter().filter(|code| !code.is_empty()).map(str::to_owned).collect();
        assert_eq!(findings(&lab, model, token), (codes, fetched), "{model} with `{token}`");
    }
}

#[test]
fn a_token_of_this_machine_alone_does_not_help_the_pod() {
    let lab = lab();
    std::fs::create_dir_all(lab.path("home/.cache/huggingface")).unwrap();
    std::fs::write(lab.path("home/.cache/huggingface/token"), "hf_good\n").unwrap();
    assert_eq!(findings(&lab, "acme/private", ""), (vec!["needs-token".to_owned()], false));
    assert_eq!(findings(&lab, "org/open", ""), (Vec::new(), true));
    assert!(lab.asked().iter().all(|line| line.contains("with token")));
}

#[test]
fn a_hub_that_is_away_stops_no_plan() {
    let mut lab = lab();
    lab.stop();
    assert_eq!(findings(&lab, "org/open", ""), (vec!["hub-not-reached".to_owned()], true));
    lab.pi("plan --offline", "").exits(0).says("--offline");
}

#[test]
fn a_start_of_what_the_hub_has_not_changes_nothing() {
    let lab = lab();
    let manifest = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\nmodels_path = \"{dir}/hf\"\n";
    lab.place.write(manifest);
    let before = std::fs::read_to_string(lab.path("pi.toml")).unwrap();
    lab.pi("start org/nothing --yes", "").exits(1).says("org/nothing").says("pi.toml is as it was.");
    lab.pi("start acme/gated --yes", "").exits(1).says("HF_TOKEN");
    assert_eq!(std::fs::read_to_string(lab.path("pi.toml")).unwrap(), before);
    assert!(!lab.path("pod/servers").exists());
}

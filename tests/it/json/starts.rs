//! `pi start` and `pi stop` as events: what they do to pi.toml is among them.

use super::{document, events, events_written_down, kinds, written_down};
use crate::workplace::{KEY, Workplace};
use std::fs;
use std::net::TcpListener;
use std::path::Path;

/// A pod on this machine, on which every model is a small server of python3 alone.
struct Bench {
    place: Workplace,
}

impl Bench {
    fn new() -> Self {
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/podlab/serve.py");
        let manifest = "[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n\n[defaults.model]\nengine = \"command\"\n\
             command = [\"python3\", \"SERVE\", \"--port\", \"{port}\", \"--model\", \"{model}\"]\n";
        let place = Workplace::with(&manifest.replace("SERVE", serve.to_str().unwrap()));
        fs::write(place.path().join("weights"), "weights").unwrap();
        Self { place }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // also where a test fails: servers are sessions of their own
        drop(self.place.command("destroy --yes").output());
    }
}

#[test]
fn start_and_stop_tell_what_becomes_of_the_pod_and_of_pi_toml() {
    let bench = Bench::new();
    let place = &bench.place;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let dir = place.path().to_str().unwrap();
    let names = [(dir, "{dir}"), (port.as_str(), "{port}")];
    let line = format!("start {dir}/weights --name echo --port {port} --json");

    let before = place.manifest();
    let ran = place.pi(&line).exits(64).says("run with --yes");
    assert_eq!(kinds(&events(&ran)), ["plan"]);
    assert_eq!(place.manifest(), before);

    let told = events(&place.pi(&format!("{line} --yes")).exits(0));
    events_written_down("start.jsonl", &told, &names);

    // whoever asks for the key is shown it, as without --json
    let env = place.pi("env echo --json");
    assert_eq!((env.code, env.err.as_str()), (Some(0), ""), "{env:?}");
    written_down("env.json", &document(&env), &[(KEY, "{key}"), (port.as_str(), "{port}")]);

    let told = events(&place.pi("stop echo --json").exits(0).says("`echo` is stopped."));
    events_written_down("stop.jsonl", &told, &names);
    // nothing is left to do
    let told = events(&place.pi("stop echo --json").exits(0).says("stopped already"));
    assert_eq!(kinds(&told), ["plan", "stopped"]);
    assert_eq!(told[0]["steps"], serde_json::json!([]));
    let told = events(&place.pi("stop --json").exits(0).says("Nothing in pi.toml is to run"));
    assert_eq!(told, [serde_json::json!({ "event": "stopped", "models": [] })]);
    assert_eq!(place.pi("stop ecco --json").exits(64).says("did you mean `echo`?").out, "");

    written_down("pods.json", &document(&place.pi("pods --json").exits(0)), &names);
    let told = events(&place.pi("destroy --json").exits(64).says("run with --yes"));
    assert_eq!(kinds(&told), ["plan"]);
    let told = events(&place.pi("destroy --json --yes").exits(0));
    events_written_down("destroy.jsonl", &told, &names);
    let told = events(&place.pi("destroy --json --yes").exits(0));
    assert_eq!((kinds(&told), &told[0]["steps"]), (vec!["plan"], &serde_json::json!([])));
}

#[test]
fn a_start_that_fails_tells_what_is_taken_back_and_writes_nothing() {
    let bench = Bench::new();
    let place = &bench.place;
    let gone = place.manifest().replace("serve.py", "none.py");
    place.write(&gone);
    let ran =
        place.pi(&format!("start {}/weights --name echo --yes --json", place.path().display())).exits(1);
    let told = events(&ran.says("pi.toml is as it was."));
    let told: Vec<_> =
        told.into_iter().filter(|event| event["event"] != "log" && event["event"] != "said").collect();
    let kinds = kinds(&told);
    // of the secrets, the server and its answer; then of what is taken back
    let first = ["plan", "began", "ended", "began", "ended", "began", "ended", "plan", "began", "ended"];
    assert_eq!(kinds, first);
    assert_eq!((&told[6]["outcome"], &told[6]["code"]), (&"failed".into(), &"file-missing".into()));
    assert_eq!(told[7]["steps"][0]["action"], "remove_server");
    assert_eq!(place.manifest(), gone);
}

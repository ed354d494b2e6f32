//! `pi fit` knows what pods measured.

use crate::plan::case::Case;
use crate::workplace::Workplace;
use pi::observe::Sighting;
use serde_json::{Value, json};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

#[test]
fn what_a_pod_measured_takes_the_place_of_the_estimate() {
    let case = Case::all().into_iter().find(|case| case.name == "measured-at-an-earlier-start").unwrap();
    let Some(Sighting::Seen(facts)) = case.observed.pods.values().next() else { panic!("it was seen") };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // it has been running for two hours
    let seen = now - 3 * 86_400 + 7200;
    let pod = json!({ "ssh": "root@gpu1", "seen": seen, "facts": facts, "servers": {} });
    let place = Workplace::new();
    let config = place.path().join("measured");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("pods.json"), json!({ "format": 1, "pods": { "gpu1": pod } }).to_string()).unwrap();
    let fit = |more: &str| {
        let mut command = place.command(&format!("fit Qwen/Qwen2.5-Coder-32B-Instruct --gpu H100 {more}"));
        let output = command.env("PI_CONFIG_DIR", &config).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = fit("--gpus 2");
    assert!(text.contains("measured on gpu1, 3d ago"), "{text}");
    assert!(text.contains("38.1 GiB  as the engine reported it"), "{text}");
    let told: Value = serde_json::from_str(&fit("--gpus 2 --json")).unwrap();
    assert_eq!((&told["source"], &told["measured"]["pod"]), (&json!("measured"), &json!("gpu1")));
    // nothing was measured of a server that uses memory otherwise
    for other in ["--gpus 4", "--gpus 2 --memory 80%", "--gpus 2 -- --kv-cache-dtype fp8"] {
        assert!(!fit(other).contains("measured"), "{other}");
    }
}

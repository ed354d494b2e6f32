//! `pi fit`, and `pi start` without a model, know what pods measured.

use crate::plan::case::Case;
use crate::workplace::Workplace;
use pi::observe::ProbeResult;
use serde_json::{Value, json};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const MODEL: &str = "Qwen/Qwen2.5-Coder-32B-Instruct";

/// What pi remembers of `gpu1`, where the model ran on two of its H100s, `change`d.
pub(crate) fn remembered(place: &Workplace, change: impl Fn(&mut Value)) {
    let case = Case::all().into_iter().find(|case| case.name == "measured-at-an-earlier-start").unwrap();
    let Some(ProbeResult::Seen(facts)) = case.observed.pods.values().next() else { panic!("it was seen") };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // it has been running for two hours
    let seen = now - 3 * 86_400 + 7200;
    let mut pod = json!({ "ssh": "root@gpu1", "seen": seen, "facts": facts, "servers": {} });
    change(&mut pod);
    let memory = json!({ "format": 1, "pods": { "gpu1": pod } });
    fs::create_dir_all(place.path().join("home/.pi")).unwrap();
    fs::write(place.path().join("home/.pi/pods.json"), memory.to_string()).unwrap();
}

#[test]
fn what_a_pod_measured_takes_the_place_of_the_estimate() {
    let place = Workplace::new();
    remembered(&place, |_| {});
    let fit = |more: &str| place.pi(&format!("fit {MODEL} --gpu H100 {more}")).out;
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

#[test]
fn the_overview_says_where_a_number_is_measured() {
    let place = Workplace::new();
    let estimated = place.pi(&format!("fit {MODEL}")).exits(0).out;
    assert!(!estimated.contains("measured"), "{estimated}");
    remembered(&place, |_| {});
    let told = place.pi(&format!("fit {MODEL}")).exits(0).out;
    // of all the lines it is the one
    let changed: Vec<_> = told.lines().zip(estimated.lines()).filter(|(one, other)| one != other).collect();
    assert_eq!(
        changed,
        [(
            "  2× H100           fits     312k tokens, 9.5 × 32k  measured on gpu1",
            "  2× H100           fits     321k tokens, 9.8 × 32k"
        )]
    );
    let json: Value = serde_json::from_str(&place.pi(&format!("fit {MODEL} --json")).exits(0).out).unwrap();
    let measured = json["gpus"].as_array().unwrap().iter().filter(|gpu| gpu.get("measured").is_some());
    assert_eq!(measured.map(|gpu| &gpu["gpu"]).collect::<Vec<_>>(), ["H100"], "{json:#}");
    assert!(!place.pi(&format!("fit {MODEL} --available-kv 20")).out.contains("measured"));
}

/// The list of `pi start` on another pod of two H100s, by model.
#[track_caller]
fn listed(place: &Workplace) -> Option<(String, Value)> {
    let out = place.pi("start").exits(0).out;
    let line = out.lines().find(|line| line.contains(MODEL)).map(str::to_owned);
    let wide: Vec<&str> = out.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
    let json: Value = serde_json::from_str(&place.pi("start --json").exits(0).out).unwrap();
    let models = json["gpus"][0]["models"].as_array().unwrap();
    let model = models.iter().find(|it| it["model"] == MODEL).cloned();
    assert_eq!(line.is_some(), model.is_some(), "{out}{json:#}");
    line.zip(model)
}

#[test]
fn the_list_of_what_fits_a_pod_says_where_a_number_is_measured() {
    let place = Workplace::with("[pods.gpu1]\nssh = \"root@gpu1\"\n");
    // GPUs 2 to 7 are free
    remembered(&place, |_| {});
    let (line, model) = listed(&place).unwrap();
    assert!(line.contains("2 GPUs") && line.ends_with("312k tokens*"), "{line}");
    place.pi("start").says("\n  * measured on gpu1\n");
    assert_eq!((&model["source"], &model["measured"]["pod"]), (&json!("measured"), &json!("gpu1")));

    // a server that used memory otherwise tells nothing
    let args = |pod: &mut Value, args: Value| pod["facts"]["servers"]["qwen"]["spec"]["Ok"]["args"] = args;
    remembered(&place, |pod| args(pod, json!(["--kv-cache-dtype", "fp8"])));
    let (line, model) = listed(&place).unwrap();
    assert!(line.ends_with("321k tokens"), "{line}");
    assert_eq!((&model["source"], model.get("measured")), (&json!("recipe"), None));

    // what was measured counts, also where the estimate hopes for more
    remembered(&place, |pod| {
        pod["facts"]["servers"]["qwen"]["measured"]["kv_cache"] = json!(1_000_000_000);
    });
    assert_eq!(listed(&place), None);
}

//! `pi fit MODEL --pod NAME`: what is free there, and whether the model fits it.

use crate::fit_measured::{MODEL, remembered};
use crate::workplace::Workplace;
use serde_json::{Value, json};

/// Two pods; of `gpu1`, with eight H100s of which `qwen` has two, something is remembered.
fn place(change: impl Fn(&mut Value)) -> Workplace {
    let place = Workplace::with("[pods.gpu1]\nssh = \"root@gpu1\"\n\n[pods.other]\nssh = \"root@other\"\n");
    remembered(&place, change);
    place
}

fn gpus(pod: &mut Value) -> &mut Vec<Value> {
    pod["facts"]["gpus"]["Found"]["gpus"].as_array_mut().unwrap()
}

#[test]
fn what_is_free_on_the_pod_is_told_and_whether_the_model_fits_it() {
    let place = place(|_| {});
    let text = place.pi(&format!("fit {MODEL} --pod gpu1")).exits(0).out;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(format!("{MODEL} on 2× H100 of gpu1, vllm 0.32.0").as_str()));
    let free = "gpu1: 6 of 8 × H100 80GB HBM3 free (`qwen` runs there), seen 2d ago";
    assert!(text.contains(free) && text.contains("\nfits: "), "{text}");

    let told = place.pi(&format!("fit {MODEL} --pod gpu1 --json")).exits(0).out;
    let mut told: Value = serde_json::from_str(&told).unwrap();
    assert!(told["pod"]["seen_seconds_ago"].as_u64() > Some(172_800), "{told:#}");
    told["pod"]["seen_seconds_ago"] = json!(0);
    let expected = json!({
        "name": "gpu1", "seen_seconds_ago": 0, "gpus": [{ "gpu": "H100", "count": 8, "free": 6 }],
        "takes": { "gpu": "H100", "count": 2 },
    });
    assert_eq!((&told["pod"], &told["verdict"]), (&expected, &json!("fits")));
}

#[test]
fn only_gpus_that_nobody_has_and_that_answer_are_free() {
    type Change = fn(&mut Value);
    let one_left: Change = |pod| gpus(pod).iter_mut().skip(3).for_each(|gpu| gpu["used_mib"] = json!(60_000));
    let split: Change = |pod| gpus(pod).iter_mut().skip(3).for_each(|gpu| gpu["mig"] = json!(true));
    let lost: Change = |pod| gpus(pod).iter_mut().skip(3).for_each(|gpu| gpu["fault"] = json!("GPU is lost"));
    let driver: Change = |pod| gpus(pod).iter_mut().skip(2).for_each(|gpu| gpu["used_mib"] = json!(600));
    let stopped: Change = |pod| pod["facts"]["servers"]["qwen"]["life"] = json!("Stopped");
    let mixed: Change = |pod| {
        for gpu in gpus(pod).iter_mut().skip(4) {
            (gpu["name"], gpu["memory_mib"], gpu["compute"]) =
                (json!("NVIDIA L4"), json!(23_034), json!("8.9"));
        }
    };
    // on one 80 GB card hardly enough is left for 32k
    let table = [
        (one_left, "1 of 8 × H100 80GB HBM3 free", "tight: "),
        (split, "1 of 3 × H100 80GB HBM3 free", "tight: "),
        (lost, "1 of 3 × H100 80GB HBM3 free", "tight: "),
        (driver, "6 of 8 × H100 80GB HBM3 free", "fits: "),
        (mixed, "2 of 4 × H100 80GB HBM3 free (`qwen` runs there), 4 of 4 × L4 free", "fits: "),
    ];
    for (change, free, verdict) in table {
        let ran = place(change).pi(&format!("fit {MODEL} --pod gpu1 --context 32k")).exits(0);
        assert!(ran.out.contains(free) && ran.out.contains(verdict), "{free}\n{}{}", ran.out, ran.err);
    }
    // one that does not run has its memory given back, as far as the driver tells
    let idle: Change = |pod| gpus(pod).iter_mut().for_each(|gpu| gpu["used_mib"] = json!(3));
    let ran = place(|pod| (stopped(pod), idle(pod)).1).pi(&format!("fit {MODEL} --pod gpu1"));
    assert!(ran.out.contains("gpu1: 8 of 8 × H100 80GB HBM3 free, seen"), "{}{}", ran.out, ran.err);
}

#[test]
fn nothing_beyond_what_the_pod_has_is_advised() {
    let taken = |count: usize| {
        move |pod: &mut Value| {
            gpus(pod).truncate(count);
            gpus(pod).iter_mut().skip(3).for_each(|gpu| gpu["used_mib"] = json!(60_000));
        }
    };
    let fit = |count| place(taken(count)).pi("fit zai-org/GLM-4.5-Air --pod gpu1 --context 32k").exits(1).out;
    let (three, eight) = (fit(3), fit(8));
    assert!(three.contains("1 of 3 ×") && !three.contains(" 4 GPUs"), "{three}");
    assert!(eight.contains("1 of 8 ×") && eight.contains(" 4 GPUs: fits"), "{eight}");
}

#[test]
fn what_can_not_be_answered_says_why() {
    let fit = |place: &Workplace, more: &str, code: i32, told: &[&str]| {
        let ran = place.pi(&format!("fit {MODEL} {more}")).exits(code);
        assert_eq!(ran.out, "", "{more}");
        // wrapped where the terminal ends
        let err = ran.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        for text in told {
            assert!(err.contains(text), "{more}: {text}\n{err}");
        }
    };
    let there = place(|_| {});
    fit(&there, "--pod gpu2", 64, &["there is no pod `gpu2` in pi.toml", "did you mean `gpu1`?"]);
    fit(&there, "--pod gpu1 --gpu H100", 64, &["--pod and --gpu both say which GPUs"]);
    fit(
        &there,
        "--pod gpu1 --gpus 8",
        1,
        &["too few free GPUs: 6 of 8 ×", "--gpus asks for 8", "\"8xH100\""],
    );
    fit(&there, "--pod gpu1 --context 1M", 1, &["more than its own limit"]);
    let full = place(|pod| gpus(pod).truncate(2));
    fit(&full, "--pod gpu1", 1, &["`gpu1` has too few free GPUs: 0 of 2 ×", "(`qwen` runs there)"]);
    let bare = place(|pod| pod["facts"]["gpus"] = json!("None"));
    fit(&bare, "--pod gpu1", 1, &["`gpu1` has no GPU that can be used", "which kinds of GPU hold it"]);
    let split = place(|pod| gpus(pod).iter_mut().for_each(|gpu| gpu["mig"] = json!(true)));
    fit(&split, "--pod gpu1", 1, &["`gpu1` has no GPU that can be used"]);
    let broken = json!({ "Broken": { "exit": 9, "message": "Failed to initialize NVML" } });
    let broken = place(|pod| pod["facts"]["gpus"] = broken.clone());
    fit(&broken, "--pod gpu1", 1, &["nvidia-smi fails on `gpu1`"]);
    let nowhere = Workplace::new();
    fit(&nowhere, "--pod gpu1", 64, &["pi.toml"]);
}

#[test]
fn a_pod_of_which_nothing_is_remembered_is_looked_at() {
    let place = Workplace::with("[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n");
    let ran = place.pi(&format!("fit {MODEL} --pod here --no-persist"));
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("`here`"), "{}", ran.err);
    assert!(place.path().join("home/.pi/pods.json").is_file());
}

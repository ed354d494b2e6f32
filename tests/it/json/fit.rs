//! `pi fit MODEL --json` without a GPU: what the overview tells, for every kind.

use super::{document, written_down};
use crate::workplace::Workplace;
use serde_json::Value;

#[test]
fn the_overview_has_every_line_of_the_text() {
    let place = Workplace::new();
    let text = place.pi("fit Qwen/Qwen2.5-Coder-32B-Instruct").exits(0).out;
    let told = document(&place.pi("fit Qwen/Qwen2.5-Coder-32B-Instruct --json").exits(0));
    let gpus = told["gpus"].as_array().unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains('×') && line.starts_with("  ")).collect();
    assert!(lines.len() > 10, "{text}");
    assert_eq!(lines.len(), gpus.len());
    for (line, gpu) in lines.iter().zip(gpus) {
        let verdict = gpu["verdict"].as_str().unwrap().replace('-', " ");
        let kind = format!("{}× {}", gpu["count"], gpu["gpu"].as_str().unwrap());
        assert!(line.contains(&verdict) && line.trim_start().starts_with(&kind), "{line}\n{gpu:#}");
    }
    // one of them stands for all
    let mut short = told.clone();
    short["gpus"] = gpus.iter().filter(|gpu| gpu["gpu"] == "H100").cloned().collect::<Vec<Value>>().into();
    written_down("fit-overview.json", &short, &[]);
}

#[test]
fn a_model_that_nobody_knows_is_an_error_and_no_json() {
    let ran = Workplace::new().pi("fit none --json");
    assert_ne!(ran.code, Some(0));
    assert_eq!(ran.out, "", "{}", ran.err);
}

#[test]
fn a_context_beyond_the_models_own_limit_fits_nowhere() {
    let place = Workplace::new();
    let told = "128k of context is more than its own limit of 40k";
    for gpu in ["", " --gpu H200"] {
        for line in ["--context 128k", "--context 128k --memory 50%", "-- --max-model-len 128K"] {
            // what stands behind `--` goes last
            let line = format!("fit Qwen/Qwen3-8B{gpu} {line}");
            place.pi(&line).exits(1).says(told).says("yarn");
        }
        place.pi(&format!("fit Qwen/Qwen3-8B{gpu} --context 40k")).exits(0);
        let yarn = r#"-- --hf-overrides={"rope_scaling":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}}"#;
        place.pi(&format!("fit Qwen/Qwen3-8B{gpu} --context 128k {yarn}")).exits(0);
    }
    // nobody has read the config of this one for pi
    let ran = place.pi("fit LiquidAI/LFM2.5-8B-A1B --gpu H100 --context 1M");
    assert!(!ran.err.contains("own limit"), "{}", ran.err);
}

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

//! Choices for models and GPUs that people have.

use super::super::flags::{Word, known};
use super::super::{args, engines, gpus, models};
use super::*;

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

/// The choice as one line: GPUs, spread, context, arguments.
fn shown(id: &str, gpu: &str, available: u32, gpus: Option<u32>, version: &str) -> String {
    let version = v(version);
    let ask = Ask { gpu: gpus::find(gpu).unwrap(), available, gpus, version: &version };
    // stands in for the estimator: half the card for weights
    let recipe = models::find(id).unwrap();
    let holds = |c: &Choice| {
        recipe.resident().gib() / f64::from(c.parallel.tp * c.parallel.pp) < ask.gpu.torch_gib * 0.8
    };
    match choose(recipe, ask, &holds) {
        Ok(choice) => {
            let context = choice.context.map(|c| format!(" context {c}")).unwrap_or_default();
            format!("{}{context} {}", choice.parallel.gpus(), choice.command_line().join(" "))
        }
        Err(why) => why.to_string(),
    }
}

#[test]
fn the_known_good_way_is_chosen() {
    let hermes = "--enable-auto-tool-choice --tool-call-parser hermes";
    let coder = "--enable-auto-tool-choice --tool-call-parser qwen3_coder";
    let openai = "--enable-auto-tool-choice --tool-call-parser openai --reasoning-parser openai_gptoss";
    let glm = "--enable-auto-tool-choice --tool-call-parser glm45 --reasoning-parser glm45";
    let table = [
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "H100", 8, Some(2), format!("2 --tensor-parallel-size 2 {hermes}")),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "H100", 8, None, format!("1 context 128k {coder}")),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", "L40S", 1, None, format!("1 {coder}")),
        (
            "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8",
            "H200",
            8,
            Some(8),
            format!("8 context 128k --tensor-parallel-size 8 {coder} --enable-expert-parallel"),
        ),
        ("openai/gpt-oss-20b", "RTX 4090", 1, None, format!("1 {openai}")),
        ("openai/gpt-oss-120b", "H100", 8, Some(4), format!("4 --tensor-parallel-size 4 {openai}")),
        ("zai-org/GLM-4.5-Air-FP8", "H100 NVL", 8, Some(2), format!("2 --tensor-parallel-size 2 {glm}")),
        ("zai-org/GLM-4.5-Air", "H100", 8, None, format!("4 --tensor-parallel-size 4 {glm}")),
        (
            "moonshotai/Kimi-K2-Instruct",
            "B200",
            8,
            None,
            "8 --tensor-parallel-size 8 --enable-auto-tool-choice --tool-call-parser kimi_k2 --trust-remote-code"
                .to_owned(),
        ),
    ];
    for (id, gpu, available, gpus, expected) in table {
        assert_eq!(shown(id, gpu, available, gpus, "0.32.0"), expected, "{id} on {gpu}");
    }
}

#[test]
fn what_can_not_be_is_told() {
    let table = [
        (
            "openai/gpt-oss-20b",
            "H100",
            1,
            None,
            "0.10.0",
            "gpt-oss-20b needs vLLM 0.10.2 or newer; this is 0.10.0",
        ),
        ("openai/gpt-oss-20b", "H100", 1, Some(2), "0.32.0", "2 GPUs are wanted and 1 can be had"),
        (
            "openai/gpt-oss-20b",
            "V100",
            1,
            None,
            "0.32.0",
            "vLLM 0.32.0 has no code for V100-32 (compute capability 7.0); llama.cpp has",
        ),
    ];
    for (id, gpu, available, gpus, version, expected) in table {
        assert_eq!(shown(id, gpu, available, gpus, version), expected, "{id} on {gpu}");
    }
}

#[test]
fn heads_that_do_not_divide_make_stages() {
    // 40 heads over 3 GPUs: three stages; over 6: two pieces in three stages
    let line = |gpus| shown("Qwen/Qwen2.5-Coder-32B-Instruct", "H100", 8, Some(gpus), "0.32.0");
    assert!(line(3).starts_with("3 --pipeline-parallel-size 3 "), "{}", line(3));
    assert!(line(6).starts_with("6 --tensor-parallel-size 2 --pipeline-parallel-size 3 "), "{}", line(6));
}

#[test]
fn an_fp8_block_is_never_cut() {
    let line = |gpus| shown("Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", "H100", 8, Some(gpus), "0.32.0");
    assert!(!line(2).contains("--enable-expert-parallel"), "{}", line(2));
    assert!(line(4).contains("--enable-expert-parallel"), "{}", line(4));
}

#[test]
fn old_cards_get_what_they_can_do() {
    assert!(shown("Qwen/Qwen3-4B", "T4", 1, None, "0.32.0").contains("--dtype half"));
    let a100 = shown("nvidia/MiniMax-M2.5-NVFP4", "A100", 8, None, "0.32.0");
    assert!(!a100.contains("--kv-cache-dtype"), "{a100}");
    assert!(shown("nvidia/MiniMax-M2.5-NVFP4", "B200", 8, None, "0.32.0").contains("--kv-cache-dtype fp8"));
}

#[test]
fn no_choice_ever_has_a_word_its_version_does_not_know() {
    let every_sixth = engines::vllm_versions().iter().rev().step_by(6);
    let versions: Vec<Version> = every_sixth.map(|x| v(&x.version)).chain([v(engines::release())]).collect();
    for version in &versions {
        for gpu in ["H100", "T4"] {
            for recipe in models::all() {
                let ask = Ask { gpu: gpus::find(gpu).unwrap(), available: 8, gpus: None, version };
                for choice in choices(recipe, ask).unwrap_or_default() {
                    let line = choice.command_line();
                    assert_eq!(
                        args::unknown(&line, version),
                        Vec::<String>::new(),
                        "{} in {version}",
                        recipe.id
                    );
                    let parsers = choice.tools.iter().all(|p| known(Word::ToolParser, p, version))
                        && choice.reasoning.iter().all(|p| known(Word::ReasoningParser, p, version));
                    assert!(parsers, "{} in {version}", recipe.id);
                    let dead = |name: &EnvName| {
                        name.as_str().starts_with("VLLM_") && !known(Word::Env, name.as_str(), version)
                    };
                    assert!(!choice.env.keys().any(dead), "{} in {version}", recipe.id);
                }
            }
        }
    }
}

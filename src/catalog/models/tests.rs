//! The embedded catalog read whole, against its invariants.

use super::super::flags::{Word, known};
use super::*;

#[test]
fn the_embedded_catalog_is_whole_and_makes_sense() {
    let file: File = toml::from_str(include_str!("../../../data/models.toml")).unwrap();
    assert_eq!(file.model.len(), 275);
    assert_eq!(CATALOG.by_id.len(), 275);
    for recipe in &file.model {
        let id = &recipe.id;
        assert!(crate::name::HfRepo::parse(id).is_ok(), "{id}");
        assert!(recipe.weight_gb > 0.0 && recipe.max_context >= 8192 && !recipe.source.is_empty(), "{id}");
        assert!(billions(&recipe.total).is_some(), "{id}");
        assert!(recipe.active_share() > 0.0, "{id}");
        let resident = recipe.resident().gib() / recipe.weights().gib();
        assert!((0.9..1.1).contains(&resident), "{id}: {resident}");
        assert!(recipe.min_vllm.as_deref().is_none_or(|v| Version::parse(v).is_some()), "{id}");
        assert!(recipe.family.as_deref().is_none_or(|family| find(family).is_some()), "{id}");
        let on = recipe.configs.iter().flat_map(|c| &c.on).chain(&recipe.verified).chain(recipe.tp_on.keys());
        for key in on {
            assert_eq!(super::super::gpus::find(key).map(|g| &g.key), Some(key), "{id}");
        }
        for config in &recipe.configs {
            assert_eq!(config.gpus, config.tp * config.pp * config.dp, "{id}");
        }
    }
}

#[test]
fn every_word_is_known_to_the_tested_release_or_the_first_that_serves_the_model() {
    let release = Version::parse(super::super::engines::release()).unwrap();
    for recipe in all() {
        let least = recipe.min_vllm.as_deref().and_then(Version::parse);
        let version = least.map_or(release.clone(), |least| least.max(release.clone()));
        let check = |kind, word: &str| assert!(known(kind, word, &version), "{}: {word}", recipe.id);
        if let Some(parser) = &recipe.tools {
            check(Word::ToolParser, parser);
        }
        if let Some(parser) = &recipe.reasoning {
            check(Word::ReasoningParser, parser);
        }
        if let Some(arch) = &recipe.arch {
            check(Word::Architecture, arch);
        }
        for flag in recipe.args.iter().chain(recipe.configs.iter().flat_map(|c| &c.args)) {
            if flag.starts_with("--") {
                check(Word::Flag, flag);
            }
        }
    }
}

#[test]
fn models_are_found_with_their_variants() {
    assert_eq!(find("zai-org/glm-4.5-air").map(|r| r.id.as_str()), Some("zai-org/GLM-4.5-Air"));
    assert!(find("nobody/nothing").is_none());
    let smaller: Vec<_> = smaller(find("zai-org/GLM-4.5-Air").unwrap()).iter().map(|r| &r.id).collect();
    assert_eq!(smaller, ["zai-org/GLM-4.5-Air-FP8"]);
    for id in [
        "Qwen/Qwen2.5-Coder-32B-Instruct",
        "Qwen/Qwen3-Coder-30B-A3B-Instruct",
        "Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8",
        "Qwen/Qwen3-Coder-480B-A35B-Instruct",
        "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8",
        "openai/gpt-oss-20b",
        "openai/gpt-oss-120b",
        "zai-org/GLM-4.5",
        "zai-org/GLM-4.5-FP8",
        "zai-org/GLM-4.5-Air",
        "zai-org/GLM-4.5-Air-FP8",
        "moonshotai/Kimi-K2-Instruct",
    ] {
        let recipe = find(id).unwrap();
        assert!(!recipe.configs.is_empty() && recipe.kv.is_some(), "{id}");
    }
}

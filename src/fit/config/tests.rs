//! Configurations as publishers write them.

use super::*;
use crate::catalog::models;
use crate::fit::from_recipe;
use crate::fit::shape::{Bulk, Keeps, Layers, State};
use serde_json::json;

const WEIGHTS: Bytes = Bytes(1_000_000_000);

fn read(config: &Value) -> Shape {
    shape(&config.to_string(), WEIGHTS).unwrap()
}

#[test]
fn every_known_config_gives_the_catalogs_shape() {
    let file: Value = serde_json::from_str(include_str!("../../../tests/data/model-configs.json")).unwrap();
    let mut compared = 0;
    for (repo, config) in file["configs"].as_object().unwrap() {
        let Some(recipe) = models::find(repo) else { continue };
        let Some(known) = from_recipe::shape(recipe) else { continue };
        // the facts count layer types instead of listing them
        let mut config = config.clone();
        if let Some(counts) = config.get("layer_types_count").and_then(Value::as_object).cloned() {
            let repeat = |(kind, n): (&String, &Value)| {
                vec![kind.clone(); usize::try_from(n.as_u64().unwrap()).unwrap()]
            };
            config["layer_types"] = counts.iter().flat_map(repeat).collect::<Vec<_>>().into();
        }
        // read from the model's own config after the facts were gathered (kv_source in the catalog)
        if repo.contains("GLM-5.2") {
            config["index_topk_freq"] = 4.into();
            config["index_skip_topk_offset"] = 3.into();
        }
        match shape(&config.to_string(), WEIGHTS) {
            Err(NotRead::Unknown(kind)) if kind == "deepseek_v4" => {}
            Err(why) => panic!("{repo}: {why}"),
            Ok(read) => {
                let whole = |layers: &[Layers]| {
                    let mut kinds: Vec<_> =
                        layers.iter().map(|l| format!("{} {:?}", l.count, l.keeps)).collect();
                    kinds.sort();
                    kinds
                };
                assert_eq!(whole(&read.layers), whole(&known.layers), "{repo}");
                assert_eq!((read.heads, read.bulk), (known.heads, known.bulk), "{repo}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 35, "{compared}");
}

#[test]
fn a_plain_model_is_read_with_its_defaults() {
    let config = json!({"num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096,
        "max_position_embeddings": 131_072, "sliding_window": null, "torch_dtype": "bfloat16"});
    let shape = read(&config);
    assert_eq!(shape.layers, [Layers { count: 32, keeps: Keeps::All { heads: 8, elements: 256 } }]);
    assert_eq!((shape.max_context, shape.heads, shape.bulk), (Tokens(131_072), Some(32), Bulk::Dense));
    assert_eq!((shape.files, shape.resident, shape.source), (WEIGHTS, WEIGHTS, Source::Config));
}

#[test]
fn a_multimodal_models_language_part_counts() {
    let config = json!({"model_type": "x_vl", "vision_config": {"num_hidden_layers": 27}, "text_config": {
        "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 64,
        "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
        "linear_num_key_heads": 16, "linear_num_value_heads": 48, "linear_key_head_dim": 128,
        "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4, "mamba_ssm_dtype": "float32",
        "max_position_embeddings": 262_144}});
    let shape = read(&config);
    let state = State::delta_net([16, 48], [128, 128], 4, 4);
    assert_eq!(
        shape.layers,
        [
            Layers { count: 1, keeps: Keeps::All { heads: 2, elements: 128 } },
            Layers { count: 3, keeps: Keeps::State(state) }
        ]
    );
    // "Setting attention block size to 1568 tokens" (point 40)
    assert_eq!(state.bytes(2), 1_603_584);
}

#[test]
fn windows_are_read_in_every_spelling() {
    let base = json!({"num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 64,
        "max_position_embeddings": 32_768, "sliding_window": 1024});
    let table = [
        (json!({}), (0, 6)),
        (json!({"use_sliding_window": false}), (6, 0)),
        (json!({"sliding_window": 32_768}), (6, 0)),
        (json!({"sliding_window_pattern": 6}), (1, 5)),
        (json!({"model_type": "gemma2"}), (3, 3)),
        (json!({"hybrid_layer_pattern": [0, 1, 1, 0, 1, 1]}), (2, 4)),
        (json!({"sliding_window_pattern": 3, "num_kv_shared_layers": 3}), (1, 2)),
    ];
    for (more, expected) in table {
        let mut config = base.clone();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let layers = read(&config).layers;
        let of = |full: bool| {
            let this = |l: &&Layers| matches!(l.keeps, Keeps::All { .. }) == full;
            layers.iter().filter(this).map(|l| l.count).sum::<u32>()
        };
        assert_eq!((of(true), of(false)), expected, "{more}");
    }
}

#[test]
fn what_can_not_be_read_is_told() {
    let table = [
        ("[]", "config.json is not a JSON object"),
        ("{", "config.json is not a JSON object"),
        ("{}", "config.json has no `num_hidden_layers`"),
        (r#"{"num_hidden_layers": 2}"#, "config.json has no `hidden_size`"),
        (
            r#"{"num_hidden_layers": 2, "num_attention_heads": 0, "hidden_size": 8}"#,
            "config.json has no `num_attention_heads`",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(shape(text, WEIGHTS).unwrap_err().to_string(), expected, "{text}");
    }
    let conv = r#"{"num_hidden_layers": 1, "layer_types": ["conv"]}"#;
    assert!(matches!(shape(conv, WEIGHTS), Err(NotRead::Unknown(_))));
}

#[test]
fn weights_stored_in_float32_are_served_in_half() {
    let config =
        json!({"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 64, "dtype": "float32"});
    assert_eq!(read(&config).resident, Bytes(500_000_000));
}

proptest::proptest! {
    #[test]
    fn no_number_makes_the_estimate_panic(numbers in proptest::collection::vec(proptest::prelude::any::<u64>(), 24), shift in 0..64_u32) {
        let names = ["num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "v_head_dim",
            "hidden_size", "max_position_embeddings", "sliding_window", "attention_chunk_size", "kv_lora_rank",
            "qk_rope_head_dim", "index_topk", "index_head_dim", "index_topk_freq", "full_attention_interval",
            "linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim", "linear_value_head_dim",
            "linear_conv_kernel_dim", "num_experts", "num_experts_per_tok", "num_kv_shared_layers", "global_head_dim"];
        for keep in [names.len(), 15, 9, 6] {
            let config: serde_json::Map<String, Value> =
                names.iter().zip(&numbers).take(keep).map(|(name, n)| ((*name).to_owned(), (n >> shift).into())).collect();
            if let Ok(shape) = shape(&Value::Object(config).to_string(), WEIGHTS) {
                let setup = crate::fit::Setup::new("H100", 79.0, &crate::catalog::Version::from_minor(0, 32));
                let _ = crate::fit::fit(&shape, &setup);
            }
        }
    }
}

//! Models nobody has a recipe for, on GPUs that people rent.

use super::*;
use crate::catalog::{Version, gpus};
use crate::fit::config;
use crate::units::Bytes;
use serde_json::json;

/// A dense model: layers, attention heads, KV heads, its own context, and GB of files.
fn dense([layers, heads, kv_heads, context]: [u32; 4], gb: u64) -> Shape {
    let config = json!({
        "model_type": "llama", "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "hidden_size": heads * 128, "head_dim": 128,
        "max_position_embeddings": context, "torch_dtype": "bfloat16",
    });
    config::shape(&config.to_string(), Bytes(gb * 1_000_000_000)).unwrap()
}

/// `2 GPUs, context 64k, fits`: what is chosen.
fn told(shape: &Shape, (gpu, available, gpus): (&str, u32, Option<u32>), wanted: Wanted<'_>) -> String {
    let gpu = gpus::find(gpu).unwrap();
    let ask = Ask { gpu, available, gpus, version: &Version::from_minor(0, 32) };
    let Some(chosen) = spread(shape, ask, wanted) else { return "nothing".to_owned() };
    let context = chosen.context.map_or_else(|| "its own".to_owned(), |context| context.to_string());
    assert_eq!(chosen.setup.context, Some(chosen.fit.context));
    format!("{} GPUs, context {context}, {}", chosen.gpus(), chosen.fit.verdict.as_str())
}

#[test]
fn the_fewest_gpus_that_hold_the_models_own_context_are_taken() {
    let (small, large) = (dense([32, 32, 8, 131_072], 16), dense([80, 64, 8, 131_072], 141));
    let long = dense([28, 28, 4, 1_048_576], 15);
    let table = [
        (&small, ("H100", 8, None), "1 GPUs, context its own, fits"),
        (&large, ("H100", 8, None), "4 GPUs, context its own, fits"),
        (&large, ("H200", 2, None), "2 GPUs, context its own, fits"),
        (&large, ("H100", 3, None), "2 GPUs, context 16k, tight"),
        (&large, ("H100", 1, None), "1 GPUs, context its own, does-not-fit"),
        (&small, ("RTX 4090", 1, None), "1 GPUs, context 32k, fits"),
        (&small, ("RTX 4090", 4, None), "2 GPUs, context its own, fits"),
        (&small, ("RTX 4090", 4, Some(1)), "1 GPUs, context 32k, fits"),
        (&small, ("RTX 4090", 4, Some(4)), "4 GPUs, context its own, fits"),
        (&long, ("H100", 1, None), "1 GPUs, context 512k, fits"),
        (&long, ("H100", 2, None), "2 GPUs, context its own, fits"),
        (&small, ("H100", 0, None), "nothing"),
    ];
    for (shape, pod, expected) in table {
        assert_eq!(told(shape, pod, Wanted::default()), expected, "{pod:?}");
    }
}

#[test]
fn what_the_user_says_wins() {
    let small = dense([32, 32, 8, 131_072], 16);
    let context = |tokens| Wanted { context: Some(Tokens(tokens)), ..Wanted::default() };
    let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(told(&small, ("RTX 4090", 4, None), context(16_384)), "1 GPUs, context 16k, fits");
    assert_eq!(told(&small, ("RTX 4090", 1, None), context(131_072)), "1 GPUs, context 128k, does-not-fit");
    let half = Wanted { memory: Percent::parse("40%").ok(), ..Wanted::default() };
    assert_eq!(told(&small, ("H100", 1, None), half), "1 GPUs, context 64k, fits");
    let own = args("--max-model-len 2048");
    let named = Wanted { args: &own, ..Wanted::default() };
    assert_eq!(told(&small, ("RTX 4090", 4, None), named), "1 GPUs, context its own, fits");
    let stages = args("--pipeline-parallel-size 2");
    let in_two = Wanted { args: &stages, ..Wanted::default() };
    assert_eq!(told(&small, ("RTX 4090", 4, Some(4)), in_two), "4 GPUs, context its own, fits");
}

#[test]
fn only_numbers_of_gpus_that_vllm_can_cut_the_model_into_are_taken() {
    // attention heads, KV heads, and into how many of 1, 2, 4, 8, 16 pieces
    let table = [
        (64, 8, vec![1, 2, 4, 8, 16]),
        (28, 4, vec![1, 2, 4]),
        (40, 10, vec![1, 2]),
        (9, 3, vec![1]),
        (32, 2, vec![1, 2, 4, 8, 16]),
        (24, 8, vec![1, 2, 4, 8]),
    ];
    for (heads, kv_heads, expected) in table {
        let shape = dense([32, heads, kv_heads, 32_768], 16);
        let can: Vec<u32> = [1, 2, 4, 8, 16].into_iter().filter(|gpus| shape.can_be_cut(*gpus)).collect();
        assert_eq!(can, expected, "{heads} and {kv_heads}");
    }
    // 140 GB in 40 heads with 10 KV heads: 4 would do, and can't be
    let odd = dense([80, 40, 10, 32_768], 140);
    assert_eq!(told(&odd, ("H200", 8, None), Wanted::default()), "2 GPUs, context its own, fits");
    assert_eq!(told(&odd, ("H100", 8, None), Wanted::default()), "2 GPUs, context 16k, tight");
}

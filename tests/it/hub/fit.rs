//! `pi fit` of models that pi does not know by heart.

use super::lab::Lab;
use serde_json::Value;

const CONFIG: &[u8] = br#"{"model_type": "llama", "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "hidden_size": 4096, "max_position_embeddings": 65536}"#;

fn lab() -> Lab {
    let lab = Lab::new();
    // only what lies in the root is loaded
    let (weights, others) = (vec![0; 1 << 20], vec![0; 1 << 21]);
    let files: &[(&str, &[u8])] =
        &[("config.json", CONFIG), ("model.safetensors", &weights), ("original/x.safetensors", &others)];
    lab.repo("org/tuned", "{}", files);
    lab.repo("acme/gated", r#"{"gated": "manual"}"#, files);
    lab.repo("org/gguf", "{}", &[("config.json", CONFIG), ("a.gguf", b"weights")]);
    lab
}

#[test]
fn a_model_of_the_hub_is_read_from_its_config_and_the_sizes_of_its_files() {
    let lab = lab();
    let ran = lab.pi("fit org/tuned --gpu H100 --json", "");
    let fit: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    assert_eq!((&fit["source"], &fit["verdict"]), (&"config.json".into(), &"fits".into()));
    // two of 32 layers × 8 heads × 128 × 2 bytes
    assert_eq!(fit["kv_bytes_per_token"], 131_072);
    assert_eq!(fit["per_gpu"]["weights_gib"], 0.0);
    assert!(lab.pi("fit org/tuned --gpu H100", "").out.starts_with("org/tuned on 1× H100, vllm 0.32.0\n"));
}

#[test]
fn a_context_beyond_the_limit_of_its_config_is_an_error() {
    let lab = lab();
    let ran = lab.pi("fit org/tuned --gpu H100 --context 64001", "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let ran = lab.pi("fit org/tuned --gpu H100 --context 65537", "");
    assert!(
        ran.code == Some(1) && ran.err.contains("65537 of context is more than its own limit of 64k"),
        "{}",
        ran.err
    );
}

#[test]
fn what_the_hub_does_not_give_is_told() {
    let mut lab = lab();
    let table = [
        ("acme/gated", "", "it is gated, and no token was sent"),
        ("org/no-such", "", "pi has no numbers of `org/no-such`"),
        ("org/gguf", "", "it has no safetensors files in its root"),
        ("org/tuned@no-such", "", "it has no such revision"),
        ("no-such", "", "pi has no numbers of `no-such`"),
    ];
    for (model, token, said) in table {
        let ran = lab.pi(&format!("fit {model} --gpu H100"), token);
        assert!(ran.code != Some(0) && ran.err.contains(said), "{model}: {}{}", ran.out, ran.err);
    }
    assert_eq!(lab.pi("fit acme/gated --gpu H100", "hf_good").code, Some(0));
    lab.stop();
    let ran = lab.pi("fit org/tuned --gpu H100", "");
    assert!(ran.code == Some(1) && ran.err.contains("the hub was not asked"), "{}", ran.err);
    // what pi knows by heart needs no hub
    assert_eq!(lab.pi("fit Qwen/Qwen3-4B --gpu H100", "").code, Some(0));
}

use super::*;

fn limit(config: &str, line: &[&str]) -> Option<(u32, &'static str)> {
    let list: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
    Limit::of_config(config, &list).map(|limit| (limit.tokens().0, limit.key))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_limit_is_what_vllm_derives_from_config_json() {
    const MAX: &str = "max_position_embeddings";
    let table = [
        (r#"{"max_position_embeddings": 40960}"#, Some((40_960, MAX))),
        (r#"{"n_positions": 1024, "n_ctx": 2048}"#, Some((1024, "n_positions"))),
        (r#"{"max_seq_len": 65536}"#, Some((65_536, "max_seq_len"))),
        // the smallest of several, but Cohere's own word above all
        (r#"{"max_position_embeddings": 32768, "seq_length": 8192}"#, Some((8192, "seq_length"))),
        (
            r#"{"max_position_embeddings": 8192, "model_max_length": 131072}"#,
            Some((131_072, "model_max_length")),
        ),
        (
            r#"{"max_position_embeddings": 4096, "model_max_length": 1e30}"#,
            Some((u32::MAX, "model_max_length")),
        ),
        (
            r#"{"text_config": {"max_position_embeddings": 262144}, "max_position_embeddings": 512}"#,
            Some((262_144, MAX)),
        ),
        (r#"{"thinker_config": {"text_config": {"max_position_embeddings": 32768}}}"#, Some((32_768, MAX))),
        // gpt-oss, DeepSeek: original × factor
        (
            r#"{"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096}}"#,
            Some((131_072, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 163840, "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096}}"#,
            Some((163_840, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 32768, "rope_scaling": {"type": "yarn", "factor": 4}}"#,
            Some((131_072, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 2.5}}"#,
            Some((10_240, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 4096, "rope_scaling": {"type": "dynamic", "factor": 2.0}}"#,
            Some((8192, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 32768, "rope_scaling": {"type": "dynamic", "alpha": 1000.0}}"#,
            Some((32_768, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}}"#,
            Some((131_072, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 131072, "original_max_position_embeddings": 4096, "rope_scaling": {"type": "longrope", "factor": 32}}"#,
            Some((131_072, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 131072, "rope_scaling": {"type": "su", "factor": 32}}"#,
            Some((131_072, MAX)),
        ),
        (
            r#"{"text_config": {"max_position_embeddings": 128000, "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}}}"#,
            Some((128_000, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 40960, "rope_parameters": {"rope_type": "default", "rope_theta": 1000000}}"#,
            Some((40_960, MAX)),
        ),
        (r#"{"max_position_embeddings": 40960, "rope_scaling": null}"#, Some((40_960, MAX))),
        // Gemma 3 has scaled it already; Gemma 4 has an embedding for each type of layer
        (
            r#"{"text_config": {"model_type": "gemma3_text", "max_position_embeddings": 131072, "rope_scaling": {"rope_type": "linear", "factor": 8.0}}}"#,
            Some((131_072, MAX)),
        ),
        (
            r#"{"max_position_embeddings": 8192, "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 4.0}, "sliding_attention": {"rope_type": "default"}}}"#,
            Some((32_768, MAX)),
        ),
        // a window does not limit the context
        (r#"{"max_position_embeddings": 32768, "sliding_window": 4096}"#, Some((32_768, MAX))),
        // unknown: nothing is said
        (r#"{"vocab_size": 5}"#, None),
        (r#"{"max_position_embeddings": null}"#, None),
        (r#"{"text_config": {"vocab_size": 5}, "max_position_embeddings": 512}"#, None),
        ("[]", None),
        ("no", None),
    ];
    for (config, expected) in table {
        assert_eq!(limit(config, &[]), expected, "{config}");
    }
}

#[test]
fn arguments_that_change_the_model_change_its_limit() {
    let qwen = r#"{"max_position_embeddings": 40960, "sliding_window": 4096, "use_sliding_window": false}"#;
    let mistral = r#"{"max_position_embeddings": 32768, "sliding_window": 4096}"#;
    let vision = r#"{"text_config": {"max_position_embeddings": 40960}, "vision_config": {}}"#;
    let yarn = r#"{"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}}"#;
    let in_text = format!(r#"{{"text_config": {yarn}}}"#);
    let table: [(&str, &[&str], Option<u32>); 16] = [
        (qwen, &["--hf-overrides", yarn], Some(131_072)),
        (qwen, &["--hf_overrides", yarn], Some(131_072)),
        (
            qwen,
            &[
                "--rope-scaling",
                r#"{"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32768}"#,
            ],
            Some(65_536),
        ),
        (qwen, &[r#"--hf-overrides={"max_position_embeddings": 50000}"#], Some(50_000)),
        (qwen, &["--hf-overrides", r#"{"architectures": ["X"]}"#], Some(40_960)),
        (qwen, &["--hf-overrides", "my.module:override"], None),
        (qwen, &["--hf-overrides.rope_parameters.factor", "4"], None),
        (qwen, &["--config", "more.yaml"], None),
        (qwen, &["--hf-config-path", "other"], None),
        (qwen, &["--config-format", "mistral"], None),
        (qwen, &["--config-format", "auto"], Some(40_960)),
        (qwen, &["--disable-sliding-window"], Some(40_960)),
        (mistral, &["--disable-sliding-window"], Some(4096)),
        (vision, &["--hf-overrides", yarn], None),
        (vision, &["--hf-overrides", &in_text], Some(131_072)),
        (vision, &["--hf-overrides", r#"{"vision_config": {"x": 1}}"#], Some(40_960)),
    ];
    for (config, line, expected) in table {
        assert_eq!(limit(config, line).map(|(tokens, _)| tokens), expected, "{line:?}");
    }
}

#[test]
fn what_is_asked_is_read_as_vllm_does_and_refused_beyond_the_limit() {
    let limit = Limit::of_tokens(40_960, &[]).unwrap();
    let table = [
        ("40960", Some(40_960), false),
        ("40961", Some(40_961), true),
        ("40k", Some(40_000), false),
        ("40K", Some(40_960), false),
        ("128k", Some(128_000), true),
        ("1M", Some(1_048_576), true),
        ("25.6k", Some(25_600), false),
        ("auto", None, false),
        ("-1", None, false),
    ];
    for (text, tokens, refused) in table {
        let asked = asked(&["--max-model-len".to_owned(), text.to_owned()]);
        assert_eq!(asked.map(|asked| asked.0), tokens, "{text}");
        assert_eq!(asked.is_some_and(|asked| limit.refuses(asked)), refused, "{text}");
    }
    let cohere = r#"{"max_position_embeddings": 8192, "model_max_length": 131072}"#;
    assert!(!Limit::of_config(cohere, &[]).unwrap().refuses(Tokens(131_072)));
    assert!(is_lifted("1") && is_lifted(" True") && !is_lifted("0") && !is_lifted(""));
}

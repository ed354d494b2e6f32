use super::*;

fn at(version: &str) -> Version {
    Version::parse(version).unwrap()
}

#[test]
fn words_are_known_from_their_first_to_their_last_version() {
    let table = [
        (Word::Flag, "--nnodes", "0.11.0", false),
        (Word::Flag, "--nnodes", "0.11.1", true),
        (Word::Flag, "--task", "0.12.0", true),
        (Word::Flag, "--task", "0.13.0", false),
        (Word::Flag, "--disable-log-requests", "0.16.0", true),
        (Word::Flag, "--disable-log-requests", "0.17.0", false),
        (Word::Flag, "--calculate-kv-scales", "0.27.1", true),
        (Word::Flag, "--calculate-kv-scales", "0.28.0", false),
        (Word::Flag, "--tensor-parallel-size", "0.50.0", true),
        (Word::Flag, "--tokenizer_mode", "0.32.0", true),
        (Word::Flag, "--kernel-config.enable_flashinfer_autotune=False", "0.32.0", true),
        (Word::Flag, "--no-enable-prefix-caching", "0.32.0", true),
        (Word::Flag, "-tp", "0.32.0", true),
        (Word::Flag, "--no-such-flag", "0.32.0", false),
        (Word::Env, "VLLM_ATTENTION_BACKEND", "0.14.1", true),
        (Word::Env, "VLLM_ATTENTION_BACKEND", "0.15.0", false),
        (Word::ToolParser, "glm45", "0.10.0", false),
        (Word::ToolParser, "glm45", "0.10.1", true),
        (Word::ReasoningParser, "openai_gptoss", "0.32.0", true),
        (Word::ToolParser, "qwen3_codr", "0.32.0", false),
        (Word::Architecture, "GptOssForCausalLM", "0.10.0", false),
        (Word::Architecture, "GptOssForCausalLM", "0.32.0", true),
    ];
    for (kind, word, version, expected) in table {
        assert_eq!(known(kind, word, &at(version)), expected, "{word} in {version}");
    }
    assert!(is_vllm_variable("VLLM_NEW") && !is_vllm_variable("NCCL_DEBUG"));
}

#[test]
fn flags_are_refused_only_where_no_spelling_of_theirs_is_known() {
    let table = [
        ("--max-num-sequences", "0.32.0", true),
        ("--max-num-sequences=8", "0.32.0", true),
        ("--max_num_seqs", "0.32.0", false),
        ("--max-num-seqs=8", "0.32.0", false),
        ("--max-num-s", "0.32.0", false),
        ("--tensor-parallel", "0.32.0", false),
        ("--no-enable-prefix-caching", "0.32.0", false),
        ("--no-enable-pref", "0.32.0", false),
        ("--no-enable-prefixes", "0.32.0", true),
        ("--hf-overrides.rope_parameters.factor", "0.32.0", false),
        ("--hf-overide.rope_parameters.factor", "0.32.0", true),
        ("--kernel-config.x+=1", "0.32.0", false),
        ("-tp", "0.32.0", false),
        ("-tp=2", "0.32.0", false),
        ("-dc", "0.32.0", false),
        ("-cc.mode=3", "0.32.0", false),
        ("-O3", "0.32.0", false),
        ("-O.mode=3", "0.10.0", false),
        ("-n2", "0.32.0", false),
        ("-ngl", "0.32.0", false),
        ("-zz", "0.32.0", true),
        ("--", "0.32.0", false),
        ("8", "0.32.0", false),
        ("--- a title", "0.32.0", false),
        ("--task", "0.32.0", true),
        ("--task", "0.12.0", false),
        ("--swap-space", "0.9.2", false),
        ("--anything", "0.9.2", false),
        ("--anything", "0.34.0", false),
        ("--anything", "0.33.1", false),
        ("--anything", "0.33.0", true),
        // between wheels that were read: what came with the next one may be there
        ("--attention-backend", "0.12.0", true),
        ("--attention-backend", "0.12.1", false),
        ("--task", "0.12.1", false),
    ];
    for (word, version, expected) in table {
        assert_eq!(refuses(&at(version), word), expected, "{word} in {version}");
    }
}

#[test]
fn every_flag_of_a_version_is_taken_by_it() {
    for wheel in &KNOWN.wheels {
        for flag in of(wheel) {
            for word in [flag.to_owned(), flag.replace('-', "_").replacen("__", "--", 1), format!("{flag}=1")]
            {
                assert!(!refuses(wheel, &word), "{word} in {wheel}");
            }
        }
    }
}

#[test]
fn the_nearest_flag_is_of_the_same_version() {
    let table = [
        ("--max-num-sequences", Some("--max-num-seqs")),
        ("--max-model-length", Some("--max-model-len")),
        ("--gpu-memory-utilisation=0.9", Some("--gpu-memory-utilization")),
        ("--enforce-eagre", Some("--enforce-eager")),
        ("--zzzzzzzzzzzzzzzz", None),
    ];
    for (flag, expected) in table {
        assert_eq!(nearest(&at("0.32.0"), flag), expected, "{flag}");
    }
}

#[test]
fn every_line_of_the_file_is_read() {
    let text = include_str!("../../../data/vllm-known.txt");
    let words = text.lines().filter(|l| !l.starts_with(['#', '['])).count() - 27;
    assert_eq!(KNOWN.words.len(), words);
    assert!(KNOWN.words.values().all(|span| span.gone.as_ref().is_none_or(|gone| span.first < *gone)));
}

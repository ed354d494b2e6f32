//! `pi fit` as people read it: the fewest GPUs that hold a model beside what the catalog recommends, and kinds of GPU
//! that come in machines of fewer than eight.

use crate::workplace::Workplace;
use pi::catalog::gpus;

#[test]
fn the_fewest_gpus_and_what_the_catalog_recommends_are_both_told() {
    let place = Workplace::new();
    let fit = |line: &str| place.pi(&format!("fit {line}")).out;
    let table = [
        (
            "openai/gpt-oss-120b --gpu H100",
            "\nrecommended by the catalog: 2: vLLM's recipes verify it on 2 × H100\nfewest that hold it: 2, with 32k of context\n",
        ),
        ("openai/gpt-oss-120b --gpu H100-NVL", "\nfewest that hold it: 1, with 32k of context\n"),
        (
            "Qwen/Qwen2.5-Coder-32B-Instruct --gpu H100",
            "\nrecommended by the catalog: 2: it fits 2 × H100 by arithmetic\nfewest that hold it: 2, with 32k of context\n",
        ),
        ("openai/gpt-oss-120b", "2× H100-NVL       fits    2.53M tokens, 19.3 × 128k  (1 holds 32k)\n"),
        (
            "openai/gpt-oss-120b",
            "what the catalog recommends, `--gpu` says why; in parentheses the fewest that hold it.",
        ),
    ];
    for (line, told) in table {
        let text = fit(line);
        assert!(text.contains(told), "{line}: {told}\n{text}");
    }
    // whoever says how many has chosen, and what does not fit is recommended by nobody
    for line in [
        "openai/gpt-oss-120b --gpu 2xH100",
        "openai/gpt-oss-120b --gpu H100 --gpus 2",
        "zai-org/GLM-4.5-Air --gpu GH200",
    ] {
        let text = fit(line);
        assert!(!text.contains("recommended") && !text.contains("fewest"), "{line}\n{text}");
    }
}

#[test]
fn kinds_that_come_in_smaller_machines_are_not_multiplied_by_eight() {
    let most = [("GB10", 1), ("GH200", 1), ("GB200", 4), ("GB300", 4)];
    for (key, gpus) in most {
        assert_eq!(gpus::find(key).map(|gpu| gpu.per_machine), Some(gpus), "{key}");
    }
    let place = Workplace::new();
    // some fit one of them, some none
    for model in [
        "openai/gpt-oss-20b",
        "zai-org/GLM-4.5-Air",
        "meta-llama/Llama-3.3-70B-Instruct",
        "deepseek-ai/DeepSeek-R1",
    ] {
        let overview = place.pi(&format!("fit {model}")).exits(0).out;
        for (key, most) in most {
            let line = overview.lines().find(|line| line.contains(&format!("× {key} "))).unwrap();
            let count: u32 = line.trim_start().split('×').next().unwrap().parse().unwrap();
            assert!(count <= most, "{model}: {line}");
            // nor is it advised to take more
            let text = place.pi(&format!("fit {model} --gpu {key}")).out;
            for more in [2, 4, 8, 16].into_iter().filter(|more| *more > most) {
                assert!(!text.contains(&format!("{more} GPUs:")), "{model} on {key}\n{text}");
            }
        }
    }
}

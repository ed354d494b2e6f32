//! The estimate's properties, and cases that people will meet.

use super::*;
use crate::catalog::recipe::{Ask, Parallel};
use crate::catalog::{Version, gpus, models};
use crate::fit::choose::{Wanted, all, choose};
use crate::units::Tokens;
use proptest::prelude::*;

fn shape(repo: &str) -> Shape {
    from_recipe::shape(models::find(repo).unwrap()).unwrap()
}

fn on(gpu: &str, tp: u32) -> Setup {
    let gpu = gpus::find(gpu).unwrap();
    let setup = Setup::new(&gpu.smi_name, gpu.torch_gib, &Version::from_minor(0, 32));
    Setup { parallel: Parallel { tp, pp: 1, dp: 1 }, ..setup }
}

/// The estimate's line and, under it, what to try.
fn told(repo: &str, gpu: &str, setup: &Setup) -> String {
    let (recipe, shape) = (models::find(repo).unwrap(), shape(repo));
    let fit = fit(&shape, setup);
    let case = Case { shape: &shape, recipe: Some(recipe), gpu: gpus::find(gpu), setup, pool_gib: None };
    let tries: Vec<String> = tries(case, &fit).iter().map(|t| format!("\n  try {t}")).collect();
    format!("{}{}", text::Line(&fit), tries.concat())
}

#[test]
fn glm_air_on_two_h100_does_not_fit_and_what_would_is_told() {
    insta::assert_snapshot!(told("zai-org/GLM-4.5-Air", "H100", &on("H100", 2)));
}

#[test]
fn gpt_oss_120b_on_one_h100_is_tight_and_why() {
    insta::assert_snapshot!(told("openai/gpt-oss-120b", "H100", &on("H100", 1)));
    let fit = fit(&shape("openai/gpt-oss-120b"), &Setup { context: Some(Tokens(131_072)), ..on("H100", 1) });
    assert_eq!(fit.verdict, Verdict::Tight);
    insta::assert_snapshot!(text::Why(&fit));
}

#[test]
fn a_plan_shows_one_line() {
    let setup = Setup { context: Some(Tokens(32_768)), ..on("H100", 2) };
    insta::assert_snapshot!(told("Qwen/Qwen2.5-Coder-32B-Instruct", "H100", &setup));
}

#[test]
fn the_choice_follows_what_fits() {
    let version = Version::from_minor(0, 32);
    let table = [
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "H100", 8, 2),
        ("Qwen/Qwen2.5-Coder-32B-Instruct", "H200", 8, 1),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "H200", 8, 1),
        ("openai/gpt-oss-20b", "RTX 5090", 1, 1),
        ("openai/gpt-oss-120b", "H100", 8, 2),
        ("openai/gpt-oss-120b", "H100", 1, 1),
        ("zai-org/GLM-4.5-Air", "H100", 8, 4),
        ("zai-org/GLM-4.5-Air-FP8", "H100", 8, 2),
        ("zai-org/GLM-4.5-FP8", "H100", 8, 8),
        ("zai-org/GLM-4.5", "H200", 8, 8),
        ("moonshotai/Kimi-K2-Instruct", "B200", 8, 8),
        ("meta-llama/Llama-3.1-8B-Instruct", "L4", 4, 2),
    ];
    for (repo, gpu, available, expected) in table {
        let ask = Ask { gpu: gpus::find(gpu).unwrap(), available, gpus: None, version: &version };
        let chosen = choose(models::find(repo).unwrap(), ask, Wanted::default()).unwrap();
        assert_eq!(chosen.choice.parallel.gpus(), expected, "{repo} on {available} × {gpu}");
    }
}

#[test]
fn what_a_user_says_wins_over_the_recipe() {
    let version = Version::from_minor(0, 32);
    let ask = Ask { gpu: gpus::find("H100").unwrap(), available: 1, gpus: None, version: &version };
    let args = ["--kv-cache-dtype=fp8", "--max-num-batched-tokens", "2048"].map(str::to_owned);
    let wanted = Wanted { context: Some(Tokens(8192)), memory: None, args: &args };
    let chosen = choose(models::find("openai/gpt-oss-120b").unwrap(), ask, wanted).unwrap();
    assert_eq!(chosen.choice.parallel, Parallel::ONE);
    assert!(chosen.setup.fp8_cache && chosen.setup.batched_tokens == 2048);
    assert_eq!(chosen.setup.context, Some(Tokens(8192)));
    // the recipe's own: 95% of the memory on one H100
    assert!((chosen.setup.memory - 0.95).abs() < 1e-9);
}

#[test]
fn what_fits_a_small_card_is_listed() {
    let version = Version::from_minor(0, 32);
    let ask = Ask { gpu: gpus::find("RTX 4090").unwrap(), available: 1, gpus: None, version: &version };
    let fits = |chosen: &Chosen| chosen.fit.as_ref().is_some_and(|fit| fit.verdict == Verdict::Fits);
    let ids: Vec<&str> =
        all(ask).filter(|(_, chosen)| fits(chosen)).map(|(recipe, _)| recipe.id.as_str()).collect();
    assert!(ids.contains(&"openai/gpt-oss-20b") && ids.contains(&"Qwen/Qwen3-4B"), "{ids:?}");
    assert!(!ids.contains(&"Qwen/Qwen2.5-Coder-32B-Instruct"), "{ids:?}");
}

#[test]
fn the_pool_of_a_log_replaces_the_estimate() {
    let setup = Setup { context: Some(Tokens(131_072)), ..on("H100", 1) };
    let fit = fit_pool(&shape("openai/gpt-oss-120b"), &setup, 1.71);
    assert_eq!((fit.verdict, fit.source), (Verdict::DoesNotFit, Source::Measured));
    let shorter = fit_pool(&shape("openai/gpt-oss-120b"), &on("H100", 1), 1.71);
    assert_eq!(shorter.verdict, Verdict::Fits);
    assert!((16_384..65_536).contains(&shorter.context.0), "{}", shorter.context);
}

#[test]
fn the_report_has_exactly_the_promised_fields() {
    let setup = on("H100", 2);
    let (recipe, shape) = (models::find("zai-org/GLM-4.5-Air").unwrap(), shape("zai-org/GLM-4.5-Air"));
    let fit = fit(&shape, &setup);
    let case =
        Case { shape: &shape, recipe: Some(recipe), gpu: gpus::find("H100"), setup: &setup, pool_gib: None };
    let json = report::report(&fit, &tries(case, &fit));
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn what_is_tried_is_better_and_what_fits_has_nothing_to_try() {
    for recipe in models::all() {
        let Some(shape) = from_recipe::shape(recipe) else { continue };
        for (gpu, tp) in [("H100", 1), ("H100", 8), ("RTX 4090", 1), ("B200", 4)] {
            let setup = on(gpu, tp);
            let fit = fit(&shape, &setup);
            let case = Case {
                shape: &shape,
                recipe: Some(recipe),
                gpu: gpus::find(gpu),
                setup: &setup,
                pool_gib: None,
            };
            let tries = tries(case, &fit);
            assert!(fit.verdict != Verdict::Fits || tries.is_empty(), "{}", recipe.id);
            assert!(tries.iter().all(|t| t.fit.verdict < fit.verdict), "{}", recipe.id);
        }
    }
}

/// A shape of each kind.
const KINDS: [&str; 9] = [
    "Qwen/Qwen2.5-Coder-32B-Instruct",
    "openai/gpt-oss-20b",
    "google/gemma-4-31B-it",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    "moonshotai/Kimi-K2.5",
    "zai-org/GLM-5.2-FP8",
    "Qwen/Qwen3.6-27B",
    "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-NVFP4",
    "moonshotai/Kimi-Linear-48B-A3B-Instruct",
];

proptest! {
    #[test]
    fn more_memory_never_holds_less(kind in 0..KINDS.len(), gib in 1.0..300.0_f64, more in 0.0..100.0_f64, k in 1..512_u32) {
        let shape = shape(KINDS[kind]);
        let at = |gib: f64| fit(&shape, &Setup { total_gib: gib, context: Some(Tokens(k * 1024)), ..on("H100", 1) });
        let (less, more) = (at(gib), at(gib + more));
        prop_assert!(more.tokens >= less.tokens && more.verdict <= less.verdict);
        prop_assert!(more.concurrency >= less.concurrency);
    }

    #[test]
    fn longer_requests_never_need_less(kind in 0..KINDS.len(), k in 1..512_u32, more in 0..512_u32) {
        let shape = shape(KINDS[kind]);
        let at = |k: u32| fit(&shape, &Setup { context: Some(Tokens(k * 1024)), ..on("B200", 4) });
        let (short, long) = (at(k), at(k + more));
        prop_assert!(long.needed_gib >= short.needed_gib && long.verdict >= short.verdict);
        prop_assert!(long.concurrency <= short.concurrency);
    }

    #[test]
    fn a_finer_cut_never_takes_more_of_a_gpu(kind in 0..KINDS.len(), power in 0..4_u32, k in 1..256_u32) {
        let shape = shape(KINDS[kind]);
        let at = |tp: u32| fit(&shape, &Setup { context: Some(Tokens(k * 1024)), ..on("H200", tp) });
        let (coarse, fine) = (at(1 << power), at(2 << power));
        prop_assert!(fine.per_gpu.weights_gib < coarse.per_gpu.weights_gib);
        prop_assert!(fine.kv_bytes_per_token <= coarse.kv_bytes_per_token);
    }

    #[test]
    fn the_longest_request_fits_and_one_more_token_does_not(kind in 0..KINDS.len(), gib in 1.0..60.0_f64) {
        let shape = shape(KINDS[kind]);
        let setup = on("H100", 1);
        let pool = setup.pool(&shape);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test's number")]
        let bytes = (gib * f64::from(1 << 30)) as u64;
        let longest = pool.longest(bytes, 10_000_000);
        prop_assert!(longest == 0 || pool.least_bytes(longest) <= bytes);
        prop_assert!(longest == 10_000_000 || pool.least_bytes(longest + 1) > bytes);
    }

    #[test]
    fn an_fp8_cache_never_holds_less(kind in 0..KINDS.len(), k in 1..256_u32) {
        let shape = shape(KINDS[kind]);
        let at = |fp8_cache| fit(&shape, &Setup { fp8_cache, context: Some(Tokens(k * 1024)), ..on("B200", 8) });
        prop_assert!(at(true).kv_bytes_per_token <= at(false).kv_bytes_per_token);
    }
}

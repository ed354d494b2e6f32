//! How estimates read, against golden texts.

use super::*;
use crate::catalog::recipe::Parallel;
use crate::catalog::{Version, gpus, models};
use crate::fit::{Case, Setup, fit, fit_pool, from_recipe, tries};
use crate::units::Tokens;

/// The whole table for a model on so many GPUs; with the engine's own number where there is one.
fn table(repo: &str, gpu: &str, gpus: u32, context: Option<u32>, pool: Option<f64>) -> String {
    let (recipe, gpu) = (models::find(repo).unwrap(), gpus::find(gpu).unwrap());
    let shape = from_recipe::shape(recipe).unwrap();
    let setup = Setup {
        parallel: Parallel { tp: gpus, pp: 1, dp: 1 },
        context: context.map(Tokens),
        ..Setup::new(&gpu.smi_name, gpu.torch_gib, &Version::from_minor(0, 32))
    };
    let fit = pool.map_or_else(|| fit(&shape, &setup), |gib| fit_pool(&shape, &setup, gib));
    let case = Case { shape: &shape, recipe: Some(recipe), gpu: Some(gpu), setup: &setup, pool_gib: pool };
    let tries = tries(case, &fit);
    format!("{}\n\n{}", Line(&fit), Table { fit: &fit, tries: &tries })
}

#[test]
fn what_fits_reads_well() {
    insta::assert_snapshot!(table("Qwen/Qwen2.5-Coder-32B-Instruct", "H100", 2, Some(32_768), None));
}

#[test]
fn what_is_tight_reads_well() {
    insta::assert_snapshot!(table("openai/gpt-oss-120b", "H100", 1, Some(131_072), None));
}

#[test]
fn what_does_not_fit_reads_well() {
    insta::assert_snapshot!(table("zai-org/GLM-4.5-Air", "H100", 2, None, None));
}

#[test]
fn a_given_pool_reads_well() {
    insta::assert_snapshot!(table("openai/gpt-oss-120b", "H100", 1, Some(131_072), Some(1.71)));
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    for recipe in models::all().iter().filter(|recipe| recipe.kv.is_some()) {
        for (gpu, gpus) in [("H100", 1), ("H100", 8), ("RTX 4090", 1)] {
            let text = table(&recipe.id, gpu, gpus, None, None);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(100), "{text}");
        }
    }
}

#[test]
fn tokens_are_shown_in_short() {
    for (tokens, shown) in [(960, "960"), (9_999, "9999"), (321_126, "321k"), (1_179_648, "1.18M")] {
        assert_eq!(Short(tokens).to_string(), shown);
    }
}

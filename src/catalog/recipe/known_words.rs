//! From one way to a [`Choice`]: only words that the version knows and that make sense on the GPU.

use super::ways::Way;
use super::{Ask, Choice};
use crate::catalog::args::{self, Arg};
use crate::catalog::flags::{Word, is_vllm_variable, known};
use crate::catalog::models::{Recipe, Status};
use crate::units::Tokens;
use std::collections::BTreeMap;

/// Blocks into which FP8 checkpoints of the `fp8-block128` kind are scaled (`weight_block_size` of `config.json`).
const FP8_BLOCK: u32 = 128;

/// What a way needs on the command line.
pub(super) fn choice(recipe: &Recipe, way: &Way<'_>, ask: Ask<'_>) -> Choice {
    let config = way.config;
    let exact = config.filter(|_| way.exact);
    let mut choice = Choice {
        parallel: way.parallel,
        context: exact.and_then(|c| c.context).or(recipe.context).map(Tokens),
        memory: exact.and_then(|c| c.memory).or(recipe.memory),
        tools: None,
        reasoning: None,
        args: Vec::new(),
        env: BTreeMap::new(),
        status: exact.map(|c| c.status),
        last_resort: exact.is_some_and(|c| c.last_resort),
        reasons: vec![spread_reason(recipe, way, ask)],
        warnings: exact.and_then(|c| c.note.clone()).into_iter().collect(),
    };
    parsers(recipe, ask, &mut choice);
    arguments(recipe, way, ask, &mut choice);
    variables(recipe, ask, &mut choice);
    precision(recipe, ask, &mut choice);
    choice
}

fn spread_reason(recipe: &Recipe, way: &Way<'_>, ask: Ask<'_>) -> String {
    let place = format!("{} × {}", way.parallel.gpus(), ask.gpu.key);
    match way.config.filter(|_| way.exact).map(|config| config.status) {
        Some(Status::RecipeVerified) => format!("vLLM's recipes verify it on {place}"),
        Some(Status::LogVerified) => format!("a published log shows it on {place}"),
        Some(Status::Recipe) => format!("vLLM's recipes give it for {place}"),
        Some(Status::Computed) => format!("it fits {place} by arithmetic"),
        Some(Status::Ancestor) => format!("pi's predecessor ran it on {place}"),
        Some(Status::Unverified) => format!("it should fit {place}; nobody has checked"),
        None if recipe.verified.iter().any(|key| key == ask.gpu.recipe_key()) => {
            format!("its publishers have seen it on {}", ask.gpu.key)
        }
        None => format!("derived for {place}"),
    }
}

/// Parsers, as far as the version has them.
fn parsers(recipe: &Recipe, ask: Ask<'_>, choice: &mut Choice) {
    let has = |kind, parser: &&String| known(kind, parser, ask.version);
    choice.tools = recipe.tools.as_ref().filter(|parser| has(Word::ToolParser, parser)).cloned();
    choice.reasoning = recipe.reasoning.as_ref().filter(|parser| has(Word::ReasoningParser, parser)).cloned();
    let missing =
        [("tool calls", &recipe.tools, &choice.tools), ("reasoning", &recipe.reasoning, &choice.reasoning)];
    for (what, wanted, kept) in missing {
        if let (Some(parser), None) = (wanted, kept) {
            let version = ask.version;
            choice.warnings.push(format!("vLLM {version} does not know the parser {parser}: no {what}"));
        }
    }
}

/// The configuration's own arguments, else the model's; what the version does not know is left out.
fn arguments(recipe: &Recipe, way: &Way<'_>, ask: Ask<'_>, choice: &mut Choice) {
    let mut list = recipe.args.clone();
    list.extend(way.config.into_iter().flat_map(|config| config.args.clone()));
    for arg in args::split(&list) {
        if let Some(why) = refused(&arg, ask) {
            choice.reasons.push(format!("without {}: {why}", arg.flag));
        } else if !choice.args.contains(&arg.flag) {
            choice.args.extend(arg.words);
        }
    }
    if expert_blocks_are_cut(recipe, way)
        && !choice.args.iter().any(|word| word == "--enable-expert-parallel")
    {
        choice.args.push("--enable-expert-parallel".to_owned());
        let ffn = recipe.expert_ffn.unwrap_or(0);
        choice.reasons.push(format!(
            "--enable-expert-parallel: experts of {ffn} can't be cut into {} pieces of whole {FP8_BLOCK}-blocks",
            way.parallel.tp
        ));
    }
    if !ask.gpu.bf16 && args::value(&choice.args, "--dtype").is_none() {
        choice.args.extend(["--dtype", "half"].map(str::to_owned));
        choice.reasons.push(format!("--dtype half: {} does not compute in bfloat16", ask.gpu.key));
    }
}

/// Why an argument must not be handed over.
fn refused(arg: &Arg, ask: Ask<'_>) -> Option<String> {
    if !known(Word::Flag, &arg.flag, ask.version) {
        return Some(format!("vLLM {} does not know it", ask.version));
    }
    // the Triton kernels for FP8 keys and values refuse sm_80 and sm_86 (data/gpus.toml)
    let fp8_cache = arg.flag == "--kv-cache-dtype" && arg.words.iter().any(|word| word.contains("fp8"));
    (fp8_cache && !ask.gpu.fp8).then(|| format!("{} does not compute in FP8", ask.gpu.key))
}

/// Variables that this version reads; those for AMD only on AMD.
fn variables(recipe: &Recipe, ask: Ask<'_>, choice: &mut Choice) {
    let amd_only = |name: &str| name.contains("ROCM") || name.contains("AITER");
    let nvidia = ask.gpu.capability().is_some();
    for (name, value) in &recipe.env {
        let dead = is_vllm_variable(name.as_str()) && !known(Word::Env, name.as_str(), ask.version);
        if dead {
            choice.reasons.push(format!("without {name}: vLLM {} does not know it", ask.version));
        } else if !(nvidia && amd_only(name.as_str())) {
            choice.env.extend([(name.clone(), value.clone())]);
        }
    }
}

/// Whether tensor parallelism would cut an FP8 block in two, which vLLM refuses.
fn expert_blocks_are_cut(recipe: &Recipe, way: &Way<'_>) -> bool {
    let tp = way.parallel.tp.max(1);
    recipe.expert_ffn.is_some_and(|ffn| !ffn.is_multiple_of(tp) || !(ffn / tp).is_multiple_of(FP8_BLOCK))
}

/// Says when the GPU can't compute in what the weights are stored in, unless it is known to do well.
fn precision(recipe: &Recipe, ask: Ask<'_>, choice: &mut Choice) {
    if choice.is_proven() {
        return;
    }
    let gpu = ask.gpu;
    let fp4 = recipe.precision.ends_with("fp4");
    let slow = fp4 && !gpu.fp4 || recipe.precision.contains("fp8") && !gpu.fp8;
    if slow {
        let precision = recipe.precision.to_uppercase();
        choice.warnings.push(format!(
            "{} does not compute in {precision}: the weights are unpacked as they are used, which saves memory but no time",
            gpu.key
        ));
    }
}

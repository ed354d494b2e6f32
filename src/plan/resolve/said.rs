//! What the manifest says of a server, in a key or in its arguments, which come last and count.

use crate::catalog::recipe::SIZES;
use crate::catalog::{Version, args, engines};
use crate::manifest::{EngineKind, Model};
use crate::model_ref::ModelRef;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::engine;
use crate::units::{Percent, Tokens};

/// Whether both are of one repository.
pub(in crate::plan) fn same_weights(one: &ModelRef, other: &ModelRef) -> bool {
    match (one, other) {
        (ModelRef::Hub { repo, .. }, ModelRef::Hub { repo: other, .. }) => repo == other,
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => one == other,
    }
}

/// GPUs that the user's own arguments spread it over.
pub(in crate::plan) fn spread_by_args(model: &Model) -> Option<usize> {
    if model.engine.kind != EngineKind::Vllm {
        return None;
    }
    let sizes = SIZES.map(|flag| args::value(&model.args, flag).and_then(|size| size.parse::<usize>().ok()));
    sizes.iter().any(Option::is_some).then(|| sizes.iter().flatten().product())
}

/// The share of memory that the manifest asks for; in its arguments it comes last and counts.
pub(in crate::plan) fn memory(model: &Model) -> Option<Percent> {
    let share = args_value::<f64>(model, "--gpu-memory-utilization");
    share.and_then(|share| Percent::parse(&format!("{:.2}%", share * 100.0)).ok()).or(model.memory)
}

/// The context that its arguments name.
pub(in crate::plan) fn context(model: &Model) -> Option<Tokens> {
    args_value(model, "--max-model-len").map(Tokens)
}

fn args_value<T: std::str::FromStr>(model: &Model, flag: &str) -> Option<T> {
    let value = args::value(&model.args, flag).filter(|_| model.engine.kind == EngineKind::Vllm)?;
    value.parse().ok()
}

/// Which vLLM a model's choice of an engine comes to, as far as can be told; none for other engines.
pub(in crate::plan) fn version(site: &PodContext<'_>, model: &Model) -> Option<Version> {
    let choice = &model.engine;
    if choice.kind != EngineKind::Vllm {
        return None;
    }
    let Some(build) = &choice.build else {
        return Some(engines::resolve(engine::wanted_version(site.pod, choice)));
    };
    let pinned = build.packages.iter().filter(|package| package.starts_with("vllm"));
    pinned.filter_map(|package| Version::parse(package.split_once("==")?.1)).next_back()
}

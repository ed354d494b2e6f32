//! Whether a server will fit into its GPUs' memory, as far as the catalogue knows its model.

use crate::catalog::recipe::Choice;
use crate::catalog::version::Version;
use crate::catalog::{args, engines, gpus, models};
use crate::fit::text::Line;
use crate::fit::{Case, Fit, Setup, Verdict, fit, from_recipe, tries};
use crate::manifest::{EngineKind, EngineVersion, Model};
use crate::model_ref::ModelRef;
use crate::plan::command_line::engine_args;
use crate::plan::finding::{Finding, Severity};
use crate::plan::view::{GpuView, PodView};
use crate::plan::{Site, pick};
use crate::spec::ServerSpec;
use crate::units::Tokens;

/// How many alternatives a finding names.
const TOLD: usize = 3;
/// Context that most work wants.
const USEFUL: Tokens = Tokens(32_768);

/// The estimate for a vLLM server on these GPUs of its pod; none for other engines, for models that the catalogue does
/// not know, and where the GPUs are not all of one kind.
#[must_use]
pub fn fit_of(spec: &ServerSpec, pod: &[GpuView]) -> Option<Fit> {
    estimate(spec, pod).map(|(_, fit)| fit)
}

/// What stands against starting the server, or makes it uncertain.
pub(super) fn findings(site: &Site<'_>, spec: &ServerSpec, model: &Model) -> Vec<Finding> {
    let view = PodView::new(site.pod, Some(site.facts));
    let Some((setup, fit)) = estimate(spec, &view.gpus) else { return Vec::new() };
    let (severity, code) = match fit.verdict {
        Verdict::Fits => return shortened(site, spec, model).into_iter().collect(),
        // others have seen it run
        Verdict::Tight if picked(site, spec, model).is_some_and(|it| it.is_proven()) => {
            (Severity::Note, "tight")
        }
        Verdict::Tight => (Severity::Warning, "tight"),
        Verdict::DoesNotFit => (Severity::Error, "does-not-fit"),
    };
    let finding = Finding::on(severity, code, site.name, Line(&fit).to_string()).of(&spec.name);
    vec![with_help(finding, instead(spec, &view.gpus, (&setup, &fit), None))]
}

/// Less context than most work wants, or a way that is the last resort, because there is no room for more: that is pi's
/// choice and has to be told.
fn shortened(site: &Site<'_>, spec: &ServerSpec, model: &Model) -> Option<Finding> {
    let (context, own) = (spec.context?, recipe(spec)?.max_context());
    let last_resort = picked(site, spec, model)?.last_resort;
    let hoped = if last_resort { own } else { USEFUL.min(own) };
    if context >= hoped {
        return None;
    }
    let view = PodView::new(site.pod, Some(site.facts));
    let more = ServerSpec { context: Some(hoped), ..spec.clone() };
    let (setup, fit) = estimate(&more, &view.gpus).filter(|(_, fit)| fit.verdict != Verdict::Fits)?;
    let severity = if last_resort || context.0 * 2 < hoped.0 { Severity::Warning } else { Severity::Note };
    let message = format!("pi gives it {context} of context; {}", Line(&fit));
    let finding = Finding::on(severity, "short-context", site.name, message).of(&spec.name);
    Some(with_help(finding, instead(&more, &view.gpus, (&setup, &fit), Some(context))))
}

/// The catalogue's choice, where the context is its own and not the user's.
fn picked(site: &Site<'_>, spec: &ServerSpec, model: &Model) -> Option<Choice> {
    let said = model.context.is_some() || args::value(&model.args, "--max-model-len").is_some();
    let chosen = pick::chosen_at(site, model, &spec.gpus).filter(|_| !said)?;
    chosen.ok().map(|chosen| chosen.choice)
}

/// What to try instead of something that does not surely fit, besides the context it has anyway.
fn instead(
    spec: &ServerSpec,
    pod: &[GpuView],
    (setup, fit): (&Setup, &Fit),
    has: Option<Tokens>,
) -> Option<String> {
    let recipe = recipe(spec)?;
    let shape = from_recipe::shape(recipe)?;
    let first = pod.get(*spec.gpus.first()? as usize)?;
    let gpu = gpus::seen(&first.name, first.memory_mib);
    let mut found = tries(Case { shape: &shape, recipe: Some(recipe), gpu, setup, pool_gib: None }, fit);
    found.retain(|it| has.is_none() || it.context != has);
    let found: Vec<String> = found.iter().take(TOLD).map(ToString::to_string).collect();
    (!found.is_empty()).then(|| format!("try {}", found.join("; or ")))
}

fn with_help(finding: Finding, help: Option<String>) -> Finding {
    match help {
        None => finding,
        Some(help) => finding.help(help),
    }
}

fn estimate(spec: &ServerSpec, pod: &[GpuView]) -> Option<(Setup, Fit)> {
    if spec.kind != EngineKind::Vllm {
        return None;
    }
    let recipe = recipe(spec)?;
    let shape = from_recipe::shape(recipe)?;
    let own = spec.gpus.iter().map(|index| pod.get(*index as usize)).collect::<Option<Vec<_>>>()?;
    let first = *own.first()?;
    if own.iter().any(|gpu| *gpu != first) {
        return None;
    }
    let total = gpus::torch_gib(&first.name, first.memory_mib);
    let setup = Setup::new(&first.name, total, &version(spec)).with_args(&engine_args(spec));
    // vLLM takes the model's own context where nobody says one, and does not start if that is too much
    let context = setup.context.unwrap_or(Tokens(recipe.max_context));
    let setup = Setup { context: Some(context), ..setup };
    Some((setup, fit(&shape, &setup)))
}

pub(super) fn recipe(spec: &ServerSpec) -> Option<&'static models::Recipe> {
    match &spec.model {
        ModelRef::Hub { repo, .. } => models::find(repo.as_str()),
        ModelRef::Path(_) => None,
    }
}

/// The engine's version by its environment's name; pi's own pin for builds that name none.
pub(super) fn version(spec: &ServerSpec) -> Version {
    let named = spec.engine.as_ref().and_then(|id| id.as_str().strip_prefix("vllm-"));
    let wanted = match named {
        Some(name) if name.starts_with("nightly") => EngineVersion::Nightly,
        Some(_) | None => EngineVersion::Release,
    };
    named.and_then(Version::parse).unwrap_or_else(|| engines::resolve(&wanted))
}

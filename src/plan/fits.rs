//! Whether a server will fit into its GPUs' memory, as far as the catalogue knows its model.

use crate::catalog::version::Version;
use crate::catalog::{engines, gpus, models};
use crate::fit::text::Line;
use crate::fit::{Case, Fit, Setup, Verdict, fit, from_recipe, tries};
use crate::manifest::{EngineKind, EngineVersion};
use crate::model_ref::ModelRef;
use crate::plan::Site;
use crate::plan::command_line::args;
use crate::plan::finding::{Finding, Severity};
use crate::plan::view::{GpuView, PodView};
use crate::spec::ServerSpec;
use crate::units::Tokens;

/// How many alternatives a finding names.
const TOLD: usize = 3;

/// The estimate for a vLLM server on these GPUs of its pod; none for other engines, for models that the catalogue does
/// not know, and where the GPUs are not all of one kind.
#[must_use]
pub fn fit_of(spec: &ServerSpec, pod: &[GpuView]) -> Option<Fit> {
    estimate(spec, pod).map(|(_, fit)| fit)
}

/// What stands against starting the server, or makes it uncertain.
pub(super) fn finding(site: &Site<'_>, spec: &ServerSpec) -> Option<Finding> {
    let view = PodView::new(site.pod, Some(site.facts));
    let (setup, fit) = estimate(spec, &view.gpus)?;
    let (severity, code) = match fit.verdict {
        Verdict::Fits => return None,
        Verdict::Tight => (Severity::Warning, "tight"),
        Verdict::DoesNotFit => (Severity::Error, "does-not-fit"),
    };
    let recipe = recipe(spec)?;
    let shape = from_recipe::shape(recipe)?;
    let first = view.gpus.get(*spec.gpus.first()? as usize)?;
    let gpu = gpus::seen(&first.name, first.memory_mib);
    let instead =
        tries(Case { shape: &shape, recipe: Some(recipe), gpu, setup: &setup, pool_gib: None }, &fit);
    let instead: Vec<String> = instead.iter().take(TOLD).map(ToString::to_string).collect();
    let finding = Finding::on(severity, code, site.name, Line(&fit).to_string()).of(&spec.name);
    Some(if instead.is_empty() { finding } else { finding.help(format!("try {}", instead.join("; or "))) })
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
    let setup = Setup::new(&first.name, total, &version(spec)).with_args(&args(spec));
    // vLLM takes the model's own context where nobody says one, and does not start if that is too much
    let context = setup.context.unwrap_or(Tokens(recipe.max_context));
    let setup = Setup { context: Some(context), ..setup };
    Some((setup, fit(&shape, &setup)))
}

fn recipe(spec: &ServerSpec) -> Option<&'static models::Recipe> {
    match &spec.model {
        ModelRef::Hub { repo, .. } => models::find(repo.as_str()),
        ModelRef::Path(_) => None,
    }
}

/// The engine's version by its environment's name; pi's own pin for builds that name none.
fn version(spec: &ServerSpec) -> Version {
    let named = spec.engine.as_ref().and_then(|id| id.as_str().strip_prefix("vllm-"));
    named.and_then(Version::parse).unwrap_or_else(|| engines::resolve(&EngineVersion::Release))
}

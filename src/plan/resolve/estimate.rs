//! How a vLLM server will fit into its GPUs' memory.
//!
//! Where such a server has answered on this pod before, what vLLM measured then takes the estimate's place.

use crate::catalog::{Version, engines, gpus};
use crate::fit::{Fit, Setup, Shape, fit, fit_pool};
use crate::manifest::{EngineKind, EngineVersion};
use crate::observe::ServerSeen;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::launch::setup;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::view::{GpuView, PodView};
use crate::plan::usage::shape::shape;
use crate::spec::ServerSpec;

/// An estimate, and what it was made from.
#[derive(Clone)]
pub(in crate::plan) struct Estimate {
    pub(in crate::plan) shape: Shape,
    pub(in crate::plan) setup: Setup,
    /// GiB of one GPU that vLLM had for keys and values, where that was measured.
    pub(in crate::plan) pool_gib: Option<f64>,
    pub(in crate::plan) fit: Fit,
}

/// How a server will fit; none for other engines, for models whose shape is not known, and where its GPUs are not all
/// of one kind.
pub(in crate::plan) fn estimate(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    spec: &ServerSpec,
    version: Option<&Version>,
) -> Option<Estimate> {
    if spec.kind != EngineKind::Vllm {
        return None;
    }
    // a build of one's own that pins none has what pi would install, as far as anybody can tell
    let version = version.cloned().unwrap_or_else(|| engines::resolve(&EngineVersion::Release));
    let shape = shape(inputs, site, (&spec.model, spec.commit.as_deref()))?;
    let pod = PodView::new(site.pod, Some(site.facts)).gpus;
    let own = spec.gpus.iter().map(|index| pod.get(*index as usize)).collect::<Option<Vec<_>>>()?;
    let first = *own.first()?;
    if own.iter().any(|gpu| *gpu != first) {
        return None;
    }
    let total = gpus::torch_gib(&first.name, first.memory_mib);
    let setup = setup(spec, (&first.name, total), &version);
    // vLLM takes the model's own context where nobody says one, and does not start if that is too much
    let context = setup.context.unwrap_or(shape.max_context);
    let setup = Setup { context: Some(context), ..setup };
    let pool_gib = site.facts.servers.values().find_map(|seen| measured(seen, spec, &pod));
    let fit = pool_gib.map_or_else(|| fit(&shape, &setup), |gib| fit_pool(&shape, &setup, gib));
    Some(Estimate { shape, setup, pool_gib, fit })
}

/// What was measured when a server ran that differs from this one in nothing that memory depends on.
fn measured(seen: &ServerSeen, wanted: &ServerSpec, pod: &[GpuView]) -> Option<f64> {
    let ServerSpec { kind, engine, model, commit: _, memory, gpus, args, env, .. } =
        seen.spec.as_ref().ok()?;
    let all_alike = pod.windows(2).all(|pair| pair[0] == pair[1]);
    let same = (kind, engine, model, memory) == (&wanted.kind, &wanted.engine, &wanted.model, &wanted.memory)
        && (args, env) == (&wanted.args, &wanted.env)
        && (*gpus == wanted.gpus || all_alike && gpus.len() == wanted.gpus.len());
    Some(seen.measured.filter(|_| same)?.kv_cache?.gib())
}

//! How a vLLM server will fit into its GPUs' memory.
//!
//! The model's shape comes from the catalogue, else from the `config.json` and the file sizes in the pod's cache, else from
//! those that the hub tells. Where
//! such a server has answered on this pod before, what vLLM measured then takes the estimate's place.

use crate::catalog::gpus;
use crate::fit::{Fit, Setup, Shape, config, fit, fit_pool, from_recipe};
use crate::hub::{DEFAULT_BRANCH, HubAnswer};
use crate::manifest::EngineKind;
use crate::model_ref::ModelRef;
use crate::observe::{ServerSeen, Snapshot, Whole};
use crate::plan::command_line::engine_args;
use crate::plan::fits::{recipe, version};
use crate::plan::view::{GpuView, PodView};
use crate::plan::{Inputs, Site};
use crate::spec::ServerSpec;
use crate::units::Bytes;

/// An estimate, and what it was made from.
pub(super) struct Estimate {
    pub(super) shape: Shape,
    pub(super) setup: Setup,
    /// GiB of one GPU that vLLM had for keys and values, where that was measured.
    pub(super) pool_gib: Option<f64>,
    pub(super) fit: Fit,
}

/// How a server will fit; none for other engines, for models whose shape is not known, and where its GPUs are not all
/// of one kind.
pub(super) fn estimate(inputs: &Inputs<'_>, site: &Site<'_>, spec: &ServerSpec) -> Option<Estimate> {
    if spec.kind != EngineKind::Vllm {
        return None;
    }
    let shape = shape(inputs, site, spec)?;
    let pod = PodView::new(site.pod, Some(site.facts)).gpus;
    let own = spec.gpus.iter().map(|index| pod.get(*index as usize)).collect::<Option<Vec<_>>>()?;
    let first = *own.first()?;
    if own.iter().any(|gpu| *gpu != first) {
        return None;
    }
    let total = gpus::torch_gib(&first.name, first.memory_mib);
    let setup = Setup::new(&first.name, total, &version(spec)).with_args(&engine_args(spec));
    // vLLM takes the model's own context where nobody says one, and does not start if that is too much
    let context = setup.context.unwrap_or(shape.max_context);
    let setup = Setup { context: Some(context), ..setup };
    let pool_gib = site.facts.servers.values().find_map(|seen| measured(seen, spec, &pod));
    let fit = pool_gib.map_or_else(|| fit(&shape, &setup), |gib| fit_pool(&shape, &setup, gib));
    Some(Estimate { shape, setup, pool_gib, fit })
}

fn shape(inputs: &Inputs<'_>, site: &Site<'_>, spec: &ServerSpec) -> Option<Shape> {
    if let Some(known) = recipe(spec).and_then(from_recipe::shape).or_else(|| cached(site, spec)) {
        return Some(known);
    }
    let ModelRef::Hub { repo, .. } = &spec.model else { return None };
    let at = spec.commit.as_deref().and_then(|commit| inputs.hub.at(repo, commit));
    let facts = at.or_else(|| match inputs.hub.of(&spec.model)? {
        HubAnswer::Known(facts) => Some(facts),
        HubAnswer::Unknown(_) => None,
    })?;
    facts.shape().ok()
}

/// The shape that the files in the pod's own cache tell, where the weights are all there.
fn cached(site: &Site<'_>, spec: &ServerSpec) -> Option<Shape> {
    let ModelRef::Hub { repo, revision, .. } = &spec.model else { return None };
    let cache = site.facts.cache.iter().find(|cache| cache.repo == *repo)?;
    let branch = revision.as_ref().map_or(DEFAULT_BRANCH, |revision| revision.as_str());
    let commit = spec.commit.as_deref().or_else(|| cache.refs.get(branch).map(String::as_str))?;
    let Snapshot { whole, sizes, config, .. } = cache.snapshots.get(commit)?;
    let is_whole = match whole {
        Whole::Yes => true,
        Whole::Unknown => cache.incomplete == Bytes(0),
        Whole::No => false,
    };
    let loaded = |path: &str| path.ends_with(".safetensors") && !path.contains('/');
    let bytes: u64 = sizes.iter().filter(|(path, _)| loaded(path)).map(|(_, bytes)| bytes.0).sum();
    let config = config.as_ref().filter(|_| is_whole && bytes > 0)?;
    config::shape(config, Bytes(bytes)).ok()
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

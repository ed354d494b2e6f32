//! What could not be looked at, and what is not planned because of that. Unknown is not absent: a port of which nobody can
//! tell who has it is not free, weights that nobody could see are not fetched anew.

use crate::manifest::EngineKind;
use crate::model_ref::ModelRef;
use crate::observe::Section;
use crate::plan::model::finding::Finding;
use crate::plan::model::not_looked_at::hidden;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::wanted::Candidate;
use crate::spec::{KeyUse, ServerSpec};

/// Why a server can't be started: something that its start depends on could not be looked at.
pub(in crate::plan) fn unseen(
    site: &PodContext<'_>,
    candidate: &Candidate<'_>,
    spec: &ServerSpec,
) -> Option<Finding> {
    let facts = site.facts;
    let weights = match spec.model {
        ModelRef::Hub { .. } => facts.cache.is_unknown(),
        ModelRef::Path(_) => facts.model_paths.is_unknown(),
    };
    let brings = candidate.fetch().is_some() || candidate.builds(site);
    let on_gpus = !spec.gpus.is_empty();
    let table = [
        (
            facts.listeners.is_unknown() || facts.provider.is_unknown(),
            Section::Processes,
            "who has which port",
        ),
        (on_gpus && facts.gpu_processes.is_unknown(), Section::GpuProcesses, "who is on its GPUs"),
        (spec.kind != EngineKind::Command && weights, Section::Weights, "which weights are there"),
        (
            spec.key == KeyUse::Required && facts.secrets.is_unknown(),
            Section::Secrets,
            "which secrets are there",
        ),
        (brings && facts.disks.is_unknown(), Section::Disks, "how much room is on the disk"),
        (
            spec.kind == EngineKind::Vllm && facts.programs.is_unknown(),
            Section::Programs,
            "which programs are there",
        ),
    ];
    let (_, section, what) = table.into_iter().find(|(unknown, ..)| *unknown)?;
    Some(hidden(site, section, what, "it is not started; try again").of(candidate.name))
}

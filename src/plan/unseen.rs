//! What could not be looked at, and what is not planned because of that. Unknown is not absent: a port of which nobody can
//! tell who has it is not free, weights that nobody could see are not fetched anew.

use crate::manifest::EngineKind;
use crate::model_ref::ModelRef;
use crate::observe::PodFacts;
use crate::plan::PodContext;
use crate::plan::code::Code;
use crate::plan::finding::{Finding, Severity};
use crate::plan::wanted::Candidate;
use crate::spec::{KeyUse, ServerSpec};

/// Why a server can't be started: something that its start depends on could not be looked at.
pub(super) fn unseen(site: &PodContext<'_>, candidate: &Candidate<'_>, spec: &ServerSpec) -> Option<Finding> {
    let facts = site.facts;
    let weights = match spec.model {
        ModelRef::Hub { .. } => facts.cache.is_unknown(),
        ModelRef::Path(_) => facts.model_paths.is_unknown(),
    };
    let brings = candidate.fetch().is_some() || candidate.builds(site);
    let on_gpus = !spec.gpus.is_empty();
    let table = [
        (facts.listeners.is_unknown() || facts.provider.is_unknown(), "processes", "who has which port"),
        (on_gpus && facts.gpu_processes.is_unknown(), "gpu-processes", "who is on its GPUs"),
        (spec.kind != EngineKind::Command && weights, "weights", "which weights are there"),
        (spec.key == KeyUse::Required && facts.secrets.is_unknown(), "secrets", "which secrets are there"),
        (brings && facts.disks.is_unknown(), "disks", "how much room is on the disk"),
        (
            spec.kind == EngineKind::Vllm && facts.programs.is_unknown(),
            "programs",
            "which programs are there",
        ),
    ];
    let (_, section, what) = table.into_iter().find(|(unknown, ..)| *unknown)?;
    Some(hidden(site, section, what, "it is not started; try again").of(candidate.name))
}

/// The finding for a section of which something depends that is not planned.
pub(super) fn hidden(site: &PodContext<'_>, section: &str, what: &str, help: &str) -> Finding {
    let message = format!("{what} could not be looked at: {}", why(site.facts, section));
    Finding::on(Severity::Error, Code::NotLookedAt, site.name, message).help(help)
}

/// Why a section could not be looked at.
fn why<'a>(facts: &'a PodFacts, section: &str) -> &'a str {
    let gap = facts.gaps.iter().find(|gap| gap.section == section);
    gap.map_or("it was not told", |gap| gap.why.as_str())
}

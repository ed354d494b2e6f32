//! Which port and which GPUs each server of a pod gets: what is free in reality, sticky from run to run.

mod asked;
mod best;
mod gpus;
mod ports;
mod gpu_budget;
mod spare;
pub(super) mod free;

pub(super) use asked::is_content;
pub(super) use gpu_budget::{holds_mib, is_idle, share};
pub(super) use ports::{mapped, owns};
pub(super) use spare::{spare_gpus, spare_port};

use crate::plan::model::finding::Finding;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::wanted::Candidate;
use crate::plan::resolve::wanted::Place;
use asked::Asked;

/// Finds a place for every candidate, around those that stay where they are; or says why there is none.
pub(super) fn place<'a>(
    inputs: &Inputs<'_>,
    site: &PodContext<'a>,
    candidates: &[Candidate<'a>],
    pinned: &Pinned<'a>,
) -> Vec<Result<Place, Finding>> {
    let asked: Vec<Asked<'_>> =
        candidates.iter().map(|candidate| Asked::new(inputs, site, candidate)).collect();
    let mut ports = ports::ports(site, &asked, pinned);
    // who gets no port starts nowhere, and takes no GPU from others
    let has_port = |asked: &Asked<'_>| matches!(ports.get(asked.candidate.name), Some(Ok(_)));
    let asked: Vec<Asked<'_>> = asked.into_iter().filter(has_port).collect();
    let mut gpus = gpus::gpus(site, &asked, pinned);
    let both = |candidate: &Candidate<'_>| {
        let port =
            ports.remove(candidate.name).unwrap_or_else(|| Err(ports::none_left(site, candidate.name)))?;
        let gpus = gpus.remove(candidate.name).unwrap_or_else(|| Ok(Vec::new()))?;
        Ok(Place { gpus, port })
    };
    candidates.iter().map(both).collect()
}

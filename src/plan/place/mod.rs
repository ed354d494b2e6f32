//! Which port and which GPUs each server of a pod gets: what is free in reality, sticky from run to run.

mod best;
mod gpus;
mod ports;
mod gpu_budget;
mod spare;

pub(super) use gpu_budget::{holds_mib, is_idle, share};
pub(super) use ports::{mapped, owns};
pub(super) use spare::{spare_gpus, spare_port};

use crate::memory::ServerMemory;
use crate::name::Port;
use crate::plan::finding::Finding;
use crate::plan::server::{ServerDiff, diff};
use crate::plan::servers::Pinned;
use crate::plan::wanted::{AtPlace, Candidate};
use crate::plan::{Inputs, PodContext};
use crate::spec::ServerSpec;

/// Where a server is put.
pub(super) struct Place {
    /// By `nvidia-smi` index; empty for CPU.
    pub(super) gpus: Vec<u32>,
    pub(super) port: Port,
}

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

/// A candidate, and where it was before.
struct Asked<'a> {
    candidate: &'a Candidate<'a>,
    /// What its record says, running or not.
    record: Option<&'a ServerSpec>,
    /// Whether it runs, and would go on as it is if it kept its place.
    content: bool,
    /// How many GPUs it asks for.
    count: usize,
    /// Fewer that do where those can't be had; the most first.
    fewer: &'a [usize],
    /// What `pods.json` says.
    remembered: Option<&'a ServerMemory>,
}

impl<'a> Asked<'a> {
    fn new(inputs: &Inputs<'a>, site: &PodContext<'a>, candidate: &'a Candidate<'_>) -> Self {
        let known = inputs.memory.pods.get(site.name);
        let record = candidate.seen.and_then(|seen| seen.spec.as_ref().ok());
        let content = is_content(inputs, site, candidate);
        Self {
            candidate,
            record,
            content,
            count: candidate.pick.gpus,
            fewer: &candidate.pick.fewer,
            remembered: known.and_then(|known| known.servers.get(candidate.name)),
        }
    }
}

/// Whether a server runs, and would go on as it is if it kept its place.
pub(super) fn is_content(inputs: &Inputs<'_>, site: &PodContext<'_>, candidate: &Candidate<'_>) -> bool {
    let Some(ServerSpec { gpus, port, .. }) = candidate.seen.and_then(|seen| seen.spec.as_ref().ok()) else {
        return false;
    };
    let AtPlace { spec, .. } = candidate.at(inputs, site, Place { gpus: gpus.clone(), port: *port });
    match diff(candidate.seen, &spec) {
        ServerDiff::UpToDate | ServerDiff::Starting(_) => {
            candidate.model.port.is_none_or(|wanted| wanted == *port)
                && gpus::are_asked_for(gpus, candidate.model, candidate.pick.gpus)
        }
        ServerDiff::NotRunning(_) | ServerDiff::Differs(..) | ServerDiff::Unresponsive(_) => false,
    }
}

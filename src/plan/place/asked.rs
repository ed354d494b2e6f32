//! What each server asks of its place.

use crate::manifest::{GpuAsk, Model};
use crate::memory::ServerMemory;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::wanted::{AtPlace, Candidate, Place};
use crate::plan::server_diff::{ServerDiff, diff};
use crate::spec::ServerSpec;

/// A candidate, and where it was before.
pub(super) struct Asked<'a> {
    pub(super) candidate: &'a Candidate<'a>,
    /// What its record says, running or not.
    pub(super) record: Option<&'a ServerSpec>,
    /// Whether it runs, and would go on as it is if it kept its place.
    pub(super) content: bool,
    /// How many GPUs it asks for.
    pub(super) count: usize,
    /// Fewer that do where those can't be had; the most first.
    pub(super) fewer: &'a [usize],
    /// What `pods.json` says.
    pub(super) remembered: Option<&'a ServerMemory>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(inputs: &Inputs<'a>, site: &PodContext<'a>, candidate: &'a Candidate<'_>) -> Self {
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
pub(in crate::plan) fn is_content(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    candidate: &Candidate<'_>,
) -> bool {
    let Some(ServerSpec { gpus, port, .. }) = candidate.seen.and_then(|seen| seen.spec.as_ref().ok()) else {
        return false;
    };
    let AtPlace { spec, .. } = candidate.at(inputs, site, Place { gpus: gpus.clone(), port: *port });
    match diff(candidate.seen, &spec) {
        ServerDiff::UpToDate | ServerDiff::Starting(_) => {
            candidate.model.port.is_none_or(|wanted| wanted == *port)
                && are_asked_for(gpus, candidate.model, candidate.pick.gpus)
        }
        ServerDiff::NotRunning(_) | ServerDiff::Differs(..) | ServerDiff::Unresponsive(_) => false,
    }
}

/// Whether these GPUs are what a model asks for, wherever there is room.
pub(super) fn are_asked_for(gpus: &[u32], model: &Model, count: usize) -> bool {
    match &model.gpus {
        GpuAsk::Ids(ids) => ids == gpus,
        GpuAsk::Cpu | GpuAsk::Any | GpuAsk::Count(_) => gpus.len() == count,
    }
}

//! Which port and which GPUs each server of a pod gets: what is free in reality, sticky from run to run.

mod gpus;
mod ports;
mod room;

pub(super) use ports::owns;
pub(super) use room::{holds_mib, share};

use crate::memory::ServerMemory;
use crate::name::{ModelName, Port};
use crate::observe::Life;
use crate::plan::finding::Finding;
use crate::plan::servers::Stays;
use crate::plan::wanted::Candidate;
use crate::plan::{Inputs, Site};
use crate::spec::ServerSpec;
use std::collections::BTreeMap;

/// Where a server is put.
pub(super) struct Place {
    /// By `nvidia-smi` index; empty for CPU.
    pub(super) gpus: Vec<u32>,
    pub(super) port: Port,
}

/// Finds a place for every candidate, around those that stay where they are; or says why there is none.
pub(super) fn place<'a>(
    inputs: &Inputs<'_>,
    site: &Site<'a>,
    candidates: &[Candidate<'a>],
    stays: &Stays<'a>,
) -> BTreeMap<&'a ModelName, Result<Place, Vec<Finding>>> {
    let asked: Vec<Asked<'_>> =
        candidates.iter().map(|candidate| Asked::new(inputs, site, candidate)).collect();
    let mut gpus = gpus::gpus(site, &asked, stays);
    let mut ports = ports::ports(site, &asked, stays);
    let both = |candidate: &Candidate<'a>| {
        let place = match (gpus.remove(candidate.name)?, ports.remove(candidate.name)?) {
            (Ok(gpus), Ok(port)) => Ok(Place { gpus, port }),
            (gpus, port) => Err(gpus.err().into_iter().chain(port.err()).collect()),
        };
        Some((candidate.name, place))
    };
    candidates.iter().filter_map(both).collect()
}

/// A candidate, and where it was before.
struct Asked<'a> {
    candidate: &'a Candidate<'a>,
    /// What its record says, running or not.
    record: Option<&'a ServerSpec>,
    /// Whether its process runs now.
    runs: bool,
    /// What `pods.json` says.
    remembered: Option<&'a ServerMemory>,
}

impl<'a> Asked<'a> {
    fn new(inputs: &Inputs<'a>, site: &Site<'_>, candidate: &'a Candidate<'_>) -> Self {
        let known = inputs.memory.pods.get(site.name);
        Self {
            candidate,
            record: candidate.seen.and_then(|seen| seen.spec.as_ref().ok()),
            runs: candidate.seen.is_some_and(|seen| matches!(seen.life, Life::Running { .. })),
            remembered: known.and_then(|known| known.servers.get(candidate.name)),
        }
    }
}

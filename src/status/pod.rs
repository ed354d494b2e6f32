//! One pod, as `pi list` shows it.

use crate::name::PodName;
use crate::observe::{PodFacts, ProbeResult, Unreachable};
use crate::plan::{Inputs, PodView, Scope, plan};
use crate::spec::ServerSpec;
use crate::status::address::{Address, address};
use crate::status::gpus::{GpuStatus, gpus};
use crate::status::state::{ServerStatus, servers};
use crate::status::vitals::Vitals;

/// One pod.
#[derive(Debug, Clone, PartialEq)]
pub struct PodStatus {
    /// Its header.
    pub view: PodView,
    /// What was seen there, or why nothing was.
    pub seen: Result<PodSeen, Unreachable>,
}

/// What was seen on a pod.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSeen {
    /// Its servers, by name, each with the address that clients use.
    pub servers: Vec<(ServerStatus, Option<Address>)>,
    /// Its GPUs.
    pub gpus: Vec<GpuStatus>,
    /// What could not be looked at: `processes: did not end within 5 s`.
    pub gaps: Vec<String>,
}

/// A pod as it was observed, held against the manifest; none for a pod that it does not declare or nobody looked at.
/// `ssh_host` is the machine that ssh connects to, none for `local`.
#[must_use]
pub fn pod_status(
    inputs: &Inputs<'_>,
    pod: &PodName,
    vitals: &Vitals,
    ssh_host: Option<&str>,
) -> Option<PodStatus> {
    let declared = inputs.manifest.pods.get(pod)?;
    let facts = match inputs.observed.pods.get(pod)? {
        ProbeResult::Seen(facts) => facts,
        ProbeResult::Unreachable(why) => {
            return Some(PodStatus { view: PodView::new(declared, None), seen: Err(why.clone()) });
        }
    };
    let scope = Scope::Only { pods: [pod.clone()].into(), models: [].into() };
    let plan = plan(&Inputs { scope: &scope, ..*inputs });
    // which ports are mapped may be unknown: then the address would be a guess
    let at = |spec: &ServerSpec| Some(address(declared, facts.provider.seen()?, spec, ssh_host));
    let servers = servers((inputs.manifest, pod), facts, vitals, &plan).into_iter().map(|server| {
        let address = server.spec.as_ref().and_then(at);
        (server, address)
    });
    let seen = PodSeen { servers: servers.collect(), gpus: gpus(facts), gaps: gaps(facts) };
    Some(PodStatus { view: PodView::new(declared, Some(facts)), seen: Ok(seen) })
}

fn gaps(facts: &PodFacts) -> Vec<String> {
    facts.gaps.iter().map(|gap| format!("{}: {}", gap.section, gap.why)).collect()
}

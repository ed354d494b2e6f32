//! Keeping `pods.json` up to date: after a look at the pods, and after every step.

use crate::manifest::Manifest;
use crate::memory::{Memory, PodMemory, ServerMemory, Store};
use crate::observe::{Life, Observed, PodFacts, ProbeResult};
use crate::plan::{Step, act};
use miette::Result;

/// Takes what was seen into `pods.json`. Pods that did not answer keep what was known of them.
pub fn remember(store: &Store, manifest: &Manifest, observed: &Observed) -> Result<()> {
    store.update(|memory| {
        for (name, sighting) in &observed.pods {
            let (ProbeResult::Seen(facts), Some(pod)) = (sighting, manifest.pods.get(name)) else { continue };
            let servers = memory.pods.remove(name).map(|known| known.servers).unwrap_or_default();
            let mut known = PodMemory {
                ssh: pod.ssh.to_string(),
                seen: facts.host.clock,
                // whoever changes the pod now does not do so for ever
                facts: PodFacts { lock: None, ..(**facts).clone() },
                servers,
            };
            place(&mut known);
            memory.pods.insert(name.clone(), known);
        }
    })
}

/// Takes a step's effect into `pods.json`. It is a cache: that it can't be written stops nothing that runs.
pub(super) fn remember_step(store: &Store, step: &Step) {
    let change = |memory: &mut Memory| {
        if let Some(known) = memory.pods.get_mut(&step.pod) {
            act(&mut known.facts, &step.action);
            place(known);
        }
    };
    drop(store.update(change));
}

/// Notes where servers are; what was known of others stays, so that they come back to their place.
fn place(known: &mut PodMemory) {
    let PodFacts { servers, .. } = &known.facts;
    for (name, server) in servers {
        let Ok(spec) = &server.spec else { continue };
        let pid = match server.life {
            Life::Running { pid, .. } if pid != 0 => Some(pid),
            Life::Running { .. } | Life::Dead { .. } | Life::Stopped => None,
        };
        known.servers.insert(name.clone(), ServerMemory { port: spec.port, gpus: spec.gpus.clone(), pid });
    }
}

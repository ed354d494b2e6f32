//! What is remembered.

use crate::name::{ModelName, PodName, Port};
use crate::observe::{Observed, PodFacts, ProbeResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a project last knew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The pod that commands without `--pod` mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<PodName>,
    /// By pod.
    #[serde(default)]
    pub pods: BTreeMap<PodName, PodMemory>,
}

/// What was last seen of a pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodMemory {
    /// How it was reached; another line means another machine.
    pub ssh: String,
    /// Seconds since 1970, by the pod's own clock.
    pub seen: u64,
    /// What was there.
    pub facts: PodFacts,
    /// Where its servers were placed.
    #[serde(default)]
    pub servers: BTreeMap<ModelName, ServerMemory>,
}

/// Where a server was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerMemory {
    /// Its port.
    pub port: Port,
    /// Its GPUs.
    pub gpus: Vec<u32>,
    /// Its session, if it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

impl Memory {
    /// The port that a server had.
    #[must_use]
    pub fn port(&self, pod: &PodName, model: &ModelName) -> Option<Port> {
        Some(self.pods.get(pod)?.servers.get(model)?.port)
    }

    /// Everything that was last seen, as if it were seen now.
    #[must_use]
    pub fn as_observed(&self) -> Observed {
        let seen = |memory: &PodMemory| ProbeResult::Seen(Box::new(memory.facts.clone()));
        Observed { pods: self.pods.iter().map(|(name, memory)| (name.clone(), seen(memory))).collect() }
    }
}

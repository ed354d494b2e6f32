//! What the file holds: what each project of this user knows of the machines it reaches.
//!
//! In: a manifest says whose memory is meant and how its pods are reached. Out: a [`Memory`] by the names of its pods.

use crate::manifest::{Identity, Manifest};
use crate::memory::types::{Memory, PodMemory};
use crate::name::PodName;
use crate::spec::short_digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file's format; a file with a larger number is from a newer pi and is left alone.
pub(super) const FORMAT: u32 = 2;

/// Everything in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PodsFile {
    format: u32,
    /// By the project's id; by the manifest's path while it has none.
    #[serde(default)]
    projects: BTreeMap<String, OfProject>,
    /// What format 1 had, by the names of pods alone. It is kept: which projects it is of can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<PodName>,
    /// The same; it counts where the machine is reached as it was then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pods: BTreeMap<PodName, PodMemory>,
}

/// What one project knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct OfProject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active: Option<PodName>,
    /// By the ssh target: another one is another machine, whatever the pod is called.
    #[serde(default)]
    machines: BTreeMap<String, Machine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Machine {
    /// What it was called last.
    pod: PodName,
    /// Not flattened into this: serde reads no numbers as keys there.
    known: PodMemory,
}

/// Whose memory is meant.
#[derive(Debug, Clone, Default)]
pub(super) struct Whose {
    /// Under which keys it may be; the first is the one that is written.
    keys: Vec<String>,
    /// How each pod is reached.
    targets: BTreeMap<PodName, String>,
}

impl Whose {
    /// This manifest's. An id that it does not have yet in its file would be lost.
    pub(super) fn of(manifest: &Manifest) -> Self {
        let id = match &manifest.identity {
            Identity::Given(id) => Some(id.to_string()),
            Identity::Made(_) | Identity::None => None,
        };
        let path = manifest.path.display().to_string();
        let targets = manifest.pods.iter().map(|(name, pod)| (name.clone(), pod.ssh.to_string()));
        Self { keys: id.into_iter().chain([path]).collect(), targets: targets.collect() }
    }

    /// No pod has such a name: `@1a2b3c4d5e6f`.
    pub(super) fn folders(&self, pod: &PodName) -> Vec<String> {
        let target = self.targets.get(pod).map_or("", String::as_str);
        self.keys.iter().map(|key| format!("@{}", short_digest(&format!("{key}\n{target}")))).collect()
    }
}

impl Default for PodsFile {
    fn default() -> Self {
        Self { format: FORMAT, projects: BTreeMap::new(), active: None, pods: BTreeMap::new() }
    }
}

impl PodsFile {
    /// What a project knows of its pods, as they are reached now.
    pub(super) fn of(&self, whose: &Whose) -> Memory {
        let own = whose.keys.iter().find_map(|key| self.projects.get(key));
        let known = |(name, target): (&PodName, &String)| {
            let own = own.and_then(|own| own.machines.get(target)).map(|machine| &machine.known);
            let known = own.or_else(|| self.pods.get(name).filter(|known| known.ssh == *target))?;
            Some((name.clone(), known.clone()))
        };
        let active = own.and_then(|own| own.active.clone()).or_else(|| self.former_active(whose));
        Memory { active, pods: whose.targets.iter().filter_map(known).collect() }
    }

    /// The pod that was chosen before choices were kept by project, unless another machine was meant.
    fn former_active(&self, whose: &Whose) -> Option<PodName> {
        let active = self.active.as_ref()?;
        let target = whose.targets.get(active)?;
        self.pods.get(active).is_none_or(|known| known.ssh == *target).then(|| active.clone())
    }

    /// Takes what a project knows now. What it knew of machines that its pods are no longer stays.
    pub(super) fn take(&mut self, whose: &Whose, memory: Memory) {
        let Memory { active, pods } = memory;
        let known: Vec<OfProject> = whose.keys.iter().filter_map(|key| self.projects.remove(key)).collect();
        let mut own = known.into_iter().next().unwrap_or_default();
        own.active = active;
        for target in whose.targets.values() {
            own.machines.remove(target);
        }
        for (pod, known) in pods {
            own.machines.insert(known.ssh.clone(), Machine { pod, known });
        }
        if let Some(key) = whose.keys.first() {
            self.projects.insert(key.clone(), own);
        }
        self.format = FORMAT;
    }

    /// What all projects know, the newest of each name: for what does not depend on whose a machine is.
    pub(super) fn all(self) -> Memory {
        let machines = self.projects.into_values().flat_map(|own| own.machines.into_values());
        let machines = machines.map(|Machine { pod, known }| (pod, known));
        let mut memory = Memory::default();
        for (pod, known) in self.pods.into_iter().chain(machines) {
            if memory.pods.get(&pod).is_none_or(|other| other.seen <= known.seen) {
                memory.pods.insert(pod, known);
            }
        }
        memory
    }
}

//! 3. What to do about it. Pure: the same inputs give the same plan, to the byte.
//!
//! In: a manifest, `pods.json`, what was observed. Out: a [`Plan`]: typed steps in an order in which they may be
//! done, each with its reason, and findings. Nothing is left to decide for `apply`.

mod ahead;
mod beside;
mod change;
mod code;
mod command_line;
mod revision;
mod converge;
mod destroy;
mod double;
mod start_findings;
mod engine;
mod estimate;
mod exposed;
mod fetch;
mod finding;
mod fits;
mod previous;
mod free;
mod reason;
mod redact;
mod hub_says;
mod inputs;
mod removals;
mod pod_findings;
mod measured;
mod order;
mod outside;
mod over_pods;
mod packages;
mod pick;
mod place;
mod program;
mod questions;
mod start_order;
mod server_findings;
mod render;
mod disk_budget;
mod rows;
mod secrets;
mod server;
mod servers;
mod set_up;
mod shape;
mod simulate;
mod spread;
mod step;
mod storage;
mod stored;
mod taking;
mod times;
mod launch;
mod unseen;
mod view;
mod wanted;
mod weights;
mod all_or_nothing;
mod whose;

pub use ahead::plan_ahead;
pub use all_or_nothing::{Origin, begin, halt, make_ready};
pub use change::{Change, How, changes, gpu_list};
pub use code::Code;
pub use destroy::{Extent, Removal, destroy};
pub use engine::size as engine_size;
pub use exposed::plain_http_of;
pub use fetch::{Fetch, short};
pub use finding::{Finding, Severity};
pub use free::{OfKind, free_gpus};
pub use inputs::{Inputs, Protected, Scope};
pub use launch::Launch;
pub use measured::{Known, Measurement, known_to_fit, measured_before};
pub use packages::Packages;
pub use pod_findings::{LOCK_EXPIRY, repair};
pub use program::{Awaited, Fallback, Input, Noted, Part, Program, Standing};
pub use questions::questions;
pub use reason::Reason;
pub use redact::{address as shown_address, recipe as shown_recipe};
pub use render::{program, scripts, shown_scripts};
pub use rows::{Counts, Row};
pub use simulate::{act, simulate};
pub use step::{Action, Care, Otherwise, Plan, Recreate, Replaces, Sign, Start, Step, StepId, Storage};
pub use taking::nowhere;
pub use view::{GpuView, PodView, gpus_in_words};

use crate::fit::Fit;
use crate::manifest::{Model, Pod};
use crate::name::{ModelName, PodName, Project};
use crate::observe::{Life, PodFacts, ServerSeen, Whose};
use over_pods::over_pods;
use std::collections::{BTreeMap, BTreeSet};

/// What has to be done so that the pods are as the manifest wants them.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    over_pods(inputs, |pod| converge::pod(inputs, pod))
}

/// One pod, ready to be planned for: everything a rule may look at.
#[derive(Clone, Copy)]
struct PodContext<'a> {
    name: &'a PodName,
    pod: &'a Pod,
    facts: &'a PodFacts,
    /// The models that the manifest puts here, sorted by name.
    models: &'a [(&'a ModelName, &'a Model)],
    /// Whose manifest this is.
    project: &'a Project,
    /// Servers that may be made this project's, whoever has them now.
    take_over: &'a BTreeSet<ModelName>,
    /// What the manifest names anywhere, where it has an id: of the servers from before there were ids, and of those
    /// that were made under another name, only these are this project's. Another project may have started the others.
    adopts: Option<&'a BTreeMap<ModelName, Model>>,
}

impl<'a> PodContext<'a> {
    /// Servers on the pod that are this project's to change.
    fn own_servers(&self) -> impl Iterator<Item = (&'a ModelName, &'a ServerSeen)> {
        self.facts.servers.iter().filter(|(name, seen)| self.is_own(name, seen))
    }

    /// Whether a server is this project's to change.
    fn is_own(&self, name: &ModelName, seen: &ServerSeen) -> bool {
        match seen.whose(self.project) {
            // under another name of the project: a copy of its directory may have made it
            Whose::Ours if seen.renamed().is_none() => true,
            Whose::Ours | Whose::Unnamed => {
                self.adopts.is_none_or(|models| models.contains_key(name)) || self.take_over.contains(name)
            }
            Whose::Nobodys => self.model(name).is_some(),
            Whose::Other { .. } => self.take_over.contains(name),
        }
    }

    /// A server that runs, or of which processes are left: it holds its place.
    fn live(&self, name: &ModelName) -> Option<&'a ServerSeen> {
        self.facts.servers.get(name).filter(|seen| is_live(seen))
    }

    /// What the manifest says of a model here.
    fn model(&self, name: &ModelName) -> Option<&'a Model> {
        self.models.binary_search_by(|(other, _)| (*other).cmp(name)).ok().map(|at| self.models[at].1)
    }
}

fn is_live(seen: &ServerSeen) -> bool {
    match &seen.life {
        Life::Running { .. } => true,
        Life::Dead { left } => !left.is_empty(),
        Life::Stopped => false,
    }
}

/// Steps and findings of one pod, before they have their final numbers.
#[derive(Default)]
struct PodPlan {
    steps: Vec<order::Unnumbered>,
    findings: Vec<Finding>,
    /// How servers that start will fit.
    fits: BTreeMap<ModelName, Fit>,
    /// Servers that are as they should be.
    standing: Vec<ModelName>,
    /// Servers that go once they answer on another pod.
    relocations: Vec<removals::Relocation>,
}

impl PodPlan {
    fn add(&mut self, other: Self) {
        let Self { steps, findings, standing, relocations, fits } = other;
        self.steps.extend(steps);
        self.findings.extend(findings);
        self.standing.extend(standing);
        self.relocations.extend(relocations);
        self.fits.extend(fits);
    }
}

//! How long the steps of a plan will take that bring something from the network, as far as pods have measured it.
//!
//! Weights: by the rate of the last download on this pod. An engine: as long as the same one took on a pod before.

use crate::name::EngineId;
use crate::observe::ProbeResult;
use crate::plan::model::inputs::Inputs;
use crate::plan::model::step::{Action, Plan, Step, StepId};
use crate::units::Seconds;
use std::collections::BTreeMap;

pub(in crate::plan) fn times(inputs: &Inputs<'_>, plan: &Plan) -> BTreeMap<StepId, Seconds> {
    let took = took(inputs);
    let time = |Step { id, pod, action, .. }: &Step| {
        let seconds = if let Action::FetchWeights(fetch) = action {
            let Some(ProbeResult::Seen(facts)) = inputs.observed.pods.get(pod) else { return None };
            fetch.missing?.0.checked_div(facts.download_rate?)?
        } else if let Action::InstallEngine(recipe) = action {
            let of_it = took.get(&recipe.id)?;
            *of_it.get(&recipe.digest())?
        } else {
            return None;
        };
        Some((*id, Seconds(seconds)))
    };
    plan.steps.iter().filter_map(time).collect()
}

/// The longest that each engine took, on whichever pod, by the digest of its recipe.
fn took<'a>(inputs: &Inputs<'a>) -> BTreeMap<&'a EngineId, BTreeMap<&'a String, u64>> {
    let mut longest: BTreeMap<&EngineId, BTreeMap<&String, u64>> = BTreeMap::new();
    let seen = inputs.observed.pods.values().filter_map(|sighting| match sighting {
        ProbeResult::Seen(facts) => Some(facts),
        ProbeResult::Unreachable(_) => None,
    });
    for (id, engine) in seen.flat_map(|facts| &facts.engines) {
        if let (Some(digest), Some(took)) = (&engine.digest, engine.took) {
            let longest = longest.entry(id).or_default().entry(digest).or_insert(took);
            *longest = took.max(*longest);
        }
    }
    longest
}

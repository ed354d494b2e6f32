//! The first plan: a pod is made ready, before any model runs there.

use crate::observe::GpuSight;
use crate::plan::findings::pod_findings;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::step::Plan;
use crate::plan::pods::converge;
use crate::plan::pods::over_pods::over_pods;
use crate::plan::resolve::engine;
use crate::plan::rollout::packages::{Build, packages};
use crate::plan::simulate::act;
use crate::plan::usage::secrets::{API_KEY, HF_TOKEN, at_hand, bring, how_to_get};
use crate::plan::usage::storage;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What has to be done so that pods are ready for models: storage, the engine that stays there, secrets. Servers are
/// left as they are.
pub(in crate::plan) fn set_up(inputs: &Inputs<'_>) -> Plan {
    over_pods(inputs, |site| pod(inputs, site))
}

fn pod(inputs: &Inputs<'_>, site: &PodContext<'_>) -> PodPlan {
    let mut draft = PodPlan { findings: pod_findings::gaps(site), ..PodPlan::default() };
    if let Some(finding) = storage::hidden(site).or_else(|| pod_findings::wrong_gpus(site)) {
        draft.findings.push(finding);
        return draft;
    }
    draft.findings.extend(pod_findings::odd_gpus(site));
    draft.findings.extend(storage::other(site));
    let mut facts = Cow::Borrowed(site.facts);
    if let Some(mount) = storage::missing(site) {
        // engines and secrets may have to be on it
        act(facts.to_mut(), &mount.action);
        draft.steps.push(mount);
    }
    let site = &PodContext { facts: &facts, ..*site };
    match engine::kept(site) {
        Ok(kept) => {
            let engines = converge::engines(site, kept.iter());
            let on_gpus = kept.is_some() && matches!(site.facts.gpus, GpuSight::Found { .. });
            match packages(site, Build::of(&engines)) {
                Ok(step) => draft.steps.extend(step.filter(|_| on_gpus)),
                Err(finding) => draft.findings.extend(Some(finding).filter(|_| on_gpus)),
            }
            draft.findings.extend(converge::cramped(site, &engines));
            draft.steps.extend(engines);
        }
        Err(finding) => draft.findings.push(finding),
    }
    draft.steps.extend(bring(inputs, site.facts, &BTreeSet::from([API_KEY, HF_TOKEN])));
    draft.findings.extend(missing(inputs, site));
    draft
}

/// Secrets that servers will want, and that are neither here nor there.
fn missing(inputs: &Inputs<'_>, site: &PodContext<'_>) -> Vec<Finding> {
    let table = [
        (Severity::Warning, API_KEY, "there is no API key: servers that others can reach will not start"),
        (Severity::Note, HF_TOKEN, "there is no token for the hub: gated models can't be fetched"),
    ];
    let missing = table.into_iter().filter(|(_, name, _)| !at_hand(inputs, site.facts, name));
    let finding = |(severity, name, message): (Severity, &str, &str)| {
        let found = Finding::on(severity, Code::MissingSecret, site.name, message.to_owned());
        found.help(how_to_get(inputs, name))
    };
    missing.map(finding).collect()
}

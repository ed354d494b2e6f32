//! All pods: each pod's draft, put together into one plan.

use crate::manifest::Model;
use crate::name::{ModelName, PodName};
use crate::observe::{PodFacts, ProbeResult, Unreachable};
use crate::plan::findings::{exposed, pod_findings};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::step::Plan;
use crate::plan::model::view::PodView;
use crate::plan::pods::times::times;
use crate::plan::pods::{double, taking};
use crate::plan::rollout::{order, removals};
use crate::plan::usage::whose;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Plans every pod in scope by `rule`, and puts the drafts together.
pub(in crate::plan) fn over_pods(
    inputs: &Inputs<'_>,
    rule: impl Fn(&PodContext<'_>) -> PodPlan + Sync,
) -> Plan {
    let (mut plan, mut relocations, mut standing) = (Plan::default(), Vec::new(), removals::Standing::new());
    let (models, mut doubles) = (models(inputs), double::doubles(inputs));
    let mut sites = Vec::new();
    let pods = inputs.manifest.pods.iter();
    for (name, pod) in pods.filter(|(name, _)| inputs.scope.has_pod(inputs.manifest, name)) {
        let facts = facts(inputs, name);
        plan.pods.insert(name.clone(), PodView::new(pod, facts.as_ref().ok().copied()));
        let models = models.get(name).map_or(&[][..], Vec::as_slice);
        let (project, take_over) = (&inputs.manifest.project, inputs.take_over);
        let adopts = inputs.manifest.identity.id().map(|_| &inputs.manifest.models);
        let facts = doubles.remove(name).map_or(facts, Err);
        sites.push((
            name,
            facts.map(|facts| PodContext { name, pod, facts, models, project, take_over, adopts }),
        ));
    }
    plan.findings = whose::namesakes(inputs);
    if !plan.findings.is_empty() {
        return plan;
    }
    let draft = |(_, site): &(&PodName, Result<PodContext<'_>, Finding>)| match site {
        Ok(site) => draft(inputs, site, &rule),
        Err(finding) => PodPlan { findings: vec![finding.clone()], ..PodPlan::default() },
    };
    for ((name, _), mut draft) in sites.iter().zip(on_all_cores(&sites, &draft)) {
        relocations.append(&mut draft.relocations);
        standing.extend(draft.standing.iter().map(|model| ((*name).clone(), model.clone())));
        order::append(&mut plan, draft, name);
    }
    plan.findings.extend(doubles.into_values());
    plan.findings.extend(taking::findings(inputs));
    removals::append(inputs, &mut plan, relocations, &standing);
    plan.times = times(inputs, &plan);
    plan
}

/// The models that the manifest puts on each pod, sorted by name.
fn models<'a>(inputs: &Inputs<'a>) -> BTreeMap<&'a PodName, Vec<(&'a ModelName, &'a Model)>> {
    let mut models: BTreeMap<&PodName, Vec<(&ModelName, &Model)>> = BTreeMap::new();
    for (name, model) in &inputs.manifest.models {
        for pod in &model.pods {
            models.entry(pod).or_default().push((name, model));
        }
    }
    models
}

/// What is known of a pod, or why nothing is.
fn facts<'a>(inputs: &Inputs<'a>, pod: &PodName) -> Result<&'a PodFacts, Finding> {
    match inputs.observed.pods.get(pod) {
        Some(ProbeResult::Seen(facts)) => Ok(facts),
        Some(ProbeResult::Unreachable(why)) => Err(unreachable(pod, why)),
        None => {
            let message = "nothing is known of this pod: it was never looked at".to_owned();
            let finding = Finding::on(Severity::Error, Code::NeverSeen, pod, message);
            Err(finding.help("plan again without --offline"))
        }
    }
}

pub(in crate::plan) fn unreachable(pod: &PodName, why: &Unreachable) -> Finding {
    let Unreachable { code, why, help } = why;
    let mut finding =
        Finding::on(Severity::Error, Code::parse(code).unwrap_or(Code::Other), pod, why.clone());
    finding.help.clone_from(help);
    finding
}

/// What `rule` drafts for a pod, and what is to be said of every pod.
fn draft(inputs: &Inputs<'_>, site: &PodContext<'_>, rule: impl Fn(&PodContext<'_>) -> PodPlan) -> PodPlan {
    let mut draft = rule(site);
    draft.findings.extend(pod_findings::locked(site));
    draft.findings.extend(pod_findings::restarted(site));
    draft.findings.extend(whose::neighbors(site));
    let renamed = whose::renamed(inputs, site, &draft);
    draft.findings.extend(renamed);
    let exposed = exposed::plain_http(site, &draft);
    draft.findings.extend(exposed);
    draft
}

/// From so many pods on it pays to draft on several cores.
const MANY: usize = 64;

/// Every site's draft, in their order. No pod's draft depends on another's.
fn on_all_cores<T: Sync>(sites: &[T], draft: &(impl Fn(&T) -> PodPlan + Sync)) -> Vec<PodPlan> {
    if sites.len() < MANY { sites.iter().map(draft).collect() } else { sites.par_iter().map(draft).collect() }
}

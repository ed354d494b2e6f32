//! One pod: everything from storage to servers.

use crate::manifest::{EngineKind, State};
use crate::name::{EngineId, ModelName};
use crate::plan::findings::pod_findings;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::pod_plan::{Needs, Unnumbered};
use crate::plan::model::reason::Reason;
use crate::plan::model::rollout::Rollout;
use crate::plan::model::step::Action;
use crate::plan::model::step::Plan;
use crate::plan::pods::over_pods::over_pods;
use crate::plan::resolve::engine;
use crate::plan::rollout::beside;
use crate::plan::rollout::fetches::Fetches;
use crate::plan::rollout::packages::{Build, packages};
use crate::plan::rollout::removals::removals;
use crate::plan::rollout::run::Run;
use crate::plan::rollout::server;
use crate::plan::rollout::servers::runs;
use crate::plan::simulate::act;
use crate::plan::usage::{secrets, storage, whose};
use crate::spec::EngineRecipe;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What has to be done so that the pods are as the manifest wants them.
#[must_use]
pub fn plan(inputs: &Inputs<'_>) -> Plan {
    over_pods(inputs, |site| pod(inputs, site))
}

/// Drafts what has to be done on one pod.
pub(in crate::plan) fn pod(inputs: &Inputs<'_>, site: &PodContext<'_>) -> PodPlan {
    let mut draft = PodPlan { findings: pod_findings::gaps(site), ..PodPlan::default() };
    if let Some(finding) = storage::hidden(site).or_else(|| pod_findings::wrong_gpus(site)) {
        return stops_alone(inputs, site, finding, draft);
    }
    draft.findings.extend(pod_findings::odd_gpus(site));
    draft.findings.extend(pod_findings::orphans(site));
    draft.findings.extend(storage::other(site));
    let mut facts = Cow::Borrowed(site.facts);
    if let Some(mount) = storage::mount(inputs, site) {
        // what is on the storage can't be seen yet: the rest is planned for the pod as it will be then
        act(facts.to_mut(), &mount.action);
        draft.steps.push(mount);
    }
    draft.steps.extend(beside::take_up(inputs, site, &mut facts));
    let mut stops: Vec<ModelName> = Vec::new();
    let rest = loop {
        match servers(inputs, &PodContext { facts: &facts, ..*site }) {
            Ok(rest) => break rest,
            Err(Obstacle::Displaced(name)) => draft.steps.push(beside::give_up(facts.to_mut(), &name)),
            Err(Obstacle::Circle(name)) => {
                // some trade places, and one has to go first: here, too, the rest is planned for what will be then
                let action = Action::StopServer(name.clone());
                act(facts.to_mut(), &action);
                let needs = Needs { stopped: stops.clone(), ..Needs::default() };
                draft.steps.push(Unnumbered { action, reason: TRADES.into(), needs });
                stops.push(name);
            }
        }
    };
    draft.add(rest);
    let adopted = whose::adopt(inputs, &PodContext { facts: &facts, ..*site }, &draft);
    draft.steps.extend(adopted);
    draft
}

/// Drafts the stops of a pod on which nothing else may be done: they need neither its storage nor its GPUs. Where only
/// stops were asked for, what is in the way of the rest is no error.
fn stops_alone(inputs: &Inputs<'_>, site: &PodContext<'_>, finding: Finding, mut draft: PodPlan) -> PodPlan {
    stops(inputs, site, &mut draft);
    let stopped =
        |step: &Unnumbered| draft.steps.iter().any(|other| other.action.server() == step.action.server());
    let adopted: Vec<_> = whose::adopt(inputs, site, &draft).into_iter().filter(stopped).collect();
    draft.steps.extend(adopted);
    let mut asked = site.models.iter().filter(|(name, _)| inputs.scope.has_server(site.name, name));
    let all_stop = asked.all(|(_, model)| model.state == State::Stopped);
    let severity =
        if all_stop && !inputs.scope.has_all_of(site.name) { Severity::Warning } else { finding.severity };
    draft.findings.push(Finding { severity, ..finding });
    draft
}

/// Drafts the stops of servers that pi.toml wants stopped.
fn stops(inputs: &Inputs<'_>, site: &PodContext<'_>, draft: &mut PodPlan) {
    for (name, model) in site.models.iter().filter(|(name, _)| inputs.scope.has_server(site.name, name)) {
        if model.state == State::Stopped {
            server::plan_stop(inputs, site, (name, model), draft);
        }
    }
}

/// Why a server is stopped that is started again.
const TRADES: &str = "it trades places with other servers";

/// What has to go first.
enum Obstacle {
    /// A server, since some trade places.
    Circle(ModelName),
    /// What was started beside a server, and can't stay where it is.
    Displaced(ModelName),
}

/// Drafts everything but storage, unless something has to go first.
fn servers(inputs: &Inputs<'_>, site: &PodContext<'_>) -> Result<PodPlan, Obstacle> {
    let mut draft = PodPlan::default();
    stops(inputs, site, &mut draft);
    let runs = runs(inputs, site, &mut draft.findings);
    if let Some(run) = runs.iter().find(|run| run.rollout == Rollout::Resumed && run.starts()) {
        return Err(Obstacle::Displaced(run.wanted.spec.name.clone()));
    }
    removals(inputs, site, &runs, &mut draft);
    draft.findings.extend(runs.iter().filter_map(|run| whose::taken_over(site, &run.wanted.spec.name)));
    let kept = if inputs.scope.has_all_of(site.name) { engine::kept(site) } else { Ok(None) };
    let kept = kept.map_err(|finding| draft.findings.push(finding)).unwrap_or_default();
    let needed = runs.iter().filter_map(|run| run.wanted.recipe.as_ref());
    let fits = runs.iter().filter_map(|run| Some((run.wanted.spec.name.clone(), run.fit.clone()?)));
    draft.fits.extend(fits);
    let engines = engines(site, needed.chain(&kept));
    if runs.iter().any(starts_on_gpus) {
        match packages(site, Build::of(&engines)) {
            Ok(step) => draft.steps.extend(step),
            Err(finding) => draft.findings.push(finding),
        }
    }
    draft.findings.extend(cramped(site, &engines));
    draft.steps.extend(engines);
    draft.steps.extend(secrets::write(inputs, site.facts, runs.iter().map(|run| &run.wanted.spec)));
    let needed: Vec<_> = runs.iter().filter_map(|run| run.wanted.fetch.clone()).collect();
    let fetches: Fetches<'_> = needed.iter().collect();
    draft.steps.extend(fetches.steps());
    server::draft(runs, &fetches, &mut draft).map_err(Obstacle::Circle)?;
    Ok(draft)
}

/// Whether it takes a C compiler to start it: vLLM builds kernels for its GPUs.
fn starts_on_gpus(run: &Run<'_>) -> bool {
    let spec = &run.wanted.spec;
    run.starts() && spec.kind == EngineKind::Vllm && !spec.gpus.is_empty()
}

/// Steps for the engines that are not there as they should be.
pub(in crate::plan) fn engines<'a>(
    site: &PodContext<'_>,
    recipes: impl Iterator<Item = &'a EngineRecipe>,
) -> Vec<Unnumbered> {
    let recipes: BTreeMap<&EngineId, &EngineRecipe> = recipes.map(|recipe| (&recipe.id, recipe)).collect();
    let missing = recipes.into_values().filter_map(|recipe| {
        let reason = match site.facts.engines.get(&recipe.id).map(|seen| &seen.digest) {
            Some(Some(digest)) if *digest == recipe.digest() => return None,
            Some(Some(_)) => "it was built from other packages".into(),
            Some(None) => "its installation did not finish".into(),
            None => Reason::Missing,
        };
        Some(Unnumbered::new(Action::InstallEngine(recipe.clone()), reason))
    });
    missing.collect()
}

/// What stands against building engines: the disk.
pub(in crate::plan) fn cramped(site: &PodContext<'_>, engines: &[Unnumbered]) -> Vec<Finding> {
    let no_room = |step: &Unnumbered| {
        let Action::InstallEngine(recipe) = &step.action else { return None };
        engine::no_room(site, recipe)
    };
    engines.iter().filter_map(no_room).collect()
}

//! The other plan: everything that the manifest names goes away.

use crate::manifest::{EngineKind, Protect};
use crate::model_ref::ModelRef;
use crate::name::{EngineId, ModelName};
use crate::observe::{Life, Section, ServerSeen, Whose};
use crate::plan::findings::pod_findings;
use crate::plan::findings::server_findings::protected;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::inputs::{Protected, Scope};
use crate::plan::model::not_looked_at;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::pod_plan::PodPlan;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::step::{Action, Plan};
use crate::plan::pods::over_pods::over_pods;
use crate::plan::resolve::engine::{Engine, engine, kept};
use crate::plan::resolve::weights;
use crate::plan::usage::whose;
use crate::spec::ServerSpec;
use std::collections::BTreeSet;

/// How much goes away beside the servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Weights in the HF cache, where no other server uses them.
    pub weights: Removal,
    /// Engine environments, where no other server uses them.
    pub engines: Removal,
}

/// Whether something is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Removal {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Remove,
}

/// What has to be done so that nothing the manifest names is left on the pods.
#[must_use]
pub fn destroy(inputs: &Inputs<'_>, extent: Extent) -> Plan {
    over_pods(inputs, |site| pod(inputs, site, extent))
}

fn pod(inputs: &Inputs<'_>, site: &PodContext<'_>, extent: Extent) -> PodPlan {
    let mut draft = PodPlan { findings: pod_findings::gaps(site), ..PodPlan::default() };
    for (name, seen) in site.own_servers() {
        if !inputs.scope.has_server(site.name, name) {
            continue;
        }
        let protect = site.model(name).map_or(Protect::No, |model| model.protect);
        if protect == Protect::Yes && inputs.protected == Protected::Keep {
            draft.findings.push(protected(site, name, "be stopped"));
            continue;
        }
        let reason = match &seen.life {
            Life::Running { .. } => "it will be stopped",
            Life::Dead { .. } => "it is dead, its record is left",
            Life::Stopped => "it is stopped, its record is left",
        };
        let action = Action::RemoveServer(name.clone());
        draft.findings.extend(whose::taken_over(site, name));
        draft.steps.push(Unnumbered::new(action, reason));
    }
    let named = site.models.iter().filter(|(name, _)| inputs.scope.has_server(site.name, name));
    draft.findings.extend(named.filter_map(|(name, _)| whose::taken(site, name).err()));
    let others: Vec<&ServerSeen> = others(site, &draft);
    if let Some(finding) = unknown(site, extent, &others) {
        draft.findings.push(finding);
        return draft;
    }
    if extent.engines == Removal::Remove {
        draft.steps.extend(engines(inputs, site, &others));
        draft.steps.extend(rest(inputs, site, &others));
        draft.findings.extend(rest_stays(inputs, site, &others));
    }
    if extent.weights == Removal::Remove {
        let help = "they are not removed; try again";
        let hidden = || not_looked_at::hidden(site, Section::Weights, "which weights are there", help);
        draft.findings.extend(site.facts.cache.is_unknown().then(hidden));
        draft.steps.extend(cached_weights(inputs, site, &others));
    }
    draft
}

/// Servers that stay: they may need an engine or weights that this manifest names too.
fn others<'a>(site: &PodContext<'a>, draft: &PodPlan) -> Vec<&'a ServerSeen> {
    let leaving: BTreeSet<&ModelName> = draft.steps.iter().filter_map(|step| step.action.server()).collect();
    site.facts.servers.iter().filter(|(name, _)| !leaving.contains(name)).map(|(_, seen)| seen).collect()
}

/// Whether it can't be told what those that stay need: then all of it stays.
fn unknown(site: &PodContext<'_>, extent: Extent, others: &[&ServerSeen]) -> Option<Finding> {
    let hides = |seen: &&&ServerSeen| {
        seen.whose(site.project) != Whose::Nobodys && seen.both().any(|seen| seen.spec.is_err())
    };
    others.iter().find(hides).filter(|_| extent != Extent::default())?;
    let message =
        "engines and weights stay: a server has a record that can't be read, and may use them".to_owned();
    Some(Finding::on(Severity::Warning, Code::Kept, site.name, message).help("`pi list` shows which"))
}

/// What servers are, and may be again.
fn specs<'a>(others: &[&'a ServerSeen]) -> impl Iterator<Item = &'a ServerSpec> {
    let one = |seen: &'a ServerSeen| seen.spec.as_ref().ok().into_iter().chain(seen.past.previous.as_deref());
    others.iter().copied().flat_map(ServerSeen::both).flat_map(one)
}

fn engines(inputs: &Inputs<'_>, site: &PodContext<'_>, others: &[&ServerSeen]) -> Vec<Unnumbered> {
    let used = |id: &EngineId| specs(others).any(|spec| spec.engine.as_ref() == Some(id));
    let kept = kept(site).ok().flatten().filter(|_| inputs.scope.has_all_of(site.name));
    let mut ids: BTreeSet<EngineId> = models(inputs, site)
        .filter(|model| model.engine.kind != EngineKind::Command || model.engine.build.is_some())
        .filter_map(|model| match engine(site, &model.engine, &model.gpus) {
            Ok(Engine::Environment(recipe)) => Some(recipe.id),
            Ok(Engine::Own) | Err(_) => None,
        })
        .chain(kept.map(|recipe| recipe.id))
        .collect();
    if is_last(inputs, others) {
        ids.extend(site.facts.engines.keys().cloned());
    }
    let there = ids.into_iter().filter(|id| site.facts.engines.contains_key(id) && !used(id));
    let step = |id| Unnumbered::new(Action::RemoveEngine(id), "no server uses it any more");
    there.map(step).collect()
}

/// Whether nobody is left on the pod, and nobody was left out of the plan.
fn is_last(inputs: &Inputs<'_>, others: &[&ServerSeen]) -> bool {
    others.is_empty() && *inputs.scope == Scope::All
}

fn has_rest(site: &PodContext<'_>) -> bool {
    !site.facts.rest.is_empty() || site.facts.secrets.seen().is_none_or(|secrets| !secrets.is_empty())
}

/// What nobody needs once the last server has gone: the secrets above all.
fn rest(inputs: &Inputs<'_>, site: &PodContext<'_>, others: &[&ServerSeen]) -> Option<Unnumbered> {
    (has_rest(site) && is_last(inputs, others))
        .then(|| Unnumbered::new(Action::RemovePiFiles, "no server is left that needs them"))
}

/// What stays of pi's own things, since servers of others are left that live from them.
fn rest_stays(inputs: &Inputs<'_>, site: &PodContext<'_>, others: &[&ServerSeen]) -> Option<Finding> {
    let left = others.len();
    (has_rest(site) && left > 0 && *inputs.scope == Scope::All).then(|| {
        let servers = if left == 1 {
            "a server is left that needs them".to_owned()
        } else {
            format!("{left} servers are left that need them")
        };
        let message = format!("secrets and tools in {} stay: {servers}", site.facts.pi_path);
        Finding::on(Severity::Note, Code::Kept, site.name, message)
    })
}

fn cached_weights(inputs: &Inputs<'_>, site: &PodContext<'_>, others: &[&ServerSeen]) -> Vec<Unnumbered> {
    let used = |model: &ModelRef| specs(others).any(|spec| weights::same_repo(&spec.model, model));
    let mut repos = BTreeSet::new();
    for model in models(inputs, site).map(|model| &model.model) {
        if let Some(repo) = weights::whole_repo(model, site.facts).filter(|_| !used(model)) {
            repos.insert(repo);
        }
    }
    let step = |repo| Unnumbered::new(Action::RemoveWeights(repo), "no server uses them any more");
    repos.into_iter().map(step).collect()
}

fn models<'a>(
    inputs: &'a Inputs<'_>,
    site: &'a PodContext<'_>,
) -> impl Iterator<Item = &'a crate::manifest::Model> {
    site.models.iter().filter(|(name, _)| inputs.scope.has_server(site.name, name)).map(|(_, model)| *model)
}

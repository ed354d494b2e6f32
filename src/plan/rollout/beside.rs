//! Servers that are changed without being down: the new one starts beside the one that runs, which goes once it answers.
//!
//! That takes GPUs and a port of its own. All that is placed otherwise comes first, so that a plan that was done in part is
//! taken up with the same places.

use crate::manifest::{GpuAsk, Protect, State};
use crate::name::{ModelName, Port};
use crate::observe::{Life, PodFacts, ServerSeen};
use crate::plan::findings::start_findings::start_findings;
use crate::plan::model::change::changes;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::inputs::Protected;
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::{PodContext, is_live};
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::rollout::Rollout;
use crate::plan::model::step::Action;
use crate::plan::place::{is_content, spare_gpus, spare_port};
use crate::plan::resolve::estimate::{Estimate, estimate};
use crate::plan::resolve::wanted::Place;
use crate::plan::resolve::wanted::{AtPlace, Candidate, candidate};
use crate::plan::rollout::run::Placed;
use crate::plan::server_diff::ServerDiff;
use crate::plan::simulate::act;
use crate::spec::ServerSpec;
use std::borrow::Cow;

/// Looks at what was started beside servers. What is as it should be is planned for instead of the one beside which it
/// was started, and the other way round; anything else is removed.
pub(in crate::plan) fn take_up(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    facts: &mut Cow<'_, PodFacts>,
) -> Vec<Unnumbered> {
    // not those of the site: what is mounted first may have hidden them
    let own: Vec<ModelName> = PodContext { facts, ..*site }
        .own_servers()
        .filter(|(name, seen)| seen.beside.is_some() && inputs.scope.has_server(site.name, name))
        .map(|(name, _)| name.clone())
        .collect();
    let mut steps = Vec::new();
    for name in &own {
        let mut swapped = facts.clone().into_owned();
        swap(&mut swapped, name);
        match fate(inputs, &PodContext { facts: &swapped, ..*site }, name) {
            Fate::Wait => {}
            Fate::Adopt => *facts = Cow::Owned(swapped),
            Fate::Remove(reason) => steps.push(remove(facts.to_mut(), name, reason)),
        }
    }
    steps
}

/// Gives up on one that was taken up and can't stay where it is.
pub(in crate::plan) fn give_up(facts: &mut PodFacts, name: &ModelName) -> Unnumbered {
    swap(facts, name);
    remove(facts, name, "others take its place")
}

fn remove(facts: &mut PodFacts, name: &ModelName, reason: &'static str) -> Unnumbered {
    let action = Action::StopRun(name.clone());
    act(facts, &action);
    Unnumbered::new(action, reason)
}

/// Has a server and the one that was started beside it change their roles.
fn swap(facts: &mut PodFacts, name: &ModelName) {
    let Some(server) = facts.servers.get_mut(name) else { return };
    let Some(mut beside) = server.beside.take() else { return };
    std::mem::swap(server, &mut *beside);
    server.beside = Some(beside);
}

/// What becomes of one that was started beside another.
enum Fate {
    /// It is as it should be, or will be.
    Adopt,
    /// What is wanted can't be told, or may not be done.
    Wait,
    /// It goes; why.
    Remove(&'static str),
}

fn fate(inputs: &Inputs<'_>, swapped: &PodContext<'_>, name: &ModelName) -> Fate {
    let Some(model) = swapped.model(name).filter(|model| model.state == State::Running) else {
        return Fate::Remove("the server is no longer wanted");
    };
    if !swapped.live(name).is_some_and(|seen| matches!(seen.life, Life::Running { .. })) {
        return Fate::Remove("it did not come up");
    }
    match candidate(inputs, swapped, name, model) {
        Err(_) => Fate::Wait,
        // an earlier pi started the new one on the port of the one that runs: clients reach either
        Ok(_) if on_one_port(swapped, name) => Fate::Remove("it listens on the port of the running one"),
        Ok(it) if !is_content(inputs, swapped, &it) => Fate::Remove("pi.toml asks for something else now"),
        Ok(_) if model.protect == Protect::Yes && inputs.protected == Protected::Keep => Fate::Wait,
        Ok(_) => Fate::Adopt,
    }
}

fn on_one_port(swapped: &PodContext<'_>, name: &ModelName) -> bool {
    let port = |seen: &ServerSeen| seen.spec.as_ref().ok().filter(|_| is_live(seen)).map(|spec| spec.port);
    swapped.facts.servers.get(name).is_some_and(|new| {
        new.beside.as_deref().is_some_and(|now| port(now).is_some() && port(now) == port(new))
    })
}

/// Puts servers that are to be changed beside those that run, where there is room for both.
pub(in crate::plan) fn put(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    all: &mut [(Candidate<'_>, Option<Placed>)],
    pinned: &Pinned<'_>,
) {
    let staying = pinned.iter().filter_map(|name| site.live(name)?.spec.as_ref().ok());
    let mut others: Vec<ServerSpec> = staying.cloned().collect();
    for at in 0..all.len() {
        let placed = all.iter().enumerate().filter(|(other, _)| *other != at);
        let placed = placed.filter_map(|(_, (_, placed))| Some(&placed.as_ref()?.at.spec));
        let around: Vec<&ServerSpec> = others.iter().chain(placed).collect();
        let (candidate, Some(placed)) = &all[at] else { continue };
        let ServerDiff::Differs(reason, _) = &placed.diff else { continue };
        let Some(now) = serves(candidate.seen) else { continue };
        if !inputs.scope.has_server(site.name, candidate.name) {
            continue;
        }
        let found = place(site, (candidate, &placed.at.spec), now, (&around, pinned))
            .and_then(|place| fits(inputs, site, candidate, place));
        let placed = match found {
            Ok(found) => {
                others.push(now.clone());
                let diff = ServerDiff::Differs(reason.clone(), changes(now, &found.at.spec));
                let Fitting { at, estimate, findings } = found;
                Placed { at, estimate, diff, findings, rollout: Rollout::SideBySide }
            }
            Err(why) => Placed { rollout: Rollout::Recreate(Some(why)), ..placed.clone() },
        };
        all[at].1 = Some(placed);
    }
}

/// What a server is that clients may be using now.
fn serves(seen: Option<&ServerSeen>) -> Option<&ServerSpec> {
    let seen = seen.filter(|seen| seen.answered && is_live(seen))?;
    seen.spec.as_ref().ok().filter(|_| matches!(seen.life, Life::Running { health: Some(200), .. }))
}

/// Where the new one can be while the other one runs, or why nowhere.
fn place(
    site: &PodContext<'_>,
    (candidate, wanted): (&Candidate<'_>, &ServerSpec),
    now: &ServerSpec,
    (around, pinned): (&[&ServerSpec], &Pinned<'_>),
) -> Result<Place, String> {
    if wanted.gpus.is_empty() {
        return Err("on the CPU there may not be memory for two".to_owned());
    }
    let meets =
        |one: &ServerSpec| around.iter().any(|other| other.gpus.iter().any(|gpu| one.gpus.contains(gpu)));
    if meets(now) || meets(wanted) {
        return Err("other servers use its GPUs, or will".to_owned());
    }
    if around.iter().any(|other| other.port == now.port) {
        return Err("another server takes its port".to_owned());
    }
    let port = port(site, candidate, now, (around, pinned))?;
    let taken: Vec<&ServerSpec> = around.iter().copied().chain([now]).collect();
    let apart = wanted.gpus.iter().all(|gpu| !now.gpus.contains(gpu));
    let gpus = match &candidate.model.gpus {
        _ if apart => wanted.gpus.clone(),
        GpuAsk::Ids(_) => return Err("`gpus` in pi.toml names the GPUs it has".to_owned()),
        GpuAsk::Any | GpuAsk::Count(_) | GpuAsk::Cpu => {
            spare_gpus(site, pinned, &taken, &wanted.gpus).ok_or_else(|| none_free(wanted.gpus.len()))?
        }
    };
    Ok(Place { gpus, port })
}

fn none_free(count: usize) -> String {
    if count == 1 { "no other GPU is free".to_owned() } else { format!("no other {count} GPUs are free") }
}

fn port(
    site: &PodContext<'_>,
    candidate: &Candidate<'_>,
    now: &ServerSpec,
    (around, pinned): (&[&ServerSpec], &Pinned<'_>),
) -> Result<Port, String> {
    match candidate.model.port {
        Some(port) if port != now.port => Ok(port),
        Some(port) => Err(format!("pi.toml sets `port = {port}`; without it, the new one could start first")),
        None => {
            let taken = around.iter().map(|other| other.port).chain([now.port]).collect();
            let none = || "no other port that clients can reach is free".to_owned();
            spare_port(site, pinned, taken, now).ok_or_else(none)
        }
    }
}

/// A server at a place where it will start.
struct Fitting {
    at: AtPlace,
    estimate: Option<Estimate>,
    findings: Vec<Finding>,
}

/// The server at that place, if it will start there.
fn fits(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    candidate: &Candidate<'_>,
    place: Place,
) -> Result<Fitting, String> {
    let at = candidate.at(inputs, site, place);
    let estimate = estimate(inputs, site, &at.spec, at.choice.version.as_ref());
    let findings = start_findings(inputs, site, candidate.model, &at, estimate.as_ref());
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err("it does not fit on the GPUs that are free".to_owned());
    }
    Ok(Fitting { at, estimate, findings })
}

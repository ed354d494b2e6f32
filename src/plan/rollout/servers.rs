//! Which servers of a pod run, where, and what each takes to get there.
//!
//! A server that stays as it is, because nobody asked about it, because it is protected, because what is wanted of it
//! can't be had, keeps its place: the others are put around it.

use crate::manifest::{Protect, State};
use crate::name::ModelName;
use crate::plan::findings::server_findings::protected;
use crate::plan::findings::server_findings::server_findings;
use crate::plan::findings::start_findings::start_findings;
use crate::plan::findings::unseen::unseen;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::inputs::Protected;
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::rollout::Rollout;
use crate::plan::place::{is_content, place};
use crate::plan::resolve::disk_budget::DiskBudget;
use crate::plan::resolve::estimate::estimate;
use crate::plan::resolve::wanted::Place;
use crate::plan::resolve::wanted::{AtPlace, Candidate, candidate};
use crate::plan::rollout::beside;
use crate::plan::rollout::outside::unmapped;
use crate::plan::rollout::previous::previous_servers;
use crate::plan::rollout::run::{Placed, Run};
use crate::plan::server_diff::{ServerDiff, diff};
use std::collections::{BTreeMap, BTreeSet};

/// Every server in scope that shall run and can, by name; what stands in the way of others becomes findings.
pub(in crate::plan) fn runs<'a>(
    inputs: &Inputs<'_>,
    site: &PodContext<'a>,
    findings: &mut Vec<Finding>,
) -> Vec<Run<'a>> {
    let mut placeless = Placeless::new();
    let Round { candidates, placed, pinned, findings: told } = loop {
        let (round, downloads) = round(inputs, site, &placeless);
        if downloads.is_empty() {
            break round;
        }
        // what they would have taken of the disk, or freed there, is not to be counted for the others
        placeless.extend(downloads);
    };
    findings.extend(told);
    let in_scope = |candidate: &Candidate<'_>| inputs.scope.has_server(site.name, candidate.name);
    let mut all: Vec<_> = candidates.into_iter().zip(placed).collect();
    beside::put(inputs, site, &mut all, &pinned);
    let mut runs = Vec::new();
    for (candidate, placed) in all {
        let Some(placed) = placed.filter(|_| in_scope(&candidate)) else { continue };
        let Placed { at: AtPlace { spec, choice }, estimate, diff, findings: own, rollout } = placed;
        findings.extend(own);
        let now = site.live(candidate.name).and_then(|seen| seen.spec.as_ref().ok());
        let seen = candidate.seen;
        findings.extend(server_findings(inputs, site, (&candidate, &spec), (&diff, &rollout)));
        let fit = estimate.map(|estimate| estimate.fit);
        let launch = choice.shown(&spec, fit.as_ref());
        let wanted = candidate.into_wanted(spec, launch);
        runs.push(Run { wanted, fit, diff, now, seen, previous: None, rollout });
    }
    findings.extend(unmapped(site, &runs));
    previous_servers(site, &mut runs, &pinned);
    runs
}

/// Servers that were refused a place, and why: nothing is downloaded for them.
type Placeless<'a> = BTreeMap<&'a ModelName, Finding>;

/// Everybody at their place.
struct Round<'a> {
    candidates: Vec<Candidate<'a>>,
    placed: Vec<Option<Placed>>,
    pinned: Pinned<'a>,
    findings: Vec<Finding>,
}

/// Finds everybody's place; beside it those without one whose downloads were counted.
fn round<'a>(
    inputs: &Inputs<'_>,
    site: &PodContext<'a>,
    placeless: &Placeless<'a>,
) -> (Round<'a>, Placeless<'a>) {
    let (mut pinned, mut findings) = (untouched(inputs, site), Vec::new());
    let mut candidates = admitted(inputs, site, &mut pinned, placeless, &mut findings);
    let mut downloads = Placeless::new();
    loop {
        let Settled { mut placed, mut refused } = settle(inputs, site, &candidates, &pinned);
        let in_scope = |name: &ModelName| inputs.scope.has_server(site.name, name);
        let lives = |refusal: &&Refusal<'_>| in_scope(refusal.name) && site.live(refusal.name).is_some();
        if !refused.iter().any(|refusal| lives(&refusal)) {
            refused.extend(unfetched(&candidates, &mut placed, placeless));
        }
        // whoever can't have what is wanted keeps what it has, which may be in the way of others: those that are
        // refused whatever the others do go first, and then all are placed anew; whoever has nothing takes no port
        let first = refused.iter().filter(lives).map(|refusal| refusal.why).min();
        let outgoing = |refusal: &Refusal<'_>| match first {
            Some(first) => lives(&refusal) && refusal.why == first,
            None => in_scope(refusal.name) && refusal.why == Why::NoPlace,
        };
        let done = !refused.iter().any(outgoing);
        let told = refused.into_iter().filter(|refusal| outgoing(refusal) || done && in_scope(refusal.name));
        let mut gone = Pinned::new();
        for Refusal { name, why: _, finding } in told {
            let fetches = candidates.iter().any(|it| it.name == name && it.fetch().is_some());
            if fetches && !placeless.contains_key(name) {
                downloads.insert(name, finding.clone());
            }
            findings.push(finding);
            gone.insert(name);
        }
        if done {
            return (Round { candidates, placed, pinned, findings }, downloads);
        }
        candidates.retain(|candidate| !gone.contains(candidate.name));
        pinned.extend(gone.into_iter().filter(|name| site.live(name).is_some()));
    }
}

/// Those that have a place now, because somebody's download has no room without theirs. They are refused as before:
/// else two would take turns.
fn unfetched<'a>(
    candidates: &[Candidate<'a>],
    placed: &mut [Option<Placed>],
    placeless: &Placeless<'a>,
) -> Vec<Refusal<'a>> {
    let mut refused = Vec::new();
    for (candidate, placed) in candidates.iter().zip(placed) {
        let Candidate { name, .. } = candidate;
        if let (Some(finding), Some(_)) = (placeless.get(name), &placed) {
            *placed = None;
            refused.push(Refusal { name, why: Why::NoPlace, finding: finding.clone() });
        }
    }
    refused
}

/// Servers that shall run and have what does not depend on their place: an engine, weights or room for them. Those
/// that lack something stay as they are.
fn admitted<'a>(
    inputs: &Inputs<'_>,
    site: &PodContext<'a>,
    pinned: &mut Pinned<'a>,
    placeless: &Placeless<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Candidate<'a>> {
    let (mut candidates, mut room) = (Vec::new(), DiskBudget::of(site));
    for (name, model) in site.models.iter().filter(|(_, model)| model.state == State::Running) {
        let in_scope = inputs.scope.has_server(site.name, name);
        let downloads = in_scope && !placeless.contains_key(name);
        let candidate = candidate(inputs, site, name, model);
        match candidate.and_then(|it| if downloads { room.admit(it) } else { Ok(it) }) {
            Ok(candidate) if in_scope || !pinned.contains(name) => {
                findings.extend(candidate.notes.iter().filter(|_| in_scope).cloned());
                candidates.push(candidate);
            }
            Ok(_) => {}
            Err(finding) => {
                findings.extend(in_scope.then_some(finding));
                pinned.insert(name);
            }
        }
    }
    candidates
}

/// Servers that this plan is not about, or may not touch.
fn untouched<'a>(inputs: &Inputs<'_>, site: &PodContext<'a>) -> Pinned<'a> {
    let own: BTreeSet<&ModelName> = site.own_servers().map(|(name, _)| name).collect();
    let pinned = |name: &&ModelName| {
        let may_not_stop = || {
            site.model(name).is_some_and(|model| {
                model.state == State::Stopped
                    && model.protect == Protect::Yes
                    && inputs.protected == Protected::Keep
            })
        };
        site.live(name).is_some()
            && (!own.contains(*name) || !inputs.scope.has_server(site.name, name) || may_not_stop())
    };
    site.facts.servers.keys().filter(pinned).collect()
}

/// Each candidate at its place, and those that can't be what they should be.
struct Settled<'a> {
    placed: Vec<Option<Placed>>,
    refused: Vec<Refusal<'a>>,
}

struct Refusal<'a> {
    name: &'a ModelName,
    why: Why,
    finding: Finding,
}

/// Why a candidate is refused; what depends on others comes later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// It does not fit on its GPUs, or would not start there, or nobody can tell.
    TooLarge,
    /// It is protected, and would be restarted wherever it is.
    Protected,
    /// There is no place for it.
    NoPlace,
    /// It runs as it should, is protected, and others want its place: they may yet be refused.
    Displaced,
    /// It runs as it should, others want its place, and there is no other one: they may yet be refused.
    Crowded,
}

fn settle<'a>(
    inputs: &Inputs<'_>,
    site: &PodContext<'a>,
    candidates: &[Candidate<'a>],
    pinned: &Pinned<'a>,
) -> Settled<'a> {
    let mut settled = Settled { placed: Vec::new(), refused: Vec::new() };
    for (candidate, place) in candidates.iter().zip(place(inputs, site, candidates, pinned)) {
        let placed = match place {
            Ok(place) => at_place(inputs, site, candidate, place),
            Err(finding) if is_content(inputs, site, candidate) => Err((Why::Crowded, finding)),
            Err(finding) => Err((Why::NoPlace, finding)),
        };
        let refuse = |(why, finding)| settled.refused.push(Refusal { name: candidate.name, why, finding });
        settled.placed.push(placed.map_err(refuse).ok());
    }
    settled
}

fn at_place(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    candidate: &Candidate<'_>,
    place: Place,
) -> Result<Placed, (Why, Finding)> {
    let at = candidate.at(inputs, site, place);
    let spec = &at.spec;
    let diff = diff(candidate.seen, spec);
    let starts = !matches!(diff, ServerDiff::UpToDate | ServerDiff::Starting(_));
    if let Some(finding) = unseen(site, candidate, spec).filter(|_| starts) {
        return Err((Why::TooLarge, finding));
    }
    let version = at.choice.version.as_ref();
    let estimate = if starts { estimate(inputs, site, spec, version) } else { None };
    let findings = match &diff {
        // what runs as it should has shown that it can
        ServerDiff::UpToDate | ServerDiff::Unresponsive(_) | ServerDiff::Starting(_) => Vec::new(),
        ServerDiff::NotRunning(_) | ServerDiff::Differs(..) => {
            start_findings(inputs, site, candidate.model, &at, estimate.as_ref())
        }
    };
    if let Some(finding) = findings.iter().find(|finding| finding.severity == Severity::Error) {
        return Err((Why::TooLarge, finding.clone()));
    }
    let may_restart = candidate.model.protect == Protect::No || inputs.protected == Protected::Allow;
    match &diff {
        ServerDiff::Differs(reason, _) | ServerDiff::Unresponsive(reason) if !may_restart => {
            let finding = protected(site, candidate.name, &format!("be restarted: {reason}"));
            let content = is_content(inputs, site, candidate);
            Err((if content { Why::Displaced } else { Why::Protected }, finding))
        }
        ServerDiff::UpToDate
        | ServerDiff::Unresponsive(_)
        | ServerDiff::Starting(_)
        | ServerDiff::NotRunning(_)
        | ServerDiff::Differs(..) => {
            let begun = candidate.seen.is_some_and(|seen| seen.beside.is_some());
            let rollout = if begun { Rollout::Resumed } else { Rollout::Recreate(None) };
            Ok(Placed { at, estimate, diff, findings, rollout })
        }
    }
}

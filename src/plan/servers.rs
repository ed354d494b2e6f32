//! Which servers of a pod run, where, and what each takes to get there.
//!
//! A server that stays as it is, because nobody asked about it, because it is protected, because what is wanted of it
//! can't be had, keeps its place: the others are put around it.

use crate::manifest::{Protect, State};
use crate::name::ModelName;
use crate::plan::finding::Finding;
use crate::plan::inputs::Protected;
use crate::plan::place::{Place, is_content, place};
use crate::plan::server::{Verdict, protected, verdict};
use crate::plan::wanted::{Candidate, Wanted, candidate};
use crate::plan::{Inputs, Site};
use crate::spec::ServerSpec;
use std::collections::BTreeSet;

/// Servers that stay as they are, whatever is planned.
pub(super) type Stays<'a> = BTreeSet<&'a ModelName>;

/// A server that shall run and can.
pub(super) struct Run<'a> {
    pub(super) wanted: Wanted,
    pub(super) verdict: Verdict,
    /// What runs now or is left of it, if its record can be read: its place is taken until it is stopped.
    pub(super) now: Option<&'a ServerSpec>,
}

/// Every server in scope that shall run and can, by name; what stands in the way of others becomes findings.
pub(super) fn runs<'a>(inputs: &Inputs<'_>, site: &Site<'a>, findings: &mut Vec<Finding>) -> Vec<Run<'a>> {
    let mut stays = untouched(inputs, site);
    let mut candidates = Vec::new();
    for (name, model) in site.models.iter().filter(|(_, model)| model.state == State::Running) {
        let in_scope = inputs.scope.has_server(site.name, name);
        match candidate(inputs, site, (name, model)) {
            Ok(candidate) if in_scope || !stays.contains(name) => candidates.push(candidate),
            Ok(_) => {}
            Err(finding) => {
                findings.extend(in_scope.then_some(finding));
                stays.insert(name);
            }
        }
    }
    let specs = loop {
        let Settled { specs, refused } = settle(inputs, site, &candidates, &stays);
        let in_scope = |name: &ModelName| inputs.scope.has_server(site.name, name);
        let lives = |refusal: &&Refusal<'_>| in_scope(refusal.name) && site.live(refusal.name).is_some();
        // whoever can't have what is wanted keeps what it has, which may be in the way of others: those that are
        // refused whatever the others do go first, and then all are placed anew
        let first = refused.iter().filter(lives).map(|refusal| refusal.why).min();
        let staying: Stays<'_> =
            refused.iter().filter(lives).filter(|r| Some(r.why) == first).map(|r| r.name).collect();
        let told = refused
            .into_iter()
            .filter(|refusal| in_scope(refusal.name) && (first.is_none() || staying.contains(refusal.name)));
        findings.extend(told.map(|refusal| refusal.finding));
        if staying.is_empty() {
            break specs;
        }
        candidates.retain(|candidate| !staying.contains(candidate.name));
        stays.extend(staying);
    };
    let placed = candidates.into_iter().zip(specs);
    let run = |(candidate, spec): (Candidate<'a>, Option<(ServerSpec, Verdict)>)| {
        let name = candidate.name;
        let (spec, verdict) = spec?;
        let now = site.live(name).and_then(|seen| seen.spec.as_ref().ok());
        let run = || Run { wanted: candidate.into_wanted(spec), verdict, now };
        inputs.scope.has_server(site.name, name).then(run)
    };
    placed.filter_map(run).collect()
}

/// Servers that this plan is not about, or may not touch.
fn untouched<'a>(inputs: &Inputs<'_>, site: &Site<'a>) -> Stays<'a> {
    let own: BTreeSet<&ModelName> = site.own_servers().map(|(name, _)| name).collect();
    let stays = |name: &&ModelName| {
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
    site.facts.servers.keys().filter(stays).collect()
}

/// Each candidate at its place with what that takes, and those that can't be what they should be.
struct Settled<'a> {
    specs: Vec<Option<(ServerSpec, Verdict)>>,
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
    /// It is protected, and would be restarted wherever it is.
    Protected,
    /// It is protected, and others want its place.
    Displaced,
    /// There is no place for it.
    NoPlace,
}

fn settle<'a>(
    inputs: &Inputs<'_>,
    site: &Site<'a>,
    candidates: &[Candidate<'a>],
    stays: &Stays<'a>,
) -> Settled<'a> {
    let mut refused = Vec::new();
    let places = place(inputs, site, candidates, stays);
    let mut spec = |(candidate, place): (&Candidate<'a>, Result<Place, Finding>)| {
        let name = candidate.name;
        let refusal = |why, finding| Refusal { name, why, finding };
        let place = place.map_err(|finding| refused.push(refusal(Why::NoPlace, finding))).ok()?;
        let spec = candidate.at(inputs, site, place);
        let may_restart = candidate.model.protect == Protect::No || inputs.protected == Protected::Allow;
        match verdict(candidate.seen, &spec) {
            Verdict::Restart(reason, _) if !may_restart => {
                let finding = protected(site, name, &format!("be restarted: {reason}"));
                let content = is_content(inputs, site, candidate);
                refused.push(refusal(if content { Why::Displaced } else { Why::Protected }, finding));
                None
            }
            verdict @ (Verdict::Standing
            | Verdict::Wait(_)
            | Verdict::Starting(_)
            | Verdict::Start(_)
            | Verdict::Restart(..)) => Some((spec, verdict)),
        }
    };
    let specs = candidates.iter().zip(places).map(&mut spec).collect();
    Settled { specs, refused }
}

//! Which servers of a pod run, where, and what each takes to get there.
//!
//! A server that stays as it is, because nobody asked about it, because it is protected, because what is wanted of it
//! can't be had, keeps its place: the others are put around it.

use crate::manifest::{Protect, State};
use crate::name::ModelName;
use crate::plan::finding::Finding;
use crate::plan::inputs::Protected;
use crate::plan::place::place;
use crate::plan::room::Room;
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
    let (mut candidates, mut room) = (Vec::new(), Room::of(site));
    for (name, model) in site.models.iter().filter(|(_, model)| model.state == State::Running) {
        let in_scope = inputs.scope.has_server(site.name, name);
        let candidate = candidate(inputs, site, (name, model));
        match candidate.and_then(|it| if in_scope { room.admit(it) } else { Ok(it) }) {
            Ok(candidate) if in_scope || !stays.contains(name) => {
                findings.extend(candidate.notes.iter().filter(|_| in_scope).cloned());
                candidates.push(candidate);
            }
            Ok(_) => {}
            Err(finding) => {
                findings.extend(in_scope.then_some(finding));
                stays.insert(name);
            }
        }
    }
    // whoever can't have what is wanted keeps what it has, which may be in the way of others: until nobody is added
    let specs = loop {
        let (specs, refused) = settle(inputs, site, &candidates, &stays);
        let live = |name: &&ModelName| site.live(name).is_some() && inputs.scope.has_server(site.name, name);
        let staying: Stays<'_> = refused.iter().map(|(name, _)| *name).filter(live).collect();
        let told = refused.into_iter().filter(|(name, _)| staying.is_empty() || staying.contains(name));
        let told = told.filter(|(name, _)| inputs.scope.has_server(site.name, name));
        findings.extend(told.flat_map(|(_, findings)| findings));
        if staying.is_empty() {
            break specs;
        }
        candidates.retain(|candidate| !staying.contains(candidate.name));
        stays.extend(staying);
    };
    let placed = candidates.into_iter().zip(specs);
    let run = |(candidate, spec): (Candidate<'a>, Option<ServerSpec>)| {
        let (name, seen) = (candidate.name, candidate.seen);
        let wanted = candidate.into_wanted(spec?);
        let verdict = verdict(seen, &wanted.spec);
        let now = site.live(name).and_then(|seen| seen.spec.as_ref().ok());
        inputs.scope.has_server(site.name, name).then_some(Run { wanted, verdict, now })
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

type Refused<'a> = Vec<(&'a ModelName, Vec<Finding>)>;

/// The spec of each candidate at its place, and those that get none.
fn settle<'a>(
    inputs: &Inputs<'_>,
    site: &Site<'a>,
    candidates: &[Candidate<'a>],
    stays: &Stays<'a>,
) -> (Vec<Option<ServerSpec>>, Refused<'a>) {
    let mut refused = Vec::new();
    let mut places = place(inputs, site, candidates, stays);
    let mut spec = |candidate: &Candidate<'a>| {
        let place = match places.remove(candidate.name)? {
            Ok(place) => place,
            Err(findings) => {
                refused.push((candidate.name, findings));
                return None;
            }
        };
        let spec = candidate.at(inputs, site, place);
        let may_restart = candidate.model.protect == Protect::No || inputs.protected == Protected::Allow;
        match verdict(candidate.seen, &spec) {
            Verdict::Restart(reason, _) if !may_restart => {
                let finding = protected(site, candidate.name, &format!("be restarted: {reason}"));
                refused.push((candidate.name, vec![finding]));
                None
            }
            Verdict::Standing
            | Verdict::Wait(_)
            | Verdict::Starting(_)
            | Verdict::Start(_)
            | Verdict::Restart(..) => Some(spec),
        }
    };
    (candidates.iter().map(&mut spec).collect(), refused)
}

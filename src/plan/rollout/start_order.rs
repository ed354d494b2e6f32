//! In which order the servers of a pod are started: nobody moves in before the one who lived there has moved out, and
//! nobody measures how much of a GPU is free while a neighbor is still taking its share.
//!
//! The order is by name, each step right behind those it waits for. That makes the order of what is left the same
//! whatever is done already.

use crate::name::Port;
use crate::plan::model::rollout::Rollout;
use crate::plan::place::share;
use crate::plan::rollout::run::Run;
use crate::plan::server_diff::ServerDiff;
use crate::spec::ServerSpec;
use std::collections::{BTreeMap, BTreeSet};

/// One step; servers are numbers in the list that was given.
pub(in crate::plan) enum Turn {
    /// A server is started, anew or for the first time.
    Start {
        at: usize,
        /// After these have been started anew, and so have left their places.
        started: BTreeSet<usize>,
        /// After these have answered, and so have taken all of the GPU's memory that they will.
        ready: BTreeSet<usize>,
    },
    /// A server answers.
    Ready { at: usize },
}

/// Lines up servers, which come sorted by name; those that stand as they should are not among them. Where some trade
/// places in a circle there is no order: the error is the one that has to be stopped first.
pub(in crate::plan) fn turns(runs: &[Run<'_>]) -> Result<Vec<Turn>, usize> {
    let givers = givers(runs);
    circle(&givers).map_or(Ok(()), Err)?;
    let mut needs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); 2 * runs.len()];
    let mut on_gpu: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate().filter(|(_, run)| matches!(run.diff, ServerDiff::Starting(_))) {
        for gpu in &run.wanted.spec.gpus {
            on_gpu.entry(*gpu).or_default().insert(at);
        }
    }
    for at in each_behind(&givers).into_iter().filter(|at| runs[*at].starts()) {
        needs[start(at)].extend(givers[at].iter().map(|giver| start(*giver)));
        needs[ready(at)].insert(start(at));
        for gpu in &runs[at].wanted.spec.gpus {
            let before = std::mem::replace(on_gpu.entry(*gpu).or_default(), BTreeSet::from([at]));
            needs[start(at)].extend(before.into_iter().map(ready));
        }
    }
    for (at, before) in beside(runs) {
        needs[start(at)].extend(before.into_iter().map(start));
    }
    let turn = |step: usize| {
        let at = step / 2;
        let of = |kind: fn(usize) -> usize| {
            let same = needs[step].iter().filter(|need| kind(*need / 2) == **need);
            same.map(|need| need / 2).collect()
        };
        if step == ready(at) {
            Turn::Ready { at }
        } else {
            Turn::Start { at, started: of(start), ready: of(ready) }
        }
    };
    let steps =
        each_behind(&needs).into_iter().filter(|step| *step == ready(step / 2) || runs[step / 2].starts());
    Ok(steps.map(turn).collect())
}

/// A server's steps among all: its start, and that it is ready.
fn start(at: usize) -> usize {
    2 * at
}

fn ready(at: usize) -> usize {
    2 * at + 1
}

/// Those that start beside others, each with those that start before it: the one of these that comes before it by name,
/// and all that look for a place, so that each finds the one that was planned for it.
fn beside(runs: &[Run<'_>]) -> Vec<(usize, Vec<usize>)> {
    let all = || (0..runs.len()).filter(|at| runs[*at].starts());
    let moves = |run: &Run<'_>| {
        let wanted = &run.wanted.spec;
        let was = run.seen.and_then(|seen| seen.spec.as_ref().ok());
        was.is_none_or(|was| (&was.gpus, was.port) != (&wanted.gpus, wanted.port))
    };
    let (beside, others): (Vec<usize>, Vec<usize>) =
        all().partition(|at| runs[*at].rollout == Rollout::SideBySide);
    let others: Vec<usize> = others.into_iter().filter(|at| moves(&runs[*at])).collect();
    let last = |index: usize| index.checked_sub(1).map(|last| beside[last]);
    let before = |(index, at): (usize, &usize)| (*at, others.iter().copied().chain(last(index)).collect());
    beside.iter().enumerate().map(before).collect()
}

/// For each server those that give up something that it takes: a share of a GPU, a port.
fn givers(runs: &[Run<'_>]) -> Vec<BTreeSet<usize>> {
    let now =
        |at: usize| runs[at].now.filter(|_| runs[at].starts() && runs[at].rollout != Rollout::SideBySide);
    let mut gpus: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    let mut ports: BTreeMap<Port, BTreeSet<usize>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        let (Some(now), wanted) = (now(at), &run.wanted.spec) else { continue };
        for gpu in now.gpus.iter().filter(|gpu| part(Some(now), **gpu) > part(Some(wanted), **gpu)) {
            gpus.entry(*gpu).or_default().insert(at);
        }
        if now.port != wanted.port {
            ports.entry(now.port).or_default().insert(at);
        }
    }
    let of = |(at, run): (usize, &Run<'_>)| {
        let (now, wanted) = (now(at), &run.wanted.spec);
        let mut givers = BTreeSet::new();
        if run.starts() {
            let grows = |gpu: &&u32| part(Some(wanted), **gpu) > part(now, **gpu);
            givers.extend(wanted.gpus.iter().filter(grows).filter_map(|gpu| gpus.get(gpu)).flatten());
            givers.extend(ports.get(&wanted.port).into_iter().flatten());
            givers.remove(&at);
        }
        givers
    };
    runs.iter().enumerate().map(of).collect()
}

/// A server's share of a GPU, in hundredths of a percent.
fn part(spec: Option<&ServerSpec>, gpu: u32) -> u32 {
    spec.filter(|spec| spec.gpus.contains(&gpu)).map_or(0, |spec| share(spec.memory, spec.kind))
}

/// Everyone in turn, each right behind those it needs. Nobody may need itself by way of others.
fn each_behind(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut seen = vec![false; needs.len()];
    for first in 0..needs.len() {
        // who waits until its needs are done, with those that are still to be looked at
        let mut way = Vec::new();
        if !std::mem::replace(&mut seen[first], true) {
            way.push((first, needs[first].iter()));
        }
        while let Some((at, rest)) = way.last_mut() {
            match rest.next() {
                Some(need) if std::mem::replace(&mut seen[*need], true) => {}
                Some(need) => way.push((*need, needs[*need].iter())),
                None => {
                    order.push(*at);
                    way.pop();
                }
            }
        }
    }
    order
}

/// Of those that need each other in a circle, the first; none where there is no circle.
fn circle(needs: &[BTreeSet<usize>]) -> Option<usize> {
    let mut open: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    let mut frees: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (at, needs) in needs.iter().enumerate() {
        for need in needs {
            frees[*need].push(at);
        }
    }
    let mut free: Vec<usize> = (0..needs.len()).filter(|at| open[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for next in &frees[at] {
            open[*next] -= 1;
            free.extend((open[*next] == 0).then_some(*next));
        }
    }
    // whoever is left needs somebody who is left: the way along those ends in a circle
    let mut at = open.iter().position(|open| *open > 0)?;
    let mut way = Vec::new();
    while !way.contains(&at) {
        way.push(at);
        at = needs[at].iter().copied().find(|need| open[*need] > 0)?;
    }
    way.into_iter().skip_while(|step| *step != at).min()
}

//! Which of the GPUs with room a server gets.
//!
//! What the choice looks at does not change while a plan is done: hardware, strangers, and servers that had an earlier
//! turn. So a plan that was done in part, in whatever order, is taken up with the same places.

use super::gpu_budget::GpuBudget;
use std::cmp::Reverse;

/// Among so many GPUs every choice is looked at; a pod has no more.
const MOST: usize = 16;

/// `wanted` of these GPUs: joined by `NVLink`, away from strangers, such that what stays free stays together, and the
/// fullest. Where all is equal, the first.
pub(super) fn best(room: &GpuBudget<'_>, free: &[u32], wanted: usize, turn: usize) -> Option<Vec<u32>> {
    let free = &free[..free.len().min(MOST.max(wanted))];
    if free.len() < wanted {
        return None;
    }
    let empty = empty(room, turn);
    sets(free, wanted).into_iter().min_by_key(|set| {
        let pairs =
            set.iter().enumerate().flat_map(|(at, one)| set[..at].iter().map(move |two| (*one, *two)));
        let links: u32 = pairs.map(|(one, two)| room.links(one, two)).sum();
        let foreign: u32 = set.iter().map(|gpu| room.foreign(*gpu)).sum();
        let load: u32 = set.iter().map(|gpu| room.load(*gpu, turn)).sum();
        (Reverse(links), foreign, Reverse(left(room, &empty, set)), Reverse(load))
    })
}

/// Every choice of `wanted` of these, in order; none where there are not enough.
fn sets(of: &[u32], wanted: usize) -> Vec<Vec<u32>> {
    if wanted == 0 {
        return vec![Vec::new()];
    }
    let begun = of.iter().enumerate().flat_map(|(at, first)| {
        let rest = sets(&of[at + 1..], wanted - 1).into_iter();
        rest.map(|rest| std::iter::once(*first).chain(rest).collect())
    });
    begun.collect()
}

/// GPUs that nobody is on, those that are alike together.
fn empty(room: &GpuBudget<'_>, turn: usize) -> Vec<Vec<u32>> {
    let of_kind = |kind: &Vec<u32>| kind.iter().copied().filter(|gpu| room.is_empty(*gpu, turn)).collect();
    room.by_kind().iter().map(of_kind).collect()
}

/// How large the groups of empty GPUs are once these are taken: the largest first. A group is what `NVLink` joins, or,
/// where no driver tells of links, GPUs of one kind.
fn left(room: &GpuBudget<'_>, empty: &[Vec<u32>], taken: &[u32]) -> Vec<usize> {
    let mut sizes = Vec::new();
    for kind in empty {
        let rest = kind.iter().filter(|gpu| !taken.contains(gpu));
        if room.has_links() {
            groups(room, rest.copied().collect(), &mut sizes);
        } else {
            sizes.extend(Some(rest.count()).filter(|count| *count > 0));
        }
    }
    sizes.sort_unstable_by_key(|size| Reverse(*size));
    sizes
}

/// How many of these `NVLink` joins, directly or by others, group by group.
fn groups(room: &GpuBudget<'_>, mut rest: Vec<u32>, sizes: &mut Vec<usize>) {
    while let Some(first) = rest.pop() {
        let mut group = vec![first];
        let mut at = 0;
        while let Some(one) = group.get(at).copied() {
            group.extend(rest.extract_if(.., |other| room.links(one, *other) > 0));
            at += 1;
        }
        sizes.push(group.len());
    }
}

//! GPUs: those the manifest names, else those it had, else the best that have room.

use super::asked::{Asked, are_asked_for};
use super::best::best;
use super::gpu_budget::{Beside, GpuBudget, share};
use crate::manifest::GpuAsk;
use crate::name::ModelName;
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::{PodContext, is_live};
use crate::plan::resolve::wanted::Candidate;
use std::cmp::Reverse;
use std::collections::BTreeMap;

pub(super) fn gpus<'a>(
    site: &PodContext<'a>,
    asked: &[Asked<'a>],
    pinned: &Pinned<'a>,
) -> BTreeMap<&'a ModelName, Result<Vec<u32>, Finding>> {
    // the largest first: what is small finds room between them; then those that make do with what is left
    let mut asked: Vec<&Asked<'a>> = asked.iter().collect();
    asked.sort_by_key(|asked| {
        let anew = asked.candidate.pick.anew;
        let count = anew.unwrap_or(asked.count);
        (anew.is_some(), Reverse(count), Reverse(share_of(asked)), asked.candidate.name)
    });
    let turns = asked.iter().enumerate().map(|(turn, asked)| (asked.candidate.name, turn)).collect();
    let mut room = GpuBudget::of(site, pinned, turns);
    let mut places = BTreeMap::new();
    // those without a choice first, then those that had a place, then the rest; who need not restart goes first
    for choose in [on_cpu, named_and_there, named, there, former, remembered, elsewhere, free] {
        for asked in asked.iter().copied() {
            let name = asked.candidate.name;
            if places.contains_key(name) {
                continue;
            }
            let Some(place) = choose(asked, &room) else { continue };
            for gpu in place.iter().flatten() {
                room.take(name, *gpu, share_of(asked));
            }
            let told = |wrong: Wrong| {
                let Wrong { code, message, help } = wrong;
                Finding::on(Severity::Error, code, site.name, message).of(name).help(help)
            };
            places.insert(name, place.map_err(told));
        }
    }
    places
}

/// A place, or why there can't be one, or nothing: then the next rule is asked.
type Place = Option<Result<Vec<u32>, Wrong>>;

struct Wrong {
    code: Code,
    message: String,
    help: &'static str,
}

fn on_cpu(asked: &Asked<'_>, _: &GpuBudget<'_>) -> Place {
    (asked.count == 0).then(|| Ok(Vec::new()))
}

/// Where the manifest wants it and it runs already: strangers on the GPU do not matter to it.
fn named_and_there(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    matches!(asked.candidate.model.gpus, GpuAsk::Ids(_)).then(|| there(asked, room))?
}

fn named(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    let GpuAsk::Ids(ids) = &asked.candidate.model.gpus else { return None };
    if let Some(missing) = ids.iter().find(|id| !room.ids().any(|there| there == **id)) {
        let message = format!("it wants GPU {missing}; {}", gpus_of(room));
        return Some(Err(Wrong { code: Code::NoSuchGpu, message, help: "correct `gpus`" }));
    }
    let full = ids.iter().find(|id| !room.has(**id, share_of(asked), Beside::All));
    Some(full.map_or_else(
        || Ok(ids.clone()),
        |id| {
            let wrong = |message, help| Err(Wrong { code: Code::GpuTaken, message, help });
            if let Some(why) = room.unusable(*id) {
                return wrong(format!("it wants GPU {id}, which {why}"), "name other GPUs");
            }
            let help = "name other GPUs, or share this one with `memory`";
            wrong(format!("there is no room for it on GPU {id}: {}", room.holders(*id)), help)
        },
    ))
}

/// Where it runs, if it goes on as it is.
fn there(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    let gpus = &asked.record.filter(|_| asked.content)?.gpus;
    fits(gpus, asked, room, Beside::Servers).then(|| Ok(gpus.clone()))
}

/// Where its record says that it was.
fn former(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    let gpus = &asked.record?.gpus;
    fits(gpus, asked, room, Beside::All).then(|| Ok(gpus.clone()))
}

/// Where `pods.json` says that it was.
fn remembered(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    let gpus = &asked.remembered.filter(|_| asked.record.is_none())?.gpus;
    fits(gpus, asked, room, Beside::All).then(|| Ok(gpus.clone()))
}

fn fits(gpus: &[u32], asked: &Asked<'_>, room: &GpuBudget<'_>, beside: Beside) -> bool {
    are_asked_for(gpus, asked.candidate.model, asked.count)
        && gpus.iter().all(|gpu| room.has(*gpu, share_of(asked), beside))
}

/// One that runs and can't stay where it is: it goes before those that do not run yet, or it would have to stay after all.
fn elsewhere(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    asked.candidate.seen.filter(|seen| is_live(seen)).map(|_| with_room(asked, room, 0))
}

/// The best GPUs with room.
#[expect(clippy::unnecessary_wraps, reason = "one rule among others, and the last")]
fn free(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Place {
    Some(with_room(asked, room, room.turn(asked.candidate.name)))
}

/// The best GPUs with room, beside those who had an earlier turn; all of one kind where that can be.
fn with_room(asked: &Asked<'_>, room: &GpuBudget<'_>, turn: usize) -> Result<Vec<u32>, Wrong> {
    let share = share_of(asked);
    let free = |ids: &Vec<u32>| -> Vec<u32> {
        ids.iter().copied().filter(|gpu| room.has(*gpu, share, Beside::All)).collect()
    };
    let all = room.ids().collect();
    let groups: Vec<Vec<u32>> = room.by_kind().iter().chain([&all]).map(free).collect();
    let mut counts = std::iter::once(&asked.count).chain(asked.fewer);
    counts
        .find_map(|wanted| groups.iter().find_map(|free| best(room, free, *wanted, turn)))
        .ok_or_else(|| no_room(asked, room))
}

fn no_room(asked: &Asked<'_>, room: &GpuBudget<'_>) -> Wrong {
    let wanted = asked.count;
    let free = room.ids().filter(|gpu| room.has(*gpu, share_of(asked), Beside::All)).count();
    let what = if wanted == 1 { "1 GPU".to_owned() } else { format!("{wanted} GPUs") };
    let message = match (room.count(), free) {
        (0, _) => format!("it wants {what}, the pod has none"),
        (all, _) if all < wanted => format!("it wants {what}, the pod has {all}"),
        (all, free) => {
            let have = if free == 1 { "1 has".to_owned() } else { format!("{free} have") };
            format!("it wants {what}; of the pod's {all}, {have} room for it ({})", taken(asked, room))
        }
    };
    let help = "ask for fewer with `gpus`, share GPUs with `memory`, or take another pod";
    Wrong { code: Code::NoFreeGpu, message, help }
}

/// Who is on the GPUs without room: ``GPU 0,1: `big` has 92%; GPU 3: `chat` has 92%``
fn taken(asked: &Asked<'_>, room: &GpuBudget<'_>) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for gpu in room.ids().filter(|gpu| !room.has(*gpu, share_of(asked), Beside::All)) {
        let who =
            room.unusable(gpu).map_or_else(|| format!(": {}", room.holders(gpu)), |why| format!(" {why}"));
        match groups.iter_mut().find(|(other, _)| *other == who) {
            Some((_, gpus)) => gpus.push(gpu.to_string()),
            None => groups.push((who, vec![gpu.to_string()])),
        }
    }
    let group = |(who, gpus): (String, Vec<String>)| format!("GPU {}{who}", gpus.join(","));
    groups.into_iter().map(group).collect::<Vec<_>>().join("; ")
}

fn share_of(asked: &Asked<'_>) -> u32 {
    let Candidate { pick, model, .. } = asked.candidate;
    share(pick.memory.or(model.memory), model.engine.kind)
}

fn gpus_of(room: &GpuBudget<'_>) -> String {
    match room.count() {
        0 => "the pod has no GPU".to_owned(),
        1 => "the pod has GPU 0 alone".to_owned(),
        count => format!("the pod has {count} GPUs, 0 to {}", count - 1),
    }
}

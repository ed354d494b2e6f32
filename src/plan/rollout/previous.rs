//! Which server is started again if a changed one does not come up.
//!
//! It is the run that answered last. The pod keeps its record until the changed one answers, so that this can be
//! told anew whenever pi is asked, also after it was killed in between.

use crate::plan::model::change::changes;
use crate::plan::model::pod_context::Pinned;
use crate::plan::model::pod_context::PodContext;
use crate::plan::model::step::Care;
use crate::plan::place::share;
use crate::plan::rollout::run::Run;
use crate::plan::server_diff::ServerDiff;
use crate::spec::ServerSpec;

/// A whole GPU, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// Notes for each server that is started or waited for which one can be started in its place.
pub(in crate::plan) fn previous_servers(site: &PodContext<'_>, runs: &mut [Run<'_>], pinned: &Pinned<'_>) {
    let staying = pinned.iter().filter_map(|name| site.live(name)?.spec.as_ref().ok());
    let staying: Vec<&ServerSpec> = staying.collect();
    let previous_servers: Vec<Option<ServerSpec>> = runs
        .iter()
        .map(|run| {
            let others: Vec<&ServerSpec> = runs
                .iter()
                .map(|run| &run.wanted.spec)
                .chain(staying.iter().copied())
                .chain(runs.iter().filter_map(Run::incumbent))
                .filter(|spec| spec.name != run.wanted.spec.name)
                .collect();
            let usable = |spec: &&ServerSpec| {
                !changes(spec, &run.wanted.spec).is_empty()
                    && has_place(spec, &others)
                    && has_engine(site, spec, runs)
            };
            last_good(run).filter(usable).filter(|_| run.incumbent().is_none()).cloned()
        })
        .collect();
    for (run, former) in runs.iter_mut().zip(previous_servers) {
        run.previous = former;
    }
}

/// What is done so that a server that is stopped to be started anew is not lost for nothing.
pub(in crate::plan) fn care(run: &Run<'_>) -> Care {
    match (&run.diff, &run.previous) {
        (ServerDiff::Unresponsive(_), _) => Care::AskAgain,
        (ServerDiff::Differs(..), Some(previous)) if outgoing(run).is_some() => {
            Care::StartPrevious(Box::new(previous.clone()))
        }
        (
            ServerDiff::Differs(..)
            | ServerDiff::NotRunning(_)
            | ServerDiff::Starting(_)
            | ServerDiff::UpToDate,
            _,
        ) => Care::Nothing,
    }
}

/// What answered last: what runs now, or what ran before it.
fn last_good<'a>(run: &Run<'a>) -> Option<&'a ServerSpec> {
    let seen = run.seen?;
    outgoing(run).or(seen.past.previous.as_deref())
}

/// The server that runs, has answered, and is to be changed.
fn outgoing<'a>(run: &Run<'a>) -> Option<&'a ServerSpec> {
    let changes = matches!(&run.diff, ServerDiff::Differs(_, changes) if !changes.is_empty());
    run.now.filter(|_| changes && run.seen.is_some_and(|seen| seen.answered))
}

/// Whether none of the others takes its port or its share of a GPU.
fn has_place(spec: &ServerSpec, others: &[&ServerSpec]) -> bool {
    let part = |spec: &ServerSpec| share(spec.memory, spec.kind);
    let taken = |gpu: &u32| -> u32 {
        others.iter().filter(|other| other.gpus.contains(gpu)).map(|other| part(other)).sum()
    };
    others.iter().all(|other| other.port != spec.port)
        && spec.gpus.iter().all(|gpu| taken(gpu) + part(spec) <= WHOLE)
}

/// Whether the environment that it ran from is there, and stays as it is.
fn has_engine(site: &PodContext<'_>, spec: &ServerSpec, runs: &[Run<'_>]) -> bool {
    let Some(id) = &spec.engine else { return true };
    let there = site.facts.engines.get(id).and_then(|seen| seen.digest.as_ref());
    let mut wanted =
        runs.iter().map(|run| &run.wanted.spec).filter(|other| other.engine.as_ref() == Some(id));
    spec.build.is_some() && there == spec.build.as_ref() && wanted.all(|other| other.build == spec.build)
}

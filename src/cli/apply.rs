//! `pi apply`: plan, show, ask, do. What `pi destroy` shares is here too.

use crate::apply::{Crew, Holder, Locks, Refusal, apply};
use crate::cli::args::{Apply as Args, Doing, Global};
use crate::cli::consent::agreed;
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::cli::saved::{self, Saved};
use crate::cli::world::World;
use crate::hub::HubFacts;
use crate::name::PodName;
use crate::observe::Observed;
use crate::plan::{Inputs, Plan, Severity, plan};
use crate::ui::{self, Reporter, Showing};
use miette::Result;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

pub(super) async fn run(global: &Global, args: &Args) -> Result<Exit> {
    let saved = args.plan_file.as_deref().map(saved::read).transpose()?;
    let world = World::open(global, saved.as_ref().map_or(&args.scope, |saved| &saved.scope))?;
    let assent = match saved {
        Some(saved) => Assent::Saved(saved),
        None => Assent::of(&args.doing),
    };
    let manner = Manner { assent, jobs: args.doing.jobs, json: args.json, asked: Asked::PodsAndHub };
    let exit = converge(&world, &manner, plan).await;
    world.remote.close().await;
    exit
}

/// How changes are made.
pub(super) struct Manner {
    /// Who says yes.
    pub(super) assent: Assent,
    /// How many steps may run at once.
    pub(super) jobs: NonZeroUsize,
    /// Events as JSON.
    pub(super) json: bool,
    /// Who is asked.
    pub(super) asked: Asked,
}

/// Who is asked before a plan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The pods, and the hub of the weights that they need.
    PodsAndHub,
    /// The pods alone.
    Pods,
}

/// Who says yes to a plan.
pub(super) enum Assent {
    /// The person at the terminal.
    Ask,
    /// `--yes`
    Given,
    /// Whoever made this plan, and to nothing else.
    Saved(Saved),
}

impl Assent {
    /// As `--yes` says.
    pub(super) fn of(doing: &Doing) -> Self {
        if doing.yes { Self::Given } else { Self::Ask }
    }

    fn is_there(&self, plan: &Plan) -> Result<bool> {
        match self {
            Self::Given => Ok(true),
            Self::Saved(saved) if saved.is(plan) => Ok(true),
            Self::Saved(_) => {
                ui::note(
                    "That is not the plan in the file: the pods or pi.toml have changed since. Plan again.",
                );
                Ok(false)
            }
            Self::Ask => agreed("\nDo this?"),
        }
    }
}

/// Plans by `rule`, shows, asks, takes the locks, looks again, does.
pub(super) async fn converge(
    world: &World,
    manner: &Manner,
    rule: impl Fn(&Inputs<'_>) -> Plan,
) -> Result<Exit> {
    let (observed, hub) = match manner.asked {
        Asked::PodsAndHub => world.look().await,
        Asked::Pods => (world.observe().await, HubFacts::default()),
    };
    let plan = rule(&world.inputs(&observed, &hub));
    show(world, &plan, manner)?;
    if plan.is_empty() {
        return Ok(without_doing(&plan));
    }
    if !manner.assent.is_there(&plan)? {
        ui::note("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    let stop = interrupt::token();
    let pods: BTreeSet<PodName> = plan.steps.iter().map(|step| step.pod.clone()).collect();
    let (locks, refused) = Locks::take(&world.remote, &world.manifest, pods.into_iter(), &holder()).await;
    let exit = if refused.is_empty() {
        let observed = world.observe().await;
        under_lock(world, manner, (&plan, &rule(&world.inputs(&observed, &hub))), &stop).await
    } else {
        Ok(not_locked(&refused))
    };
    locks.release().await;
    exit
}

/// Does the plan, unless the pods have changed since it was shown.
async fn under_lock(
    world: &World,
    manner: &Manner,
    (shown, fresh): (&Plan, &Plan),
    stop: &tokio_util::sync::CancellationToken,
) -> Result<Exit> {
    if shown.steps != fresh.steps {
        ui::note("The pods have changed since this plan was made. Nothing was done; plan again.");
        return Ok(Exit::Failed);
    }
    let showing = match (manner.json, ui::is_terminal()) {
        (true, _) => Showing::Json,
        (false, true) => Showing::Terminal,
        (false, false) => Showing::Lines,
    };
    let World { manifest, secrets, store, remote, .. } = world;
    let Holder { who } = holder();
    let crew = Crew { manifest, remote: remote.as_ref(), secrets, store, who: &who, jobs: manner.jobs };
    let reporter = Reporter::new(fresh, showing);
    let report = apply(fresh, &crew, stop, &|event| reporter.tell(&event)).await;
    reporter.close();
    let after: Observed = world.observe().await;
    drop(after);
    ui::note(&ui::outcome(fresh, &report));
    Ok(match () {
        () if report.was_interrupted() => Exit::Interrupted,
        () if report.lost_a_pod() => Exit::Unreachable,
        () if report.is_success() => without_doing(fresh),
        () => Exit::Failed,
    })
}

/// The exit code of a plan that is done: what it could not plan for still counts.
fn without_doing(plan: &Plan) -> Exit {
    if plan.pods.values().any(|pod| !pod.reachable) {
        Exit::Unreachable
    } else if plan.findings.iter().any(|finding| finding.severity == Severity::Error) {
        Exit::Failed
    } else {
        Exit::Done
    }
}

fn show(world: &World, plan: &Plan, manner: &Manner) -> Result<()> {
    if manner.json {
        let mut event = ui::plan_json(plan);
        event["event"] = "plan".into();
        return ui::data(&format!("{event}\n"));
    }
    ui::data(&ui::plan_text(plan, &world.manifest.lines))
}

fn not_locked(refused: &[(PodName, Refusal)]) -> Exit {
    for (pod, refusal) in refused {
        ui::note(&ui::refusal(pod, refusal));
    }
    ui::note("Nothing was done.");
    let held = |(_, refusal): &(PodName, Refusal)| matches!(refusal, Refusal::Held { .. });
    let lost = |(_, refusal): &(PodName, Refusal)| matches!(refusal, Refusal::Remote(_));
    match () {
        () if refused.iter().any(held) => Exit::Locked,
        () if refused.iter().any(lost) => Exit::Unreachable,
        () => Exit::Failed,
    }
}

/// Who this is, for others who find the lock.
fn holder() -> Holder {
    let user =
        std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "somebody".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "somewhere" } else { host.trim() };
    Holder { who: format!("{user}@{host}") }
}

//! A plan is shown, agreed to, and done under the locks of its pods, if it is still the plan by then.

use crate::apply::{ApplyContext, Hold, Holder, apply};
use crate::cli::changing::locking::{self, Taken, Turn, holder};
use crate::cli::changing::saved::Saved;
use crate::cli::context::flags::Doing;
use crate::cli::context::full::Context;
use crate::cli::context::identity;
use crate::cli::terminal::consent::agreed;
use crate::cli::terminal::exit::Exit;
use crate::cli::terminal::interrupt;
use crate::hub::HubFacts;
use crate::name::PodName;
use crate::observe::{Observed, ProbeResult};
use crate::plan::{Inputs, Plan, Severity, Step};
use crate::ui::{self, Reporter, Showing};
use crate::units::Seconds;
use miette::Result;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

/// What takes up an apply that did not come to its end.
pub(in crate::cli) const AGAIN: &str = "`pi apply` takes up where this ended.";
/// The same, for what `pi apply` alone would not go on with.
pub(in crate::cli) const SAME_AGAIN: &str = "The same command again takes up where this ended.";
/// How changes are made.
pub(in crate::cli) struct ApplyOptions {
    /// Who says yes.
    pub(in crate::cli) approval: Approval,
    /// How many steps may run at once.
    pub(in crate::cli) jobs: NonZeroUsize,
    /// Events as JSON.
    pub(in crate::cli) json: bool,
    /// Who is asked.
    pub(in crate::cli) sources: Sources,
    /// How long to wait for whoever is changing a pod.
    pub(in crate::cli) lock_wait: Option<Seconds>,
    /// What is said where not all could be done.
    pub(in crate::cli) again: &'static str,
}

impl ApplyOptions {
    /// As the command line says; events as text.
    pub(in crate::cli) fn of(doing: &Doing, approval: Approval, sources: Sources) -> Self {
        Self { approval, jobs: doing.jobs, json: false, sources, lock_wait: doing.lock_wait, again: AGAIN }
    }
}

/// Who is asked before a plan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Sources {
    /// The pods, and the hub of the weights that they need.
    PodsAndHub,
    /// The pods alone.
    Pods,
}

/// Who says yes to a plan.
pub(in crate::cli) enum Approval {
    /// The person at the terminal.
    Ask,
    /// `--yes`
    Given,
    /// Whoever made this plan, and to nothing else.
    Saved(Saved),
}

impl Approval {
    /// As `--yes` says.
    pub(in crate::cli) fn of(doing: &Doing) -> Self {
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
pub(in crate::cli) async fn converge(
    context: &Context,
    options: &ApplyOptions,
    rule: impl Fn(&Inputs<'_>) -> Plan,
) -> Result<Exit> {
    match propose(context, options, &rule).await? {
        Proposal::Over(exit) => Ok(exit),
        Proposal::Agreed(agreed) => carry_out(context, options, &agreed, &rule).await.map(|ended| ended.exit),
    }
}

/// What became of a plan before anything was done.
pub(in crate::cli) enum Proposal {
    /// There is nothing to do, or the person said no.
    Over(Exit),
    /// It may be done.
    Agreed(Agreed),
}

/// A plan that was agreed to, and what the hub said when it was made.
pub(in crate::cli) struct Agreed {
    plan: Plan,
    hub: HubFacts,
}

/// Looks, plans by `rule`, shows, asks.
pub(in crate::cli) async fn propose(
    context: &Context,
    options: &ApplyOptions,
    rule: impl Fn(&Inputs<'_>) -> Plan,
) -> Result<Proposal> {
    let (observed, hub) = match options.sources {
        Sources::PodsAndHub => context.look().await,
        Sources::Pods => (context.observe().await, HubFacts::default()),
    };
    context.check_taking(&observed)?;
    let plan = rule(&context.inputs(&observed, &hub));
    offer(context, options, plan, hub)
}

/// Shows a plan and asks.
pub(in crate::cli) fn offer(
    context: &Context,
    options: &ApplyOptions,
    plan: Plan,
    hub: HubFacts,
) -> Result<Proposal> {
    show(context, &plan, options)?;
    if plan.is_empty() {
        return Ok(Proposal::Over(without_doing(&plan)));
    }
    identity::show(&context.manifest, options.json.into())?;
    if !options.approval.is_there(&plan)? {
        ui::note("Nothing was changed.");
        return Ok(Proposal::Over(Exit::Failed));
    }
    Ok(Proposal::Agreed(Agreed { plan, hub }))
}

/// How the doing ended.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Ended {
    pub(in crate::cli) exit: Exit,
    /// Whether it began: otherwise the pods are as they were.
    pub(in crate::cli) begun: bool,
}

/// Takes the locks, looks again, and does a plan if it is still what `rule` says.
pub(in crate::cli) async fn carry_out(
    context: &Context,
    options: &ApplyOptions,
    agreed: &Agreed,
    rule: impl Fn(&Inputs<'_>) -> Plan,
) -> Result<Ended> {
    let Agreed { plan, hub } = agreed;
    let hold = Hold::new(&interrupt::token());
    let pods: BTreeSet<PodName> = plan.steps.iter().map(|step| step.pod.clone()).collect();
    let Taken { locks, turn } = match locking::take(context, &pods, options.lock_wait, &hold).await {
        Ok(taken) => taken,
        Err(exit) => return Ok(Ended { exit, begun: false }),
    };
    let fresh = rule(&context.inputs(&without_locks(context.observe().await, &pods), hub));
    let ended = match still_agreed(context, options, plan, &fresh, turn) {
        Ok(None) => match identity::settle(&context.manifest, options.json.into()) {
            Ok(()) => Ok(under_lock(context, options, &fresh, &hold).await),
            Err(report) => Err(report),
        },
        Ok(Some(exit)) => Ok(Ended { exit, begun: false }),
        Err(report) => Err(report),
    };
    locks.release().await;
    ended
}

/// What was observed, without the locks of these pods: they are this pi's own.
fn without_locks(mut observed: Observed, pods: &BTreeSet<PodName>) -> Observed {
    for (pod, sighting) in &mut observed.pods {
        if let ProbeResult::Seen(facts) = sighting
            && pods.contains(pod)
        {
            facts.lock = None;
        }
    }
    observed
}

/// Whether what was agreed to is still what there is to do; the exit code if not. Whoever waited for somebody else
/// expects another plan, and is asked about that one.
fn still_agreed(
    context: &Context,
    options: &ApplyOptions,
    shown: &Plan,
    fresh: &Plan,
    turn: Turn,
) -> Result<Option<Exit>> {
    let is_agreed = |step: &Step| {
        shown.steps.iter().any(|other| (&other.pod, &other.action) == (&step.pod, &step.action))
    };
    // less is left, or for another reason: a server that was waited for has come up by itself
    if fresh.is_empty() == shown.is_empty() && fresh.steps.iter().all(is_agreed) {
        return Ok(None);
    }
    // a pod that was as it should be is not locked
    let more = fresh.steps.iter().any(|step| shown.steps.iter().all(|other| other.pod != step.pod));
    if turn == Turn::AtOnce || more {
        ui::note("The pods have changed since this plan was made. Nothing was done; plan again.");
        return Ok(Some(Exit::Failed));
    }
    show(context, fresh, options)?;
    if fresh.is_empty() {
        return Ok(Some(without_doing(fresh)));
    }
    if options.approval.is_there(fresh)? {
        return Ok(None);
    }
    ui::note("Nothing was changed.");
    Ok(Some(Exit::Failed))
}

/// Does the plan. A signal stops it, and the loss of a lock.
async fn under_lock(context: &Context, options: &ApplyOptions, fresh: &Plan, hold: &Hold) -> Ended {
    let showing = match (options.json, context.verbose, ui::is_terminal()) {
        (true, ..) => Showing::Json,
        (false, true, _) => Showing::Everything,
        (false, false, true) => Showing::Terminal,
        (false, false, false) => Showing::Lines,
    };
    let Context { manifest, secrets, store, remote, .. } = context;
    let Holder { who } = holder();
    let reporter = Reporter::new(fresh, showing);
    let starting = || reporter.ask_starting();
    let apply_context = ApplyContext {
        manifest,
        remote: remote.as_ref(),
        secrets,
        store,
        hold,
        who: &who,
        starting: &starting,
        jobs: options.jobs,
    };
    let report = apply(fresh, &apply_context, &|event| reporter.tell(&event)).await;
    reporter.close();
    let after: Observed = context.observe().await;
    ui::note(&ui::outcome(fresh, &report, options.again));
    let exit = match () {
        () if report.is_success() => without_doing(fresh),
        () if let Some(exit) = locking::tell_losses(hold, &after) => exit,
        () if report.was_interrupted() => Exit::Interrupted,
        () if report.lost_a_pod() => Exit::Unreachable,
        () => Exit::Failed,
    };
    Ended { exit, begun: true }
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

fn show(context: &Context, plan: &Plan, options: &ApplyOptions) -> Result<()> {
    if options.json {
        let mut event = ui::plan_json(plan);
        event["event"] = "plan".into();
        return ui::data(&ui::json_line(&event));
    }
    ui::data(&ui::plan_text(plan, &context.manifest.lines))
}

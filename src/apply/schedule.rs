//! Which step runs when: as soon as the steps it needs are done, different pods side by side.

use crate::apply::apply_context::ApplyContext;
use crate::apply::event::{Event, FailureKind, Outcome};
use crate::apply::perform::perform;
use crate::apply::remember::remember_step;
use crate::apply::report::Report;

use crate::plan::{Action, Plan, Step, StepId};
use crate::remote::Remote;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Does the plan. Where `crew.hold` says to stop nothing new begins; what runs is finished or cleanly undone. When a
/// lock is lost, what runs is ended, and nothing is undone.
pub async fn apply<R: Remote>(
    plan: &Plan,
    context: &ApplyContext<'_, R>,
    tell: &(dyn Fn(Event) + Sync),
) -> Report {
    let warnings = Mutex::new(BTreeMap::<StepId, Vec<String>>::new());
    let tell = &|event: Event| {
        if let Event::Warned(id, text) = &event {
            let mut warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
            warnings.entry(*id).or_default().push(text.clone());
        }
        tell(event);
    };
    let mut report = run_all(plan, context, context.hold.stop(), tell).await;
    report.warnings = std::mem::take(&mut *warnings.lock().unwrap_or_else(PoisonError::into_inner));
    report
}

async fn run_all<R: Remote>(
    plan: &Plan,
    context: &ApplyContext<'_, R>,
    interrupt: &CancellationToken,
    tell: &(dyn Fn(Event) + Sync),
) -> Report {
    let mut queue = Queue::new(&plan.steps);
    let mut report = Report::default();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < context.jobs.get() {
            let next = match () {
                () if context.hold.is_lost() => None,
                () if interrupt.is_cancelled() => queue.next_starting(),
                () => queue.next(),
            };
            let Some(step) = next else { break };
            tell(Event::Began(step.id));
            running.push(async move { (step, one(step, context, interrupt, tell).await) });
        }
        let Some((step, outcome)) = running.next().await else { break };
        if matches!(outcome, Outcome::Done { .. }) {
            remember_step(context.store, step);
            queue.done(step.id);
        }
        tell(Event::Ended(step.id, outcome.clone()));
        report.outcomes.insert(step.id, outcome);
    }
    for step in &plan.steps {
        if !report.outcomes.contains_key(&step.id) {
            let outcome = not_begun(step, &report);
            tell(Event::Ended(step.id, outcome.clone()));
            report.outcomes.insert(step.id, outcome);
        }
    }
    report
}

async fn one<R: Remote>(
    step: &Step,
    context: &ApplyContext<'_, R>,
    interrupt: &CancellationToken,
    tell: &(dyn Fn(Event) + Sync),
) -> Outcome {
    let began = Instant::now();
    let say = |text: String| tell(Event::of_line(step.id, text));
    match perform(step, context, interrupt, &say).await {
        Ok(()) => Outcome::Done { took: began.elapsed() },
        Err(failure) if failure.kind == FailureKind::Interrupt => Outcome::Stopped,
        Err(failure) => Outcome::Failed(failure),
    }
}

/// Why a step was never begun. Steps come after those they need, whose outcomes are therefore known.
fn not_begun(step: &Step, report: &Report) -> Outcome {
    let failed = |id: &&StepId| match report.outcomes.get(*id) {
        Some(Outcome::Failed(_) | Outcome::Skipped(_)) => true,
        Some(Outcome::Done { .. } | Outcome::Stopped | Outcome::Left) | None => false,
    };
    step.after.iter().find(failed).map_or(Outcome::Left, |id| Outcome::Skipped(*id))
}

/// Steps that wait, and those that may begin, in the plan's order.
struct Queue<'a> {
    ready: BTreeMap<StepId, &'a Step>,
    waiting: BTreeMap<StepId, (&'a Step, usize)>,
    needed_by: BTreeMap<StepId, Vec<StepId>>,
}

impl<'a> Queue<'a> {
    fn new(steps: &'a [Step]) -> Self {
        let mut queue = Self { ready: BTreeMap::new(), waiting: BTreeMap::new(), needed_by: BTreeMap::new() };
        for step in steps {
            let needs: BTreeSet<StepId> = step.after.iter().copied().collect();
            for need in &needs {
                queue.needed_by.entry(*need).or_default().push(step.id);
            }
            if needs.is_empty() {
                queue.ready.insert(step.id, step);
            } else {
                queue.waiting.insert(step.id, (step, needs.len()));
            }
        }
        queue
    }

    fn next(&mut self) -> Option<&'a Step> {
        self.ready.pop_first().map(|(_, step)| step)
    }

    /// A server that was started, and that nobody waits for yet: also at an interruption somebody has to look after it.
    fn next_starting(&mut self) -> Option<&'a Step> {
        let waits = |step: &Step| matches!(step.action, Action::AwaitReady { .. }) && !step.after.is_empty();
        let id = self.ready.iter().find(|(_, step)| waits(step)).map(|(id, _)| *id)?;
        self.ready.remove(&id)
    }

    fn done(&mut self, id: StepId) {
        for next in self.needed_by.remove(&id).unwrap_or_default() {
            if let Some((step, missing)) = self.waiting.remove(&next) {
                if missing == 1 {
                    self.ready.insert(next, step);
                } else {
                    self.waiting.insert(next, (step, missing - 1));
                }
            }
        }
    }
}

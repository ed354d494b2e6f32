//! The laws themselves, for any planner and any pods.

use pi::manifest::{EngineKind, Manifest};
use pi::model_ref::ModelRef;
use pi::name::ModelName;
use pi::observe::{Life, Observed, PodFacts, ProbeResult, ServerSeen, Whose};
use pi::plan::{Action, Plan, Reason, Step, StepId, simulate};
use pi::spec::ServerSpec;
use std::collections::{BTreeMap, BTreeSet};

type Planner<'a> = &'a dyn Fn(&Observed) -> Plan;

/// Law 1.
pub(crate) fn converges(plan: Planner<'_>, observed: &Observed) -> Result<(), String> {
    let steps = plan(observed).steps;
    let left = plan(&simulate(observed, &steps)).steps;
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("after\n{}there is left\n{}", list(&steps), list(&left)))
    }
}

/// Law 2, for every prefix.
pub(crate) fn resumes(plan: Planner<'_>, observed: &Observed) -> Result<(), String> {
    let steps = plan(observed).steps;
    (0..=steps.len()).try_for_each(|count| rest_is_planned(plan, observed, &steps, &steps[..count]))
}

/// Law 2, for steps that ran side by side: in some order in which each comes after those it waits for.
pub(crate) fn resumes_in_any_order(plan: Planner<'_>, observed: &Observed, seed: u64) -> Result<(), String> {
    let steps = plan(observed).steps;
    let mut random = Random::new(seed);
    let mut done: Vec<Step> = Vec::new();
    for _ in 0..random.below(steps.len() + 1) {
        let has = |id: &StepId| done.iter().any(|step| step.id == *id);
        let ready: Vec<&Step> =
            steps.iter().filter(|step| !has(&step.id) && step.after.iter().all(has)).collect();
        let next = ready[random.below(ready.len())].clone();
        done.push(next);
    }
    rest_is_planned(plan, observed, &steps, &done)
}

fn rest_is_planned(
    plan: Planner<'_>,
    observed: &Observed,
    steps: &[Step],
    done: &[Step],
) -> Result<(), String> {
    let ids: BTreeSet<StepId> = done.iter().map(|step| step.id).collect();
    let rest: Vec<Step> = steps.iter().filter(|step| !ids.contains(&step.id)).cloned().collect();
    let number: BTreeMap<StepId, StepId> =
        rest.iter().enumerate().map(|(at, step)| (step.id, at + 1)).collect();
    let renumbered = rest.into_iter().map(|step| Step {
        id: number[&step.id],
        after: step.after.iter().filter_map(|id| number.get(id).copied()).collect(),
        ..step
    });
    let rest: Vec<Step> = renumbered.map(without_words).collect();
    let again: Vec<Step> = plan(&simulate(observed, done)).steps.into_iter().map(without_words).collect();
    if again == rest {
        return Ok(());
    }
    Err(format!(
        "of\n{}after\n{}this should be left\n{}but this is planned\n{}",
        list(steps),
        list(done),
        list(&rest),
        list(&again)
    ))
}

/// A step without what is only said of it: that something is half done, and how a server is launched, of which more is known
/// when its weights are there.
fn without_words(mut step: Step) -> Step {
    if let Action::StartServer(start) = &mut step.action {
        start.launch = None;
    }
    Step { reason: Reason::Missing, ..step }
}

/// Steps are numbered from 1 and wait for earlier ones alone, each named once.
pub(crate) fn numbered(plan: &Plan) -> Result<(), String> {
    let right = plan.steps.iter().enumerate().all(|(at, step)| {
        let Step { id, pod: _, action: _, reason, after } = step;
        let sorted = after.windows(2).all(|pair| pair[0] < pair[1]);
        *id == at + 1 && sorted && after.iter().all(|other| other < id) && !reason.to_string().is_empty()
    });
    if right { Ok(()) } else { Err(list(&plan.steps)) }
}

/// No plan puts two servers on one port or more on a GPU than it has, not even in between; what was so before it is
/// no fault of the plan.
pub(crate) fn nobody_is_crowded(plan: Planner<'_>, observed: &Observed) -> Result<(), String> {
    let steps = plan(observed).steps;
    let before = crowded(observed);
    for count in 1..=steps.len() {
        let after = simulate(observed, &steps[..count]);
        for (place, (load, who)) in crowded(&after) {
            if before.get(&place).is_none_or(|(before, _)| *before < load) {
                return Err(format!("{place} has {load} of{who} after {count} of\n{}", list(&steps)));
            }
        }
    }
    Ok(())
}

/// Places where more is taken than there is: a GPU's 10,000 hundredths of a percent, or a port.
fn crowded(observed: &Observed) -> BTreeMap<String, (u32, String)> {
    let mut places: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for (pod, sighting) in &observed.pods {
        let ProbeResult::Seen(facts) = sighting else { continue };
        for spec in running(facts) {
            let port = [(format!("{pod}: port {}", spec.port), 10_000)];
            let gpus = spec.gpus.iter().map(|gpu| (format!("{pod}: GPU {gpu}"), share(spec)));
            for (place, share) in gpus.chain(port) {
                let (load, who) = places.entry(place).or_default();
                *load += share;
                who.extend([" ", spec.name.as_str()]);
            }
        }
    }
    places.retain(|_, (load, _)| *load > 10_000);
    places
}

/// Those that run, also beside others.
fn running(facts: &PodFacts) -> impl Iterator<Item = &ServerSpec> {
    let lives = |server: &&ServerSeen| matches!(server.life, Life::Running { .. });
    facts.servers.values().flat_map(ServerSeen::both).filter(lives).filter_map(|seen| seen.spec.as_ref().ok())
}

fn share(spec: &ServerSpec) -> u32 {
    match (spec.memory, spec.kind) {
        (Some(memory), _) => memory.hundredths(),
        (None, EngineKind::Vllm) => 9_200,
        (None, EngineKind::LlamaCpp | EngineKind::Command) => 10_000,
    }
}

fn list(steps: &[Step]) -> String {
    let line = |step: &Step| {
        let Step { id, pod, action, reason, after } = step;
        format!("  {id} {pod} {} {} after {after:?}: {reason} {action:?}\n", action.name(), action.target())
    };
    steps.iter().map(line).collect()
}

/// Numbers that are the same for the same seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

/// No step touches a server of somebody else that is not to be taken over, an engine that it runs from, or weights that
/// it may need.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other actions are told by their server")]
pub(crate) fn others_are_left_alone(
    plan: &Plan,
    observed: &Observed,
    (manifest, take_over): (&Manifest, &BTreeSet<ModelName>),
) -> Result<(), String> {
    for step in &plan.steps {
        let Some(ProbeResult::Seen(facts)) = observed.pods.get(&step.pod) else { continue };
        // what is mounted over pi's directory hides the records there: those of the same name behind it are others
        let hides = |other: &Step| matches!(&other.action, Action::MountStorage(storage) if facts.pi_path.starts_with(storage.mount.target.as_str()));
        if plan.steps.iter().any(|other| other.pod == step.pod && hides(other)) {
            continue;
        }
        let others = facts.servers.iter().filter(|(name, seen)| {
            matches!(seen.whose(&manifest.project), Whose::Other { .. }) && !take_over.contains(*name)
        });
        for (name, seen) in others {
            let specs = || seen.both().filter_map(|seen| seen.spec.as_ref().ok());
            let touched = match &step.action {
                Action::RemoveEngine(id) => specs().any(|spec| spec.engine.as_ref() == Some(id)),
                Action::InstallEngine(recipe) => {
                    let there = facts.engines.get(&recipe.id).is_some_and(|seen| seen.digest.is_some());
                    let lives = matches!(seen.life, Life::Running { .. });
                    there
                        && lives
                        && seen.spec.as_ref().is_ok_and(|spec| spec.engine.as_ref() == Some(&recipe.id))
                }
                Action::RemoveWeights(model) => specs().any(|spec| {
                    let of = |model: &ModelRef| model.to_string().split(['@', ':']).next().map(str::to_owned);
                    of(&spec.model) == of(model)
                }),
                Action::RemovePiFiles => true,
                action => action.server() == Some(name),
            };
            if touched {
                return Err(format!(
                    "{} {} touches `{name}`, which is not ours",
                    step.action.name(),
                    step.action.target()
                ));
            }
        }
    }
    Ok(())
}

//! Plans that are done as a whole or not at all: by these `pi start`, `pi stop` and `pi pods setup` go.

use crate::name::{ModelName, PodName};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::step::{Action, Plan};
use crate::plan::pods::converge::plan;
use crate::plan::pods::set_up::set_up;

/// Where a model that is started comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The manifest had it before.
    Declared,
    /// It is added by the start itself.
    New,
}

/// What has to be done so that one more model runs; nothing where something is in the way.
///
/// A new model takes no server over: neither another project's, nor one of this project that another copy of the
/// manifest may have.
#[must_use]
pub fn begin(inputs: &Inputs<'_>, name: &ModelName, origin: Origin) -> Plan {
    let mut plan = plan(inputs);
    let replaces = |action: &Action| action.replaces().is_some_and(|spec| spec.name == *name);
    if origin == Origin::New {
        let taken = plan.steps.iter().filter(|step| replaces(&step.action));
        let taken = taken.filter(|_| !inputs.take_over.contains(name));
        let taken: Vec<Finding> = taken.map(|step| taken_name(&step.pod, name)).collect();
        plan.findings.extend(taken);
    }
    whole(plan, |_| true)
}

fn taken_name(pod: &PodName, name: &ModelName) -> Finding {
    let message = "another server of this name runs there, which this pi.toml does not have".to_owned();
    Finding::on(Severity::Error, Code::NameTaken, pod, message)
        .of(name)
        .help("choose another name; or take what runs into pi.toml: pi import")
}

/// What has to be done so that some models run no more; nothing where a pod that answers says why not. A pod that does
/// not answer holds up no other.
#[must_use]
pub fn halt(inputs: &Inputs<'_>) -> Plan {
    let plan = plan(inputs);
    let silent: Vec<PodName> =
        plan.pods.iter().filter(|(_, view)| !view.reachable).map(|(pod, _)| pod.clone()).collect();
    whole(plan, |finding| finding.pod.as_ref().is_none_or(|pod| !silent.contains(pod)))
}

/// What has to be done so that pods are ready for models; nothing where something is in the way.
#[must_use]
pub fn make_ready(inputs: &Inputs<'_>) -> Plan {
    whole(set_up(inputs), |_| true)
}

/// The plan, without its steps if there is an error that counts.
fn whole(mut plan: Plan, counts: impl Fn(&Finding) -> bool) -> Plan {
    if plan.findings.iter().any(|finding| finding.severity == Severity::Error && counts(finding)) {
        plan.steps.clear();
    }
    plan
}

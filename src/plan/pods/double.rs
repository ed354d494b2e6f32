//! One machine under two names: applies to one would undo those to the other.

use crate::name::PodName;
use crate::observe::{PodFacts, ProbeResult};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use std::collections::BTreeMap;

/// What to say of each pod that is the machine of another one, where one of them is asked about: nothing is planned for it.
pub(in crate::plan) fn doubles(inputs: &Inputs<'_>) -> BTreeMap<PodName, Finding> {
    let mut machines: BTreeMap<Machine<'_>, Vec<&PodName>> = BTreeMap::new();
    for pod in inputs.manifest.pods.keys() {
        if let Some(machine) = facts(inputs, pod).and_then(machine) {
            machines.entry(machine).or_default().push(pod);
        }
    }
    let mut found = BTreeMap::new();
    let asked = |pods: &[&PodName]| pods.iter().any(|pod| inputs.scope.has_pod(inputs.manifest, pod));
    for (machine, pods) in machines.iter().filter(|(_, pods)| pods.len() > 1 && asked(pods)) {
        for pod in pods {
            found.insert((*pod).clone(), finding(machine, pods, pod));
        }
    }
    found
}

/// As seen now; a pod that was not looked at, as it was seen last.
fn facts<'a>(inputs: &Inputs<'a>, pod: &PodName) -> Option<&'a PodFacts> {
    match inputs.observed.pods.get(pod) {
        Some(ProbeResult::Seen(facts)) => Some(facts),
        Some(ProbeResult::Unreachable(_)) => None,
        None => inputs.memory.pods.get(pod).map(|known| &known.facts),
    }
}

/// What tells two machines apart, and two users of one machine. Containers share the boot id of their host, and may have
/// the machine id of their image: what they do not share is the directory, by device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Machine<'a> {
    boot: &'a str,
    id: &'a str,
    path: &'a str,
    inode: &'a str,
}

fn machine(facts: &PodFacts) -> Option<Machine<'_>> {
    let PodFacts { host, pi_path, pi_inode, .. } = facts;
    let machine = Machine { boot: &host.boot_id, id: &host.machine_id, path: pi_path, inode: pi_inode };
    (!machine.boot.is_empty() && !machine.inode.is_empty()).then_some(machine)
}

fn finding(machine: &Machine<'_>, pods: &[&PodName], pod: &PodName) -> Finding {
    let others = pods.iter().filter(|other| **other != pod).map(|other| format!("`{other}`"));
    let others = others.collect::<Vec<_>>().join(" and ");
    let message = format!("`{pod}` is the same machine as {others}: one {} is reached by both", machine.path);
    let help =
        "nothing is planned on either: give one machine one pod; what shall differ on it can differ by model";
    Finding::on(Severity::Error, Code::SameMachine, pod, message).help(help)
}

//! So many pods that they are drafted on all cores: the plan is that of each pod alone, pod after pod.

use super::case::parse;
use pi::hub::HubFacts;
use pi::manifest::Manifest;
use pi::memory::Memory;
use pi::observe::{Observed, PodFacts, ProbeResult, Unreachable};
use pi::plan::{Inputs, Plan, Protected, Scope, plan};
use std::collections::BTreeSet;
use std::fmt::Write;

const PODS: usize = 200;

#[test]
fn many_pods_are_planned_as_each_alone() {
    let mut text = String::new();
    for pod in 0..PODS {
        let _ = writeln!(text, "[pods.p{pod:03}]\nssh = \"root@p{pod}\"");
        for model in 0..pod % 4 {
            let _ = writeln!(
                text,
                "[models.m{pod:03}-{model}]\nengine = \"command\"\ncommand = [\"serve\"]\nmodel = \"o/m\"\nlisten = \"127.0.0.1\"\npod = \"p{pod:03}\""
            );
        }
    }
    let manifest = parse(&text).unwrap();
    let sight = |at: usize| match at % 7 {
        0 => ProbeResult::Unreachable(Unreachable {
            code: "refused",
            why: format!("pod {at} is off"),
            help: None,
        }),
        _ => ProbeResult::Seen(Box::new(PodFacts { pi_path: format!("/home/{at}"), ..PodFacts::default() })),
    };
    let pods = manifest.pods.keys().cloned().enumerate().map(|(at, name)| (name, sight(at)));
    let observed = Observed { pods: pods.collect() };
    let whole = planned(&manifest, &observed, &Scope::All);
    assert!(whole.steps.len() > PODS && whole.findings.len() > PODS / 7);
    let (mut steps, mut findings) = (Vec::new(), Vec::new());
    for pod in manifest.pods.keys() {
        let only = Scope::Only { pods: [pod.clone()].into(), models: BTreeSet::new() };
        let mut alone = planned(&manifest, &observed, &only);
        let before = steps.len();
        for step in &mut alone.steps {
            step.id += before;
            step.after.iter_mut().for_each(|id| *id += before);
        }
        steps.append(&mut alone.steps);
        findings.append(&mut alone.findings);
    }
    assert_eq!(whole.steps, steps);
    assert_eq!(whole.findings, findings);
}

fn planned(manifest: &Manifest, observed: &Observed, scope: &Scope) -> Plan {
    let (memory, hub, secrets) = (Memory::default(), HubFacts::default(), BTreeSet::new());
    plan(&Inputs {
        manifest,
        memory: &memory,
        hub: &hub,
        observed,
        secrets: &secrets,
        scope,
        protected: Protected::Keep,
        take_over: &BTreeSet::new(),
    })
}

//! Stopping and destroying need nothing of a pod but its servers: whatever else is wrong there, they are planned.

use super::case::{Case, each_pod, parse};
use pi::hub::HubFacts;
use pi::manifest::Manifest;
use pi::name::ModelName;
use pi::observe::{GpuSight, MountSeen, Observed, Part, PodFacts, RootBy};
use pi::plan::{Action, Extent, Inputs, Plan, Protected, Scope, Severity, destroy, halt, plan};
use pi::units::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a pod.
type Wrong = (&'static str, fn(&mut PodFacts));

const WRONGS: &[Wrong] = &[
    ("nothing", |_| {}),
    ("nvidia-smi fails", |facts| {
        facts.gpus = GpuSight::Broken { exit: 9, message: "no driver".to_owned() };
    }),
    ("it has no GPU", |facts| facts.gpus = GpuSight::None),
    ("it has lost all GPUs but one", |facts| {
        if let GpuSight::Found { gpus, .. } = &mut facts.gpus {
            gpus.truncate(1);
        }
    }),
    ("its GPUs do not answer", |facts| {
        if let GpuSight::Found { gpus, .. } = &mut facts.gpus {
            for gpu in gpus.iter_mut() {
                gpu.fault = Some("it is lost".to_owned());
            }
        }
    }),
    ("its driver is too old", |facts| {
        if let GpuSight::Found { driver, .. } = &mut facts.gpus {
            "470.1".clone_into(driver);
        }
    }),
    ("who is on its GPUs is unknown", |facts| facts.gpu_processes = Part::Unknown),
    ("who listens is unknown", |facts| {
        (facts.listeners, facts.provider) = (Part::Unknown, Part::Unknown);
    }),
    ("what is mounted is unknown", |facts| facts.mounts = Part::Unknown),
    ("its storage is not mounted", |facts| facts.mounts = Part::Seen(BTreeMap::new())),
    ("something else is mounted", |facts| {
        let other = MountSeen::Mounted { source: "other:/share".to_owned(), kind: "nfs4".to_owned() };
        facts.mounts = Part::Seen(BTreeMap::from([("/mnt/share".to_owned(), other)]));
    }),
    ("its disks are unknown", |facts| facts.disks = Part::Unknown),
    ("its disks are full", |facts| {
        facts.disks.seen_mut().into_iter().flatten().for_each(|disk| disk.free = Bytes(0));
    }),
    ("its programs are unknown", |facts| facts.programs = Part::Unknown),
    ("it has no program", |facts| facts.programs = Part::Seen(BTreeMap::new())),
    ("its weights are unknown", |facts| {
        (facts.cache, facts.model_paths) = (Part::Unknown, Part::Unknown);
    }),
    ("its secrets are unknown", |facts| facts.secrets = Part::Unknown),
    ("its engines are gone", |facts| facts.engines.clear()),
    ("its C library is unknown", |facts| facts.host.libc.clear()),
    ("its C library is another one", |facts| "musl".clone_into(&mut facts.host.libc)),
    ("its processor is another one", |facts| "riscv64".clone_into(&mut facts.host.arch)),
    ("nobody can be root", |facts| facts.host.root = RootBy::No),
];

/// What the pod is said to be.
const POD: &str = "[pods.dc1]\nssh = \"ssh -p 2222 root@1.2.3.4\"\ngpus = \"8xH100\"\n\
                   mount = { source = \"nfs.example:/share\", target = \"/mnt/share\", type = \"nfs\" }\n";

#[test]
fn whatever_is_wrong_with_a_pod_its_servers_can_be_stopped_and_removed() {
    let case = Case::all().into_iter().find(|case| case.name == "nothing-to-do").unwrap();
    let models = case.text.split_once("[models.").unwrap().1;
    let mut wrong = Vec::new();
    for engine in ["", "vllm = \"nightly\"\n"] {
        for others in ["", "\n[models.other]\nmodel = \"Qwen/Qwen3-8B\"\nversion = \"0.32.0\"\ngpus = 8\n"] {
            let text = format!("{POD}{engine}\n[models.{models}state = \"stopped\"\n{others}");
            let manifest = parse(&text).unwrap();
            for (what, spoil) in WRONGS {
                let mut observed = case.observed.clone();
                each_pod(&mut observed, spoil);
                let found = not_done(&case, &manifest, &observed);
                wrong.extend(found.into_iter().map(|verb| format!("{verb} where {what}, {engine:?}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The commands that do not stop or remove `qwen`, or do more than that, or say that something is in the way.
fn not_done(case: &Case, manifest: &Manifest, observed: &Observed) -> Vec<String> {
    let (hub, none, nobody) = (HubFacts::default(), BTreeSet::new(), BTreeSet::new());
    let qwen: ModelName = "qwen".parse().unwrap();
    let inputs = |scope| Inputs {
        manifest,
        memory: &case.memory,
        observed,
        hub: &hub,
        secrets: &none,
        scope,
        protected: Protected::Keep,
        take_over: &nobody,
    };
    let does = |plan: &Plan, action: &Action| {
        plan.steps.iter().any(|step| step.action == *action && step.after.is_empty())
    };
    let (stop, remove) = (Action::StopServer(qwen.clone()), Action::RemoveServer(qwen.clone()));
    let only = Scope::Only { pods: BTreeSet::new(), models: BTreeSet::from([qwen]) };
    let mut wrong = Vec::new();
    let halted = halt(&inputs(&only));
    let errors = halted.findings.iter().any(|finding| finding.severity == Severity::Error);
    if !does(&halted, &stop) || halted.steps.len() > 1 || errors {
        wrong.push(format!("pi stop {:?}", halted.findings));
    }
    for scope in [&only, &Scope::All] {
        if !does(&plan(&inputs(scope)), &stop) {
            wrong.push(format!("pi apply {scope:?}"));
        }
        if !does(&destroy(&inputs(scope), Extent::default()), &remove) {
            wrong.push(format!("pi destroy {scope:?}"));
        }
    }
    wrong
}

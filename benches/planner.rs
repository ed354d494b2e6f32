//! The planner alone: 1,000 pods, 10,000 models. Prints time, memory, and time at twice the size over time.
//!
//! `cargo bench --bench planner`; exits with 1 where a target is missed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints what it measured, and stops where it can't"
)]

use pi::hub::HubFacts;
use pi::manifest::{self, Manifest};
use pi::memory::Memory;
use pi::name::{PodName, SecretName};
use pi::observe::{EngineSeen, Gpu, GpuProcess, GpuSight, Listener, Observed, PodFacts, ProbeResult};
use pi::plan::{Inputs, Plan, Protected, Scope, plan, simulate};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

const PODS: usize = 1000;
const MODELS_PER_POD: usize = 10;
/// Milliseconds, ratio, MiB.
const TARGETS: (f64, f64, f64) = (100.0, 2.3, 200.0);

/// What a plan is made from, at one size.
struct World {
    manifest: Manifest,
    observed: Observed,
}

fn main() -> ExitCode {
    let stages = [
        ("nothing there yet", Stage::Fresh),
        ("half is there, and other than wanted", Stage::Half),
        ("all as wanted", Stage::Done),
    ];
    println!("{PODS} pods, {} models; the fastest of several runs each", PODS * MODELS_PER_POD);
    let one = World::new(PODS);
    let times = stages.map(|(_, stage)| best(&[&one], stage)[0]);
    let memory = peak_mib();
    let two = World::new(2 * PODS);
    let (mut worst, mut ratio) = (0.0_f64, 0.0_f64);
    for ((name, stage), (first, steps)) in stages.into_iter().zip(times) {
        // side by side: what else the machine does slows both down
        let pair = best(&[&one, &two], stage);
        let (time, double) = (pair[0].0, pair[1].0);
        println!("  {name:38} {first:6.1} ms  {steps:6} steps   twice the size: ×{:.2}", double / time);
        (worst, ratio) = (worst.max(first), ratio.max(double / time));
    }
    println!("peak memory of the process, with its inputs: {memory:.0} MiB");
    let (most_time, most_ratio, most_memory) = TARGETS;
    println!("targets: {most_time} ms, ×{most_ratio}, {most_memory} MiB");
    let met = worst <= most_time && ratio <= most_ratio && memory <= most_memory;
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Clone, Copy)]
enum Stage {
    Fresh,
    Half,
    Done,
}

impl World {
    fn new(pods: usize) -> Self {
        let mut text = String::new();
        for pod in 0..pods {
            let _ = write!(
                text,
                "[pods.p{pod}]\nssh = \"root@10.{}.{}.{}\"\n",
                pod / 65536,
                pod / 256 % 256,
                pod % 256
            );
            for model in 0..MODELS_PER_POD {
                let _ = write!(
                    text,
                    "[models.p{pod}-m{model}]\nmodel = \"owner/model-{model}\"\npod = \"p{pod}\"\nmemory = \"45%\"\n\
                     context = \"32k\"\nargs = [\"--max-num-seqs\", \"128\"]\nenv = {{ VLLM_LOGGING_LEVEL = \"INFO\" }}\n"
                );
            }
        }
        let manifest = manifest::parse("pi.toml", &text, Path::new("/work/team")).unwrap();
        let seen = |name: &PodName| (name.clone(), ProbeResult::Seen(Box::new(facts())));
        let pods = manifest.pods.keys().map(seen).collect();
        Self { manifest, observed: Observed { pods } }
    }

    /// What is there when none, half or all of a plan was done; half of it for another context.
    fn at(&self, stage: Stage) -> Observed {
        let steps = planned(&self.manifest, &self.observed).steps;
        match stage {
            Stage::Fresh => self.observed.clone(),
            Stage::Done => simulate(&self.observed, &steps),
            Stage::Half => {
                let mut half = simulate(&self.observed, &steps[..steps.len() / 2]);
                for sighting in half.pods.values_mut() {
                    let ProbeResult::Seen(facts) = sighting else { continue };
                    for server in facts.servers.values_mut().step_by(2) {
                        if let Ok(spec) = &mut server.spec {
                            spec.context = None;
                        }
                    }
                }
                half
            }
        }
    }
}

/// A pod as large as they come: 8 GPUs, strangers on some, twenty listeners.
fn facts() -> PodFacts {
    let gpu = |index: u32| Gpu {
        index,
        uuid: format!("GPU-{index}"),
        name: "NVIDIA H100 80GB HBM3".to_owned(),
        memory_mib: 81_559,
        used_mib: if index == 7 { 9_000 } else { 4 },
        compute: "9.0".to_owned(),
        mig: false,
        ecc_errors: Some(0),
        fault: None,
        links: std::collections::BTreeMap::new(),
    };
    let process = |index: u32| GpuProcess {
        gpu_uuid: "GPU-7".to_owned(),
        pid: 4000 + index,
        command: "python3".to_owned(),
        used_mib: Some(1_000),
        parent: 1,
        session: 4000,
    };
    let listener = |port: u16| Listener {
        port: port.try_into().unwrap(),
        address: "0.0.0.0".to_owned(),
        pid: Some(77),
        session: Some(77),
        command: "python3".to_owned(),
    };
    PodFacts {
        pi_path: "/root/.pi".to_owned(),
        models_path: "/root/.cache/huggingface".to_owned(),
        gpus: GpuSight::Found { driver: "580.95.05".to_owned(), gpus: (0..8).map(gpu).collect() },
        gpu_processes: (0..8).map(process).collect(),
        listeners: (8000..8020).map(listener).collect(),
        engines: [("vllm-0.1.0".parse().unwrap(), EngineSeen { digest: None, took: None })].into(),
        ..PodFacts::default()
    }
}

fn planned(manifest: &Manifest, observed: &Observed) -> Plan {
    let secrets: BTreeSet<SecretName> = ["api_key".parse().unwrap()].into();
    let (memory, hub) = (Memory::default(), HubFacts::default());
    plan(&Inputs {
        manifest,
        memory: &memory,
        hub: &hub,
        observed,
        secrets: &secrets,
        scope: &Scope::All,
        protected: Protected::Keep,
        take_over: &BTreeSet::new(),
    })
}

/// Milliseconds of the shortest of several runs, since the others were disturbed; and how many steps were planned.
fn best(worlds: &[&World], stage: Stage) -> Vec<(f64, usize)> {
    let observed: Vec<Observed> = worlds.iter().map(|world| world.at(stage)).collect();
    let mut best = vec![(f64::INFINITY, 0); worlds.len()];
    for _ in 0..40 {
        for ((world, observed), best) in worlds.iter().zip(&observed).zip(&mut best) {
            let began = Instant::now();
            let plan = planned(&world.manifest, observed);
            let time = began.elapsed().as_secs_f64() * 1e3;
            *best = (best.0.min(time), plan.steps.len());
        }
    }
    best
}

/// The most memory this process ever had.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

//! The laws over pods on which models without a recipe share GPUs: their number and their context are what fits.

use super::case::parse;
use super::check;
use pi::hub::HubFacts;
use pi::memory::Memory;
use pi::name::SecretName;
use pi::observe::{Life, Observed, PodFacts, ProbeResult, ServerSeen};
use pi::plan::{Inputs, Plan, Protected, Scope, plan};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const COMMIT: &str = "dddddddddddddddddddddddddddddddddddddddd";
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const GPUS: [&str; 5] = ["", "", "gpus = 1", "gpus = 2", "gpus = [1]"];
const CONTEXTS: [&str; 4] = ["", "", "", "context = \"128k\""];

/// One server: its wishes, and what ran of it: on how many GPUs after how many free ones, with which context and life.
type One = (usize, usize, usize, Option<(usize, usize, usize, u8)>);

fn one() -> impl Strategy<Value = One> {
    let ran = prop::option::of((1..4_usize, 0..3_usize, 0..4_usize, 0..4_u8));
    (0..GPUS.len(), 0..CONTEXTS.len(), 0..4_usize, ran)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4,
        rng_seed: RngSeed::Fixed(1), max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn laws_hold_where_fit_decides(
        gpus in 1..9_u32, all in prop::collection::vec(one(), 4), stranger in 0..9_u32
    ) {
        let mut text = "[pods.p]\nssh = \"root@p\"\n".to_owned();
        for (name, (gpus, context, model, ran)) in NAMES.iter().zip(&all) {
            // what ran is wanted as it was chosen
            let (gpus, context) = if ran.is_some() { ("", "") } else { (GPUS[*gpus], CONTEXTS[*context]) };
            let _ = writeln!(text, "[models.{name}]\nmodel = \"o/{model}\"\n{gpus}\n{context}");
        }
        let manifest = parse(&text).unwrap();
        let observed = Observed { pods: BTreeMap::from([("p".parse().unwrap(), pod(gpus, stranger, &all))]) };
        let hub = known();
        let secrets: BTreeSet<SecretName> = BTreeSet::from(["api_key".parse().unwrap()]);
        let memory = Memory::default();
        let planner = |observed: &Observed| -> Plan {
            let protected = Protected::Keep;
            plan(&Inputs { manifest: &manifest, memory: &memory, observed, hub: &hub, secrets: &secrets, scope: &Scope::All, protected, take_over: &BTreeSet::new() })
        };
        let laws = [
            check::numbered(&planner(&observed)),
            check::converges(&planner, &observed),
            check::resumes(&planner, &observed),
            check::resumes_in_any_order(&planner, &observed, u64::from(gpus)),
            check::nobody_is_crowded(&planner, &observed),
        ];
        for law in laws {
            prop_assert!(law.is_ok(), "{}\n{text}\n{gpus} GPUs, {stranger} has a stranger\n{all:?}", law.unwrap_err());
        }
    }
}

/// Whether the server with this number runs.
fn is(life: u8, at: usize) -> Life {
    match life {
        0 | 1 => Life::Running { pid: 100 * u32::try_from(at + 1).unwrap(), seconds: 9, health: Some(200) },
        2 => Life::Dead { left: Vec::new() },
        _ => Life::Stopped,
    }
}

/// A pod with H100s, a stranger on one of them, and what is left of servers.
fn pod(count: u32, stranger: u32, all: &[One]) -> ProbeResult {
    let gpus: Vec<Value> =
        (0..count).map(|index| gpu(index, if index == stranger { 50_000 } else { 4 })).collect();
    let mut facts: PodFacts = serde_json::from_value(json!({
        "pi_path": "/root/.pi", "models_path": "/root/hf", "programs": { "gcc": "/usr/bin/gcc" },
        "gpus": { "Found": { "driver": "580.1", "gpus": gpus } },
    }))
    .unwrap();
    let mut taken = 0;
    for (at, (name, (.., model, ran))) in NAMES.iter().zip(all).enumerate() {
        let Some((gpus, from, context, life)) = ran else { continue };
        // nobody is on another's GPUs, nor on the stranger's
        let mine: Vec<u32> =
            (0..count).filter(|gpu| *gpu != stranger).skip(taken + from).take(*gpus).collect();
        taken += from + mine.len();
        if mine.len() < *gpus {
            continue;
        }
        let contexts = [None, Some(65_536), Some(131_072), Some(524_288)];
        let spec = json!({
            "name": name, "project": "team", "kind": "vllm", "engine": "vllm-0.32.0", "model": format!("o/{model}"),
            "commit": COMMIT, "context": contexts[*context],
            "fitted": *context > 1, "memory": null, "gpus": mine, "listen": "0.0.0.0", "port": 8001 + at,
            "key": "required", "args": [], "command": [], "env": {},
        });
        let life = is(*life, at);
        let seen = ServerSeen {
            spec: Ok(serde_json::from_value(spec).unwrap()),
            run: pi::spec::RunId::default(),
            last_run: pi::spec::RunId::default(),
            owner: pi::observe::OwnerSeen::Unnamed,
            answered: *context != 1,
            life,
            secrets: BTreeMap::new(),
            past: pi::observe::Past::default(),
            measured: None,
            beside: None,
        };
        facts.servers.insert(name.parse().unwrap(), seen);
    }
    ProbeResult::Seen(Box::new(facts))
}

/// Models whose own context takes one GPU, four, or more than there are, and one of which nobody can tell.
fn known() -> HubFacts {
    let facts = |layers: u32| {
        json!({ "known": {
            "commit": COMMIT, "files": { "model.safetensors": { "bytes": 16_000_000_000_u64, "blob": "m" } },
            "config": { "num_hidden_layers": layers, "num_attention_heads": 8, "num_key_value_heads": 8,
                "head_dim": 128, "max_position_embeddings": 1 << 20 } } })
    };
    let mut odd = facts(8);
    odd["known"]["config"] = Value::Null;
    serde_json::from_value(
        json!({ "o/0@main": facts(8), "o/1@main": facts(40), "o/2@main": facts(128), "o/3@main": odd }),
    )
    .unwrap()
}

fn gpu(index: u32, used_mib: u32) -> Value {
    json!({ "index": index, "uuid": format!("GPU-{index}"), "name": "NVIDIA H100 80GB HBM3", "memory_mib": 81559,
        "used_mib": used_mib, "compute": "9.0", "mig": false, "ecc_errors": null,
        "fault": null, "links": {} })
}

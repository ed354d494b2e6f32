//! The laws over manifests and pods that nobody thought of.
//!
//! A world is made from a list of bytes, each a choice; a list that ends early chooses the simplest. Smaller lists
//! make simpler worlds, so that proptest finds a small one that breaks a law.

use super::case::parse;
use super::check;
use pi::hub::{HubAnswer, HubFacts, HubFile, NoAnswer, RepoFacts};
use pi::manifest::Manifest;
use pi::memory::{Memory, PodMemory, ServerMemory};
use pi::model_ref::ModelRef;
use pi::name::{ModelName, Port, SecretName};
use pi::observe::{
    CachedRepo, Disk, EngineSeen, FailedStart, Gpu, GpuProcess, GpuSight, Life, Listener, MountSeen,
    Observed, OwnerSeen, Part, Past, PathSeen, PodFacts, ProbeFailure, ProbeResult, RootBy, SecretSeen,
    Section, ServerSeen, Snapshot, Unreachable, Whole,
};
use pi::plan::{Extent, Inputs, Plan, Protected, Removal, Scope, destroy, plan};
use pi::spec::{Owner, RunId, ServerSpec};
use pi::units::{Bytes, Tokens};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

proptest! {
    #![proptest_config(ProptestConfig {
        // the same thousand every time, so that a change is judged by what it changes; PROPTEST_CASES and
        // PROPTEST_RNG_SEED ask for more and for others
        cases: ProptestConfig::default().cases.max(1000),
        rng_seed: match ProptestConfig::default().rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            fixed @ RngSeed::Fixed(_) => fixed,
        },
        max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn laws_hold_for_manifests_and_pods_that_nobody_thought_of(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let world = World::of(&mut Choices(bytes.iter()));
        let Ok(manifest) = parse(&world.text) else { return Ok(()) };
        let planner = |observed: &Observed| world.plan(&manifest, observed);
        let seed = u64::try_from(bytes.len()).unwrap();
        let laws = [
            check::numbered(&planner(&world.observed)),
            check::converges(&planner, &world.observed),
            check::resumes(&planner, &world.observed),
            check::resumes_in_any_order(&planner, &world.observed, seed),
            check::nobody_is_crowded(&planner, &world.observed),
            check::others_are_left_alone(&planner(&world.observed), &world.observed, (&manifest, &world.take_over)),
        ];
        for law in laws {
            prop_assert!(law.is_ok(), "{}\n{}\n{:#?}", law.unwrap_err(), world.text, world.observed);
        }
        prop_assert_eq!(planner(&world.observed), planner(&world.observed));
        let plan = planner(&world.observed);
        prop_assert!(!pi::ui::plan_text(&plan, &manifest.lines).is_empty());
        prop_assert!(!pi::ui::plan_json(&plan).is_null());
    }
}

/// Bytes as choices.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % end.max(1)
    }

    /// One of a list; the first is the simplest.
    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Once in so many times.
    fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }
}

struct World {
    text: String,
    observed: Observed,
    memory: Memory,
    hub: HubFacts,
    secrets: BTreeSet<SecretName>,
    scope: Scope,
    protected: Protected,
    take_over: BTreeSet<ModelName>,
    destroy: Option<Extent>,
}

/// Two commits; no branch is called as one.
const OLD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "dddddddddddddddddddddddddddddddddddddddd";
const AT_OLD: &str = "o/a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const REFS: [&str; 10] = [
    "o/a",
    "o/b",
    "o/a@main",
    AT_OLD,
    "/data/x",
    "/mnt/s/y",
    "o/g:a.gguf",
    "o/g:b.gguf",
    "Qwen/Qwen2.5-Coder-32B-Instruct",
    "openai/gpt-oss-120b",
];
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const KINDS: [&str; 3] = ["vllm", "llama.cpp", "command"];
const MEMORY: [&str; 4] = ["", "45%", "50%", "90%"];

impl World {
    #[expect(clippy::too_many_lines, reason = "one choice after the other")]
    fn of(choices: &mut Choices<'_>) -> Self {
        let pods = 1 + choices.below(3);
        let mut text = manifest(choices, pods);
        if !choices.once_in(3) {
            text = format!("project_id = \"{OURS}\"\n{text}");
        }
        let ours = ["api_key", "hf_token"].into_iter().filter(|_| !choices.once_in(4));
        let secrets: BTreeSet<SecretName> = ours.map(|name| name.parse().unwrap()).collect();
        let mut observed = Observed::default();
        let mut memory = Memory::default();
        for pod in 0..pods {
            let name = format!("p{pod}").parse().unwrap();
            if choices.once_in(12) {
                let why = Unreachable { code: "refused", why: "refused".to_owned(), help: None };
                observed.pods.insert(name, ProbeResult::Unreachable(why));
            } else if !choices.once_in(16) {
                observed.pods.insert(name, ProbeResult::Seen(Box::new(facts(choices, &secrets))));
            }
        }
        if choices.once_in(4) {
            let place = ServerMemory { port: port(choices), gpus: vec![1], pid: None };
            let servers = BTreeMap::from([("a".parse().unwrap(), place)]);
            let known = PodMemory { ssh: String::new(), seen: 0, facts: PodFacts::default(), servers };
            memory.pods.insert("p0".parse().unwrap(), known);
        }
        let hub = hub(choices);
        let removal = |yes| if yes { Removal::Remove } else { Removal::Keep };
        Self {
            text,
            observed,
            memory,
            hub,
            secrets,
            scope: match choices.below(8) {
                6 => Scope::Only { pods: BTreeSet::new(), models: BTreeSet::from(["b".parse().unwrap()]) },
                7 => Scope::Only { pods: BTreeSet::from(["p0".parse().unwrap()]), models: BTreeSet::new() },
                _ => Scope::All,
            },
            protected: if choices.once_in(2) { Protected::Allow } else { Protected::Keep },
            take_over: NAMES
                .iter()
                .filter(|_| choices.once_in(8))
                .map(|name| name.parse().unwrap())
                .collect(),
            destroy: choices.once_in(8).then(|| Extent {
                weights: removal(choices.once_in(2)),
                engines: removal(choices.once_in(2)),
            }),
        }
    }

    fn plan(&self, manifest: &Manifest, observed: &Observed) -> Plan {
        let Self { text: _, observed: _, memory, hub, secrets, scope, protected, take_over, destroy: extent } =
            self;
        let inputs =
            Inputs { manifest, memory, observed, hub, secrets, scope, protected: *protected, take_over };
        extent.map_or_else(|| plan(&inputs), |extent| destroy(&inputs, extent))
    }
}

fn manifest(choices: &mut Choices<'_>, pods: usize) -> String {
    let mut text = String::new();
    for pod in 0..pods {
        let _ = write!(text, "[pods.p{pod}]\nssh = \"root@p{pod}\"\n");
        if choices.once_in(3) {
            text += "mount = \"mount -t nfs nfs:/s /mnt/s\"\n";
        }
        text += choices.of(&["", "", "pi_path = \"/mnt/s/.pi\"\n", "models_path = \"/mnt/s\"\n"]);
    }
    for name in NAMES.iter().take(choices.below(6)) {
        let model = choices.of(&REFS);
        let kind = choices.of(&KINDS);
        let _ = write!(text, "[models.{name}]\nmodel = {model:?}\nengine = {kind:?}\n");
        if kind == "command" {
            text += "command = [\"serve\", \"{port}\"]\n";
        }
        let pod = choices.below(pods);
        let also = choices.below(pods);
        let _ = writeln!(text, "pod = [\"p{pod}\", \"p{also}\"]");
        for line in wishes(choices) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn wishes(choices: &mut Choices<'_>) -> [&'static str; 7] {
    let gpus = [
        "",
        "",
        "gpus = 0",
        "gpus = 1",
        "gpus = 2",
        "gpus = [0]",
        "gpus = [1]",
        "gpus = [0, 1]",
        "gpus = [9]",
    ];
    [
        choices.of(&gpus),
        choices.of(&["", "memory = \"45%\"", "memory = \"50%\"", "memory = \"90%\""]),
        choices.of(&["", "", "port = 8001", "port = 8002", "port = 8003"]),
        choices.of(&["", "", "", "state = \"stopped\""]),
        choices.of(&["", "", "protect = true"]),
        choices.of(&["", "context = \"2k\""]),
        choices.of(&["", "", "listen = \"127.0.0.1\""]),
    ]
}

fn facts(choices: &mut Choices<'_>, ours: &BTreeSet<SecretName>) -> PodFacts {
    let gpus = gpus(choices);
    let mut facts = PodFacts {
        pi_path: choices.of(&["/root/.pi", "/mnt/s/.pi"]).to_owned(),
        models_path: choices.of(&["/root/hf", "/mnt/s"]).to_owned(),
        gpus,
        ..PodFacts::default()
    };
    let seen =
        [MountSeen::Nothing, MountSeen::Mounted { source: "nfs:/s".to_owned(), kind: "nfs4".to_owned() }];
    facts.disks = Part::Seen(disks(choices, &facts.models_path));
    facts.mounts.seen_mut().unwrap().insert("/mnt/s".to_owned(), seen[choices.below(2)].clone());
    for (at, name) in NAMES.iter().enumerate() {
        if choices.once_in(2) {
            let pid = u32::try_from(100 * (at + 1)).unwrap();
            let seen = one_or_two(choices, (name, pid), ours, facts.listeners.seen_mut().unwrap());
            facts.servers.insert(name.parse().unwrap(), seen);
        }
    }
    engines_and_weights(choices, &mut facts);
    for name in ["api_key", "hf_token"] {
        if choices.once_in(2) {
            facts.secrets.seen_mut().unwrap().extend([secret(choices, name, ours)]);
        }
    }
    strangers(choices, &mut facts);
    facts.rest.extend(choices.once_in(2).then(|| "tools".to_owned()));
    for program in ["gcc", "curl", "apt-get"] {
        if choices.once_in(2) {
            facts.programs.seen_mut().unwrap().insert(program.to_owned(), format!("/usr/bin/{program}"));
        }
    }
    facts.host.root = choices.of(&[RootBy::Login, RootBy::Sudo, RootBy::No]);
    if choices.once_in(12) {
        let section = choices.of(&[Section::Disks, Section::Weights, Section::Home]);
        facts.gaps.push(ProbeFailure { section, why: "it hung".to_owned() });
    }
    facts
}

fn engines_and_weights(choices: &mut Choices<'_>, facts: &mut PodFacts) {
    for id in ["vllm-0.32.0", "vllm-0.32.0-cpu"] {
        match choices.below(3) {
            1 => drop(facts.engines.insert(id.parse().unwrap(), EngineSeen { digest: None, took: None })),
            2 => drop(
                facts
                    .engines
                    .insert(id.parse().unwrap(), EngineSeen { digest: Some("x".to_owned()), took: None }),
            ),
            _ => {}
        }
    }
    for repo in ["o/a", "o/b", "o/g"] {
        facts.cache.seen_mut().unwrap().extend(cached(choices, repo));
    }
    for path in ["/data/x", "/mnt/s/y"] {
        if choices.once_in(2) {
            facts.model_paths.seen_mut().unwrap().insert(
                path.to_owned(),
                PathSeen { directory: true, bytes: Bytes(1), ..PathSeen::default() },
            );
        }
    }
}

fn gpus(choices: &mut Choices<'_>) -> GpuSight {
    match choices.below(8) {
        6 => GpuSight::None,
        7 => GpuSight::Broken { exit: 9, message: "no driver".to_owned() },
        _ => {
            let count = u32::try_from(1 + choices.below(4)).unwrap();
            let paired = choices.once_in(2);
            let gpus = (0..count).map(|index| Gpu {
                index,
                uuid: format!("GPU-{index}"),
                name: "NVIDIA H100".to_owned(),
                memory_mib: 80_000,
                used_mib: choices.of(&[4, 4, 20_000, 41_000, 75_000]),
                compute: String::new(),
                mig: choices.once_in(16),
                ecc_errors: None,
                fault: choices.once_in(16).then(|| "Unknown Error".to_owned()),
                links: if paired { BTreeMap::from([(index ^ 1, 4)]) } else { BTreeMap::new() },
            });
            let gpus = gpus.collect();
            GpuSight::Found { driver: choices.of(&["580.1", "550.2", "470.3"]).to_owned(), gpus }
        }
    }
}

fn life(choices: &mut Choices<'_>, pid: u32) -> Life {
    match choices.below(5) {
        0 | 1 => Life::Running { pid, seconds: 9, health: choices.of(&[Some(200), None, Some(503)]) },
        2 => Life::Dead { left: Vec::new() },
        3 => Life::Dead { left: vec![pid + 1, pid + 2] },
        _ => Life::Stopped,
    }
}

fn server(choices: &mut Choices<'_>, name: &str, ours: &BTreeSet<SecretName>, pid: u32) -> ServerSeen {
    let kind = choices.of(&KINDS);
    let memory = choices.of(&MEMORY);
    let gpus: &[u32] = choices.of(&[&[0], &[], &[1], &[0, 1], &[2]]);
    let spec = serde_json::json!({
        "name": name, "project": choices.of(&["team", "team", "other"]), "kind": kind,
        "engine": if kind == "vllm" { Some("vllm-0.32.0") } else { None },
        "model": choices.of(&REFS), "commit": null, "context": choices.of(&[None, Some(2048)]),
        "memory": pi::units::Percent::parse(memory).ok(), "gpus": gpus, "listen": "0.0.0.0",
        "port": port(choices), "key": choices.of(&["required", "open"]), "args": [],
        "command": if kind == "command" { vec!["serve", "{port}"] } else { Vec::new() }, "env": {},
        "build": choices.of(&[None, Some("x")]), "fitted": choices.of(&[false, true]),
    });
    let life = life(choices, pid);
    let mut secrets = BTreeMap::new();
    if choices.once_in(2) {
        secrets.extend([secret(choices, "api_key", ours)]);
    }
    let spec = if choices.once_in(12) {
        Err("broken".to_owned())
    } else {
        Ok(serde_json::from_value(spec).unwrap())
    };
    let answered = choices.once_in(2);
    let mut past = past(choices, &spec);
    past.previous = past.previous.filter(|_| !answered);
    let (run, last_run) = choices.of(&[(0, 0), (1, 1), (2, 3)]);
    let (run, last_run) = (RunId(run), RunId(last_run));
    ServerSeen {
        spec,
        run,
        last_run,
        owner: owner(choices),
        life,
        answered,
        secrets,
        past,
        measured: None,
        beside: None,
    }
}

/// The id of this project, and that of another one with the same name.
const OURS: &str = "oursoursours";
const THEIRS: &str = "theirstheirs";

fn owner(choices: &mut Choices<'_>) -> OwnerSeen {
    match choices.below(7) {
        0..3 => OwnerSeen::Unnamed,
        3 => OwnerSeen::Ours,
        5 => OwnerSeen::Renamed(Owner {
            id: OURS.parse().unwrap(),
            project: "other".parse().unwrap(),
            who: "bob@desk".to_owned(),
            since: 5,
        }),
        4 => OwnerSeen::Other(Owner {
            id: THEIRS.parse().unwrap(),
            project: choices.of(&["team", "other"]).parse().unwrap(),
            who: "bob@desk".to_owned(),
            since: 5,
        }),
        _ => OwnerSeen::Unreadable,
    }
}

/// A server, and what is beside it.
fn one_or_two(
    choices: &mut Choices<'_>,
    (name, pid): (&str, u32),
    ours: &BTreeSet<SecretName>,
    listeners: &mut Vec<Listener>,
) -> ServerSeen {
    let mut seen = server(choices, name, ours, pid);
    // also such as no pi has left
    let beside = choices.once_in(6).then(|| server(choices, name, ours, pid + 40));
    seen.beside = beside.map(Box::new);
    if choices.once_in(4) {
        shares_its_port(choices, &mut seen, listeners);
    }
    seen
}

/// It listens on its port, perhaps together with one that is to take its place: an earlier pi had both share it.
fn shares_its_port(choices: &mut Choices<'_>, seen: &mut ServerSeen, listeners: &mut Vec<Listener>) {
    if choices.once_in(2) {
        let mut beside = ServerSeen { beside: None, ..seen.clone() };
        if let (Ok(spec), Life::Running { pid, .. }) = (&mut beside.spec, &mut beside.life) {
            spec.gpus = choices.of(&[&[1], &[2], &[0]]).to_vec();
            spec.context = choices.of(&[None, Some(Tokens(2048))]);
            *pid += 40;
        }
        seen.beside = Some(Box::new(beside));
    }
    share(seen, listeners);
    if let Some(beside) = &mut seen.beside {
        share(beside, listeners);
    }
}

fn share(seen: &mut ServerSeen, listeners: &mut Vec<Listener>) {
    let (Ok(spec), Life::Running { pid, .. }) = (&mut seen.spec, &seen.life) else { return };
    listeners.push(Listener {
        port: spec.port,
        address: "0.0.0.0".to_owned(),
        pid: Some(*pid),
        session: Some(*pid),
        command: "x".to_owned(),
    });
}

/// What former starts left: one that answered once, with another context or build, and a failure.
fn past(choices: &mut Choices<'_>, spec: &Result<ServerSpec, String>) -> Past {
    let context = choices.of(&[None, Some(Tokens(2048)), Some(Tokens(4096))]);
    let former = spec.as_ref().ok().filter(|_| choices.once_in(2));
    let former = former.map(|spec| Box::new(ServerSpec { context, ..spec.clone() }));
    let failed = spec.as_ref().ok().filter(|_| choices.once_in(4)).map(|spec| FailedStart {
        digest: spec.digest(),
        count: 2,
        cause: "it died".to_owned(),
    });
    Past { previous: former, failed, took: choices.of(&[None, Some(100)]), restarts: None }
}

fn disks(choices: &mut Choices<'_>, path: &str) -> Vec<Disk> {
    let free = Bytes(choices.of(&[100, 9, 7, 3]));
    let (kind, mounted_on) = ("ext4".to_owned(), "/".to_owned());
    let disk = Disk { path: path.to_owned(), mounted_on, kind, size: Bytes(100), free };
    choices.once_in(2).then_some(disk).into_iter().collect()
}

fn cached(choices: &mut Choices<'_>, repo: &str) -> Option<CachedRepo> {
    if !choices.once_in(2) {
        return None;
    }
    let refs = if choices.once_in(2) {
        BTreeMap::from([("main".to_owned(), OLD.to_owned())])
    } else {
        BTreeMap::new()
    };
    let files = ["a.gguf", "b.gguf"];
    let (there, gone): (Vec<&str>, Vec<&str>) = files.iter().partition(|_| choices.once_in(2));
    let snapshot = Snapshot {
        files: 1,
        whole: choices.of(&[Whole::Yes, Whole::No, Whole::Unknown]),
        sizes: there.iter().map(|file| ((*file).to_owned(), Bytes(1))).collect(),
        missing: if choices.once_in(2) {
            gone.iter().map(|file| (*file).to_owned()).collect()
        } else {
            Vec::new()
        },
        config: choices.of(&[None, Some("{}")]).map(str::to_owned),
    };
    let commit = choices.of(&[OLD, "main", NEW]);
    let snapshots = BTreeMap::from([(commit.to_owned(), snapshot)]);
    let blobs =
        if choices.once_in(3) { BTreeMap::from([("b".to_owned(), Bytes(1))]) } else { BTreeMap::new() };
    let incomplete = Bytes(choices.of(&[0, 0, 3]));
    Some(CachedRepo { repo: repo.parse().unwrap(), refs, snapshots, blobs, bytes: Bytes(1), incomplete })
}

/// What the hub says of the models; of some it was not asked. A repository that it does not know it knows at no
/// revision.
fn hub(choices: &mut Choices<'_>) -> HubFacts {
    let mut facts = HubFacts::default();
    let mut unknown: Option<NoAnswer> = None;
    let old_has_weights = choices.once_in(2);
    let kv_heads = choices.of(&[0, 1, 2, 8]);
    for name in ["o/b", "o/g", "o/a", "o/a@main", AT_OLD] {
        let model = ModelRef::parse(name).unwrap();
        let file = |blob: &str, bytes| HubFile { bytes: Bytes(bytes), blob: blob.to_owned() };
        let mut files =
            BTreeMap::from([("a.gguf".to_owned(), file("a", 1)), ("b.gguf".to_owned(), file("b", 1))]);
        let commit = if name == AT_OLD { OLD } else { choices.of(&[OLD, NEW]) };
        // a commit has the same files, whatever name it was asked by
        if commit == NEW || old_has_weights {
            files.insert("model.safetensors".to_owned(), file("m", 5));
        }
        let known = RepoFacts {
            commit: commit.to_owned(),
            gated: choices.once_in(4),
            private: false,
            files,
            config: (commit == NEW || kv_heads > 0).then(|| config(kv_heads.max(1))),
        };
        let of_a = name.starts_with("o/a");
        match (choices.below(5), &unknown) {
            (_, Some(why)) if of_a && name != "o/a" => facts.insert(&model, HubAnswer::Unknown(why.clone())),
            (0 | 1, _) => {}
            (4.., _) if !of_a || name == "o/a" => {
                let why = [NoAnswer::NotFound, NoAnswer::Offline(String::new())][choices.below(2)].clone();
                unknown = of_a.then(|| why.clone());
                facts.insert(&model, HubAnswer::Unknown(why));
            }
            (2.., _) => facts.insert(&model, HubAnswer::Known(known)),
        }
    }
    facts
}

/// A model that takes one GPU or many, or less context than its own.
fn config(kv_heads: u32) -> serde_json::Value {
    serde_json::json!({
        "num_hidden_layers": 128, "num_attention_heads": 8, "num_key_value_heads": kv_heads, "head_dim": 128,
        "max_position_embeddings": 1 << 20,
    })
}

/// Listeners and GPU processes: of servers, of strangers, and some of which nobody knows whose they are.
fn strangers(choices: &mut Choices<'_>, facts: &mut PodFacts) {
    for _ in 0..choices.below(4) {
        let session = choices.of(&[None, Some(100), Some(200), Some(999)]);
        let pid = session.map(|session| session + u32::try_from(choices.below(2)).unwrap());
        let listener = Listener {
            port: port(choices),
            address: "0.0.0.0".to_owned(),
            pid,
            session,
            command: "x".to_owned(),
        };
        facts.listeners.seen_mut().unwrap().push(listener);
    }
    for _ in 0..choices.below(4) {
        let session = choices.of(&[0, 100, 200, 300, 999]);
        facts.gpu_processes.seen_mut().unwrap().push(GpuProcess {
            gpu_uuid: format!("GPU-{}", choices.below(3)),
            pid: session + u32::try_from(choices.below(2)).unwrap(),
            command: "python3".to_owned(),
            used_mib: choices.of(&[Some(30_000), Some(70_000), None]),
            parent: 1,
            session,
        });
    }
}

/// A secret on a pod; it can be compared where this machine has it too.
fn secret(choices: &mut Choices<'_>, name: &str, ours: &BTreeSet<SecretName>) -> (SecretName, SecretSeen) {
    let name: SecretName = name.parse().unwrap();
    let seen = choices.of(&[SecretSeen::Same, SecretSeen::Differs]);
    let seen = if ours.contains(&name) { seen } else { SecretSeen::There };
    (name, seen)
}

fn port(choices: &mut Choices<'_>) -> Port {
    Port::new(choices.of(&[8001, 8002, 8003, 8004])).unwrap()
}

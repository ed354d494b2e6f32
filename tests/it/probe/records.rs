//! Probes of real pods and of podlab's, recorded in `tests/probes`: each is read as its `.json` says.

use crate::golden::Golden;
use pi::name::SecretName;
use pi::observe::{Blind, Expect, GpuSight, PodFacts, read, salted};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The secrets of the machine that looks: one as on the pods, one other.
fn ours() -> Expect {
    let secret = |name: &str, value: &str| (SecretName::parse(name).unwrap(), salted("salt", value));
    Expect {
        digests: BTreeMap::from([secret("api_key", "sk-one"), secret("hf_token", "hf_mine")]),
        project: None,
    }
}

#[test]
fn recorded_probes_are_read_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes");
    let mut golden = Golden::default();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "txt") {
            continue;
        }
        count += 1;
        let facts = read(&fs::read_to_string(&path).unwrap(), &ours()).unwrap();
        let json = serde_json::to_string_pretty(&facts).unwrap() + "\n";
        golden.compare(&path.with_extension("json"), &json);
        assert_eq!(serde_json::from_str::<PodFacts>(&json).unwrap(), facts, "{}", path.display());
    }
    golden.all_as_written();
    assert!(count > 8, "only {count} records");
}

/// The records of each section, by their keys, and what is unknown without its last one: a field of [`PodFacts`] that
/// is `null` then, or nothing where the servers are hidden by it.
const SECTIONS: [(&str, &str, &[&str]); 9] = [
    ("host", "path host", &[]),
    ("mounts", "mount", &["mounts"]),
    ("programs", "program", &["programs"]),
    ("processes", "env listener", &["listeners", "provider"]),
    ("weights", "repo ref snapshot tree config file model model-config", &["cache", "model_paths"]),
    ("home", "engine rate rest lock secret server", &[]),
    ("disks", "df", &["disks"]),
    ("gpus", "smi gpu", &["gpus"]),
    ("gpu-processes", "app link", &["gpu_processes"]),
];

#[test]
fn each_section_cut_at_any_line_is_unknown_and_never_less() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes");
    for name in ["h100x8", "this-machine", "hide-pids"] {
        let text = fs::read_to_string(folder.join(name).with_extension("txt")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let whole = serde_json::to_value(read(&text, &ours()).unwrap()).unwrap();
        for (section, keys, hides) in SECTIONS {
            let of = |line: &str| {
                let (key, rest) = line.split_once('\t').unwrap_or((line, ""));
                keys.split(' ').any(|one| one == key) || key == "done" && rest == section
            };
            let own: Vec<usize> = (0..lines.len()).filter(|at| of(lines[*at])).collect();
            // from each of its lines on, and each of its lines alone but for the last
            for cut in 0..own.len() {
                let left = lines.iter().enumerate().filter(|(at, _)| !own[cut..].contains(at));
                let text: String = left.map(|(_, line)| format!("{line}\n")).collect();
                let Ok(facts) = read(&text, &ours()) else {
                    assert!(hides.is_empty(), "{name}: {section} hides the servers");
                    continue;
                };
                assert!(!hides.is_empty(), "{name}: {section} cut at {cut} hides nothing");
                let told = facts.gaps.iter().any(|gap| gap.section.as_str() == section);
                assert!(told || section == "gpus", "{:?}", facts.gaps);
                let gpus = facts.gpus.clone();
                let seen = serde_json::to_value(facts).unwrap();
                for (field, value) in seen.as_object().unwrap() {
                    match (hides.contains(&field.as_str()), field.as_str()) {
                        (true, "gpus") => assert!(matches!(gpus, GpuSight::Broken { .. }), "{gpus:?}"),
                        (true, _) => assert!(value.is_null(), "{name}: {field} is {value}"),
                        (false, "gaps") => {}
                        // which GPUs are joined is told with their processes, and nothing depends on it
                        (false, "gpus") if section == "gpu-processes" => {}
                        (false, _) => assert_eq!(value, &whole[field], "{name}: {section} at {cut}: {field}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_probe_cut_anywhere_tells_nothing_else_than_a_whole_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes/h100x8.txt");
    let text = fs::read_to_string(path).unwrap();
    let whole = read(&text, &Expect::default()).unwrap();
    assert!(whole.gaps.is_empty());
    for cut in (0..text.trim_end().len()).step_by(7) {
        match read(&text[..text.floor_char_boundary(cut)], &Expect::default()) {
            Err(Blind(_)) => {}
            Ok(facts) => {
                assert!(
                    facts.gaps.iter().any(|gap| gap.section == pi::observe::Section::Probe),
                    "cut at {cut}"
                );
                assert_eq!(facts.servers, whole.servers, "cut at {cut}");
                let (seen, all) = (facts.listeners.seen(), whole.listeners.seen());
                assert!(seen.is_none() || seen == all, "cut at {cut}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_pod_says_is_read(rows in prop::collection::vec(row(), 0..40)) {
        let done: String = SECTIONS.iter().map(|(section, ..)| format!("\ndone\t{section}")).collect();
        match read(&format!("pi-probe\t1\n{}{done}\ndone\tsecrets\nend\n", rows.join("\n")), &ours()) {
            Ok(facts) => super::trouble::assert_tame(&serde_json::to_value(&facts).unwrap()),
            Err(blind) => super::trouble::assert_tame(&blind.to_string().into()),
        }
    }
}

/// A record with a key that is known, and anything behind it.
fn row() -> impl Strategy<Value = String> {
    let keys = "path host df mount smi gpu app link listener server engine program repo ref snapshot tree config file model \
                secret lock env gap";
    let field = prop_oneof![
        any::<String>(),
        "[0-9]{1,20}",
        Just("GPU-1, 1, 2, x".to_owned()),
        Just("0, GPU-1, a, 1, 2, 3".to_owned()),
        Just("GPU0 X NV4 GPU1".to_owned()),
        Just("é GPU0 GPU1 CPU".to_owned()),
        prop::sample::select(
            "qwen spec running dead health tiny/qwen3 pi 0100007F:1F40 é, {} é"
                .split(' ')
                .collect::<Vec<_>>()
        )
        .prop_map(str::to_owned),
    ];
    let key = prop::sample::select(keys.split_whitespace().collect::<Vec<_>>());
    (key, prop::collection::vec(field, 0..6))
        .prop_map(|(key, fields)| format!("{key}\t{}", fields.join("\t")))
}

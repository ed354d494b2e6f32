//! Probes of real pods and of podlab's, recorded in `tests/probes`: each is read as its `.json` says.

use crate::golden::Golden;
use pi::name::SecretName;
use pi::observe::{Expect, PodFacts, read, salted};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The secrets of the machine that looks: one as on the pods, one other.
fn ours() -> Expect {
    let secret = |name: &str, value: &str| (SecretName::parse(name).unwrap(), salted("salt", value));
    Expect { digests: BTreeMap::from([secret("api_key", "sk-one"), secret("hf_token", "hf_mine")]) }
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
        let facts = read(&fs::read_to_string(&path).unwrap(), &ours());
        let json = serde_json::to_string_pretty(&facts).unwrap() + "\n";
        golden.compare(&path.with_extension("json"), &json);
        assert_eq!(serde_json::from_str::<PodFacts>(&json).unwrap(), facts, "{}", path.display());
    }
    golden.all_as_written();
    assert!(count > 8, "only {count} records");
}

#[test]
fn a_probe_cut_anywhere_is_told_from_a_whole_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probes/h100x8.txt");
    let text = fs::read_to_string(path).unwrap();
    assert!(read(&text, &Expect::default()).gaps.is_empty());
    for cut in (0..text.trim_end().len()).step_by(7) {
        let facts = read(&text[..text.floor_char_boundary(cut)], &Expect::default());
        assert!(facts.gaps.iter().any(|gap| gap.section == "probe"), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_pod_says_is_read(rows in prop::collection::vec(row(), 0..40)) {
        let facts = read(&format!("pi-probe\t1\n{}\nend\n", rows.join("\n")), &ours());
        super::trouble::assert_tame(&serde_json::to_value(&facts).unwrap());
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

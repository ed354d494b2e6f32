//! Probes of real pods and of podlab's, recorded in `tests/probes`: each is read as its `.json` says.

use pi::name::SecretName;
use pi::observe::{Expect, PodFacts, read, salted};
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
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "txt") {
            continue;
        }
        count += 1;
        let facts = read(&fs::read_to_string(&path).unwrap(), &ours());
        let json = serde_json::to_string_pretty(&facts).unwrap() + "\n";
        let golden = path.with_extension("json");
        if std::env::var_os("PI_ACCEPT").is_some() {
            fs::write(&golden, &json).unwrap();
        }
        let want = fs::read_to_string(&golden).unwrap_or_default();
        assert!(json == want, "{} differs; PI_ACCEPT=1 accepts it:\n{json}", golden.display());
        assert_eq!(serde_json::from_str::<PodFacts>(&json).unwrap(), facts, "{}", golden.display());
    }
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

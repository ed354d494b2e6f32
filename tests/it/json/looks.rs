//! The commands that print one document: `check`, `init`, `pods active`.

use super::{document, written_down};
use crate::workplace::Workplace;

const TWO: &str = "\
[pods.near]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n\n[pods.far]\nssh = \"root@192.0.2.1\"\n\n\
[models.echo]\nmodel = \"/m\"\npod = \"near\"\n";

const WRONG: &str = "\
[pods.dc1]\nssh = \"root@192.0.2.1\"\nlabels = [\"größe\", 3]\n\n\
[models.qwen]\nmodel = \"a/b\"\nport = 8001\ncontxt = \"32k\"\n\n[models.chat]\nmodel = \"a/b\"\nport = 8001\n";

#[test]
fn check_tells_every_mistake_with_its_line_and_column() {
    let place = Workplace::with(TWO);
    let dir = place.path().to_str().unwrap();
    let ran = place.pi("check --json").exits(0);
    assert_eq!(ran.err, "");
    written_down("check.json", &document(&ran), &[(dir, "{dir}")]);

    place.write(WRONG);
    let ran = place.pi("check --json").exits(64);
    assert_eq!(ran.err, "", "it is told twice");
    let told = document(&ran);
    written_down("check-problems.json", &told, &[(dir, "{dir}")]);
    // the same as for people
    let text = place.pi("check").exits(64).err;
    for problem in told["problems"].as_array().unwrap() {
        assert!(text.contains(&format!("pi.toml:{}:", problem["line"])), "{problem}\n{text}");
    }
}

#[test]
fn check_of_what_is_no_manifest_is_an_error_as_elsewhere() {
    let place = Workplace::new();
    std::fs::write(place.path().join("pi.toml"), b"[pods]\n# \xff\n").unwrap();
    let ran = place.pi("check --json").exits(1).says("pi.toml:2 is not UTF-8 text");
    assert_eq!(ran.out, "");
    place.pi("check --json more").exits(64);
}

#[test]
fn init_writes_a_manifest_that_is_right_and_nothing_over_another() {
    for args in ["init", "init --local"] {
        let place = Workplace::new();
        let ran = place.pi(args).exits(0).says("Wrote pi.toml. Edit it, then: pi plan");
        assert_eq!(ran.out, "");
        let (before, text) = (place.manifest(), place.pi("check").exits(0).out);
        assert!(text.ends_with("no mistakes.\n"), "{text}");
        place.pi(args).exits(64).says("pi.toml is there already").says("--manifest FILE");
        assert_eq!(place.manifest(), before);
        place.pi(&format!("{args} --manifest no/such/pi.toml")).exits(1).says("cannot write no/such/pi.toml");
        place.pi(&format!("{args} more")).exits(64);
    }
}

#[test]
fn init_tells_where_it_wrote() {
    let place = Workplace::new();
    let dir = place.path().to_str().unwrap();
    let ran = place.pi("init --local --json --manifest new.toml").exits(0).says("Wrote new.toml");
    written_down("init.json", &document(&ran), &[(dir, "{dir}")]);
    assert!(place.path().join("new.toml").exists());
    let ran = place.pi("init --json --manifest new.toml").exits(64).says("is there already");
    assert_eq!(ran.out, "");
}

#[test]
fn the_active_pod_is_told_and_chosen() {
    let place = Workplace::with(TWO);
    let ran = place.pi("pods active --json").exits(64).says("which pod? pi.toml has far, near");
    assert_eq!(ran.out, "");
    assert_eq!(place.pi("pods active").exits(64).out, "");
    let ran = place.pi("pods active near --json").exits(0);
    written_down("pods-active.json", &document(&ran), &[]);
    assert_eq!(place.pi("pods active --json").exits(0).out, ran.out);
    assert_eq!(place.pi("pods active").exits(0).out, "near\n");
    assert_eq!(place.pi("pods active nera --json").exits(64).says("did you mean `near`?").out, "");
    // another one is meant this time
    let told = document(&place.pi("pods active --pod far --json").exits(0));
    assert_eq!((&told["active"], &told["meant"]), (&"near".into(), &"far".into()));

    // the only one is meant without being chosen
    let place = Workplace::with("[pods.dc1]\nssh = \"root@192.0.2.1\"\n");
    let told =
        document(&place.pi("pods active --json").exits(0).says("None was chosen: it is the only one."));
    assert_eq!((&told["active"], &told["meant"]), (&serde_json::Value::Null, &"dc1".into()));
}

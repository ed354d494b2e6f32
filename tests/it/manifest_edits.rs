//! Edits leave alone what they are not about.

use pi::manifest::edit::{
    NewModel, NewPod, add_model, add_pod, change_pod, remove_model, remove_pod, set_state,
};
use pi::manifest::{self, GpuAsk, Manifest, State};
use pi::model_ref::ModelRef;
use pi::name::{ModelName, PodName, Port};
use pi::units::{Percent, Tokens};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const TEXT: &str = r#"#:schema ./pi.schema.json
# our pods

# the first
[pods.dc1] # big
ssh = "root@1" # keep me
# gpus = "8xH100"

[pods.dc1.env]
A = "1"

# ---- models ----

# the best
[models.qwen]
model = "a/b"
state = "running" # for now

[models.old]
model = "c/d" # last
# the end
"#;

fn pod(name: &str) -> PodName {
    PodName::parse(name).unwrap()
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

fn new_pod(name: &str) -> NewPod {
    let mount = Some("sudo mount -t nfs h:/s /mnt/s".to_owned());
    NewPod { name: pod(name), ssh: "ssh -p 2222 root@2".to_owned(), models_path: None, mount, vllm: None }
}

fn new_model(name: &str) -> NewModel {
    NewModel {
        name: model(name),
        model: ModelRef::parse("e/f").unwrap(),
        pods: vec![pod("dc1")],
        engine: None,
        version: None,
        gpus: GpuAsk::Ids(vec![0, 1]),
        context: Some(Tokens(32768)),
        memory: Some(Percent::parse("90%").unwrap()),
        port: Port::new(8001),
        listen: None,
        args: vec!["--max-num-seqs".to_owned(), "128".to_owned()],
        env: BTreeMap::new(),
    }
}

/// Only the lines that differ, with their sign.
fn change(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let lines = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    lines.map(|change| format!("{}{change}", change.tag())).collect()
}

fn place_of(text: &str, line: &str) -> usize {
    text.lines().position(|other| other == line).unwrap_or_else(|| panic!("no {line} in\n{text}"))
}

#[test]
fn a_new_pod_stands_behind_the_last_one() {
    let after = add_pod(TEXT, &new_pod("dc2")).unwrap();
    assert_eq!(
        change(TEXT, &after),
        "+[pods.dc2]\n+ssh = \"ssh -p 2222 root@2\"\n+mount = \"sudo mount -t nfs h:/s /mnt/s\"\n+\n"
    );
    assert!(place_of(&after, "[pods.dc1.env]") < place_of(&after, "[pods.dc2]"), "{after}");
    assert!(place_of(&after, "[pods.dc2]") < place_of(&after, "# ---- models ----"), "{after}");
}

#[test]
fn a_new_model_stands_behind_the_last_one() {
    let after = add_model(TEXT, &new_model("new")).unwrap();
    let expected = "+\n+[models.new]\n+model = \"e/f\"\n+pod = \"dc1\"\n+gpus = [0, 1]\n+context = \"32k\"\n\
                    +memory = \"90%\"\n+port = 8001\n+args = [\"--max-num-seqs\", \"128\"]\n";
    assert_eq!(change(TEXT, &after), expected);
    assert!(place_of(&after, "[models.old]") < place_of(&after, "[models.new]"), "{after}");
}

#[test]
fn an_empty_file_can_be_added_to() {
    let text = add_model(&add_pod("", &new_pod("dc1")).unwrap(), &new_model("new")).unwrap();
    assert!(text.starts_with("[pods.dc1]\n"), "{text}");
    assert!(text.contains("\n\n[models.new]\n"), "{text}");
    let commented = add_pod("# nothing yet\n", &new_pod("dc1")).unwrap();
    assert!(commented.contains("# nothing yet\n") && commented.contains("[pods.dc1]"), "{commented}");
}

#[test]
fn inline_and_dotted_tables_can_be_added_to() {
    for text in [
        "pods = { dc1 = { ssh = \"a\" } }\n",
        "pods.dc1.ssh = \"a\"\n",
        "[pods]\ndc1 = { ssh = \"a\" } # one\n",
    ] {
        let after = add_pod(text, &new_pod("dc2")).unwrap();
        assert_eq!(parse(&after).pods.len(), 2, "{after}");
        let before = remove_pod(&after, &pod("dc2")).unwrap();
        assert_eq!(parse(&before).pods, parse(text).pods, "{before}");
        let none = remove_pod(&before, &pod("dc1")).unwrap();
        assert_eq!(parse(&none).pods.len(), 0, "{none}");
    }
}

#[test]
fn a_state_is_changed_with_its_comment_kept() {
    let stopped = set_state(TEXT, &model("qwen"), State::Stopped).unwrap();
    let expected = "-state = \"running\" # for now\n+state = \"stopped\" # for now\n";
    assert_eq!(change(TEXT, &stopped), expected);
    assert_eq!(set_state(&stopped, &model("qwen"), State::Running).unwrap(), TEXT);
    let added = set_state(TEXT, &model("old"), State::Stopped).unwrap();
    assert_eq!(change(TEXT, &added), "+state = \"stopped\"\n");
    assert_eq!(set_state(TEXT, &model("old"), State::Running).unwrap(), TEXT);
}

#[test]
fn a_pod_is_changed_where_something_else_is_said() {
    let said = |vllm: Option<&str>| NewPod { vllm: vllm.map(str::to_owned), mount: None, ..new_pod("dc1") };
    assert_eq!(change_pod(TEXT, &said(None)).unwrap(), TEXT);
    let added = change_pod(TEXT, &said(Some("release"))).unwrap();
    assert_eq!(change(TEXT, &added), "+vllm = \"release\"\n");
    assert_eq!(change_pod(&added, &said(Some("release"))).unwrap(), added);
    let changed = change_pod(&added, &said(Some("nightly"))).unwrap();
    assert_eq!(change(&added, &changed), "-vllm = \"release\"\n+vllm = \"nightly\"\n");
    assert_eq!(parse(&changed).pods[&pod("dc1")].ssh, parse(TEXT).pods[&pod("dc1")].ssh);
    assert_eq!(change_pod(TEXT, &new_pod("x")).unwrap_err().to_string(), "the manifest has no pod `x`");
}

#[test]
fn an_inherited_state_is_overruled() {
    let text = "[defaults.model]\nstate = \"stopped\"\n\n[models.a]\nmodel = \"a/b\"\n";
    let after = set_state(text, &model("a"), State::Running).unwrap();
    assert_eq!(change(text, &after), "+state = \"running\"\n");
}

#[test]
fn a_removed_table_takes_its_own_comments_along_and_no_others() {
    let after = remove_model(TEXT, &model("qwen")).unwrap();
    let expected = "-# the best\n-[models.qwen]\n-model = \"a/b\"\n-state = \"running\" # for now\n-\n";
    assert_eq!(change(TEXT, &after), expected);
    let after = remove_model(TEXT, &model("old")).unwrap();
    assert_eq!(change(TEXT, &after), "-\n-[models.old]\n-model = \"c/d\" # last\n-# the end\n");
    let after = remove_pod(TEXT, &pod("dc1")).unwrap();
    let rest = "#:schema ./pi.schema.json\n# our pods\n\n# ---- models ----\n";
    assert!(after.starts_with(rest), "{after}");
}

#[test]
fn what_is_not_there_or_there_already_is_an_error() {
    let errors = [
        add_pod(TEXT, &new_pod("dc1")).unwrap_err(),
        add_model(TEXT, &new_model("qwen")).unwrap_err(),
        remove_pod(TEXT, &pod("x")).unwrap_err(),
        remove_model(TEXT, &model("x")).unwrap_err(),
        set_state(TEXT, &model("x"), State::Stopped).unwrap_err(),
        add_pod("pods = 5", &new_pod("dc1")).unwrap_err(),
    ];
    let said: Vec<_> = errors.iter().map(ToString::to_string).collect();
    let expected = [
        "the manifest has [pods.dc1] already",
        "the manifest has [models.qwen] already",
        "the manifest has no pod `x`",
        "the manifest has no model `x`",
        "the manifest has no model `x`",
        "`pods` of the manifest is not a table",
    ];
    assert_eq!(said, expected);
    assert!(
        add_pod("[pods", &new_pod("dc1")).unwrap_err().to_string().starts_with("the manifest is not TOML: ")
    );
}

fn parse(text: &str) -> Manifest {
    manifest::parse("pi.toml", text, Path::new("/work"))
        .unwrap_or_else(|problems| panic!("{}\n{text}", crate::manifests::show(&problems)))
}

fn comments(text: &str) -> Vec<&str> {
    let mut comments: Vec<_> = text.lines().filter_map(|line| Some(&line[line.find('#')?..])).collect();
    comments.sort_unstable();
    comments
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Adding keeps every comment and every other table; removing what was added leads back to the same text.
    #[test]
    fn adding_and_removing_is_neutral(name in "[a-z][a-z0-9.-]{0,8}", which in 0..3_usize) {
        let text = match which {
            0 => std::fs::read_to_string("examples/team/pi.toml").unwrap(),
            1 => manifest::starter().to_owned(),
            _ => std::fs::read_to_string("examples/minimal/pi.toml").unwrap(),
        };
        let before = parse(&text);
        let mut new = new_model(&name);
        new.pods = before.pods.keys().take(1).cloned().collect();
        new.port = None;
        prop_assume!(!before.models.contains_key(&new.name));
        let after = add_model(&text, &new).unwrap();
        prop_assert_eq!(comments(&after), comments(&text));
        let mut expected = before.clone();
        expected.models.insert(new.name.clone(), parse(&after).models[&new.name].clone());
        prop_assert_eq!(&parse(&after), &expected);
        let back = remove_model(&after, &new.name).unwrap();
        prop_assert_eq!(back, text);
    }
}

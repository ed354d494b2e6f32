use super::*;
use crate::manifest::parse;
use crate::memory::PodMemory;
use crate::name::PodName;
use crate::observe::PodFacts;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A manifest of this directory whose pods are reached so.
fn manifest(directory: &str, id: Option<&str>, pods: &[(&str, &str)]) -> Manifest {
    let id = id.map(|id| format!("project_id = \"{id}\"\n")).unwrap_or_default();
    let pods: Vec<String> =
        pods.iter().map(|(name, target)| format!("[pods.{name}]\nssh = \"ssh {target}\"\n")).collect();
    let pods = pods.concat();
    let path = Path::new(directory).join("pi.toml");
    Manifest { path, ..parse("pi.toml", &(id + &pods), Path::new(directory)).unwrap() }
}

fn known(target: &str, seen: u64) -> PodMemory {
    PodMemory { ssh: target.to_owned(), seen, facts: PodFacts::default(), servers: BTreeMap::new() }
}

/// Notes that a pod was seen at this time, as it is reached in this manifest.
fn see(store: &Store, manifest: &Manifest, pod: &str, seen: u64) {
    let pod: PodName = pod.parse().unwrap();
    let target = manifest.pods[&pod].ssh.to_string();
    store.update(|memory| drop(memory.pods.insert(pod, known(&target, seen)))).unwrap();
}

/// When each pod was seen.
fn seen(store: &Store) -> Vec<(String, u64)> {
    store.read().unwrap().pods.iter().map(|(name, known)| (name.to_string(), known.seen)).collect()
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(&directory.path().join("pi"), &manifest("/work/llm", None, &[("dc1", "a")]));
    (directory, store)
}

#[test]
fn what_is_written_is_read_again_and_only_the_owner_may() {
    let (_directory, store) = store();
    assert_eq!(store.read().unwrap(), Memory::default());
    store.update(|memory| memory.active = Some("dc1".parse().unwrap())).unwrap();
    assert_eq!(store.read().unwrap().active, Some("dc1".parse().unwrap()));
    let mode = fs::metadata(store.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_broken_or_newer_file_is_an_error_and_stays() {
    for (text, says) in [
        ("{", "is not what pi wrote"),
        ("{\"format\": 99}", "newer pi"),
        ("", "is not what pi wrote"),
        ("{\"pods\": {}}", "pi import"),
    ] {
        let (_directory, store) = store();
        fs::create_dir_all(&store.directory).unwrap();
        fs::write(store.path(), text).unwrap();
        let error = store.update(|memory| memory.active = None).unwrap_err();
        assert!(format!("{error:?}").contains(says), "{error:?}");
        assert_eq!(fs::read_to_string(store.path()).unwrap(), text);
    }
}

#[test]
fn many_writers_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let pods: Vec<String> = (0..8).map(|number| format!("pod{number}")).collect();
    let pods: Vec<(&str, &str)> = pods.iter().map(|pod| (pod.as_str(), pod.as_str())).collect();
    let manifest = manifest("/work/llm", None, &pods);
    let store = Store::new(directory.path(), &manifest);
    std::thread::scope(|scope| {
        for (pod, _) in &pods {
            let (store, manifest) = (&store, &manifest);
            scope.spawn(move || see(store, manifest, pod, 1));
        }
    });
    assert_eq!(seen(&store).len(), 8);
}

#[test]
fn pods_of_one_name_in_two_projects_are_two() {
    let directory = tempfile::tempdir().unwrap();
    for (ours, theirs) in [
        (manifest("/ann/llm", None, &[("dc1", "a")]), manifest("/bob/llm", None, &[("dc1", "b")])),
        (
            manifest("/x", Some("aaaaaaaaaaaa"), &[("dc1", "c")]),
            manifest("/x", Some("bbbbbbbbbbbb"), &[("dc1", "c")]),
        ),
    ] {
        let (one, other) = (Store::new(directory.path(), &ours), Store::new(directory.path(), &theirs));
        see(&one, &ours, "dc1", 7);
        one.update(|memory| memory.active = Some("dc1".parse().unwrap())).unwrap();
        assert_eq!((seen(&other), other.read().unwrap().active), (Vec::new(), None));
        see(&other, &theirs, "dc1", 9);
        assert_eq!(seen(&one), [("dc1".to_owned(), 7)]);
    }
}

#[test]
fn a_pod_that_is_reached_otherwise_is_another_machine_and_a_new_name_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let at = |pods: &[(&str, &str)]| manifest("/work/llm", Some("aaaaaaaaaaaa"), pods);
    let before = at(&[("dc1", "a"), ("dc2", "b")]);
    let store = |manifest: &Manifest| Store::new(directory.path(), manifest);
    see(&store(&before), &before, "dc1", 1);
    see(&store(&before), &before, "dc2", 2);
    let table = [
        (&[("dc1", "c"), ("dc2", "b")][..], &[("dc2", 2)][..]),
        (&[("dc1", "b"), ("dc2", "a")], &[("dc1", 2), ("dc2", 1)]),
        (&[("new", "a")], &[("new", 1)]),
        (&[("dc1", "a")], &[("dc1", 1)]),
    ];
    for (pods, expected) in table {
        let expected: Vec<_> = expected.iter().map(|(pod, at)| ((*pod).to_owned(), *at)).collect();
        assert_eq!(seen(&store(&at(pods))), expected, "{pods:?}");
    }
    // what is noted of one leaves what is known of the other
    let moved = at(&[("dc1", "c")]);
    see(&store(&moved), &moved, "dc1", 5);
    assert_eq!(seen(&store(&before)), [("dc1".to_owned(), 1), ("dc2".to_owned(), 2)]);
}

#[test]
fn a_manifest_that_gets_its_id_keeps_what_it_knew() {
    let directory = tempfile::tempdir().unwrap();
    let before = manifest("/work/llm", None, &[("dc1", "a")]);
    see(&Store::new(directory.path(), &before), &before, "dc1", 1);
    let after = manifest("/work/llm", Some("aaaaaaaaaaaa"), &[("dc1", "a")]);
    let store = Store::new(directory.path(), &after);
    assert_eq!(seen(&store), [("dc1".to_owned(), 1)]);
    store.update(|memory| memory.active = Some("dc1".parse().unwrap())).unwrap();
    let moved = manifest("/moved", Some("aaaaaaaaaaaa"), &[("dc1", "a")]);
    assert_eq!(seen(&Store::new(directory.path(), &moved)), [("dc1".to_owned(), 1)]);
}

/// As the pi before this one wrote it, with two pods; one of them is reached otherwise by now.
const FORMAT_1: &str = r#"{ "format": 1, "active": "dc1", "pods": {
  "dc1": { "ssh": "a", "seen": 3, "facts": {}, "servers": { "qwen": { "port": 8001, "gpus": [0] } } },
  "dc2": { "ssh": "b", "seen": 4, "facts": {}, "servers": {} } } }"#;

#[test]
fn what_format_1_knew_counts_for_the_same_machines_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("pods.json"), FORMAT_1).unwrap();
    let ours = manifest("/ann/llm", None, &[("dc1", "a"), ("dc2", "other")]);
    let theirs = manifest("/bob/llm", None, &[("dc1", "elsewhere")]);
    let store = Store::new(directory.path(), &ours);
    let memory = store.read().unwrap();
    assert_eq!(seen(&store), [("dc1".to_owned(), 3)]);
    assert_eq!(memory.active, Some("dc1".parse().unwrap()));
    let port = memory.port(&"dc1".parse().unwrap(), &"qwen".parse().unwrap());
    assert_eq!(port.map(u16::from), Some(8001));
    let other = Store::new(directory.path(), &theirs);
    assert_eq!((seen(&other), other.read().unwrap().active), (Vec::new(), None));
    see(&store, &ours, "dc2", 8);
    assert_eq!(seen(&store), [("dc1".to_owned(), 3), ("dc2".to_owned(), 8)]);
    let again = manifest("/third", None, &[("dc2", "b")]);
    assert_eq!(seen(&Store::new(directory.path(), &again)), [("dc2".to_owned(), 4)]);
    let all = Store::of_all(directory.path()).unwrap();
    assert_eq!(all.pods[&"dc2".parse().unwrap()].seen, 8);
}

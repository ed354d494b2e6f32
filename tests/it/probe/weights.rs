//! The HF cache.

use super::Place;
use pi::name::{AbsPath, HfRepo};
use pi::observe::Whole;
use pi::units::Bytes;
use std::fs;
use std::os::unix::fs::symlink;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn weights_are_whole_or_they_are_not() {
    let mut place = Place::new();
    place.ask.repos = vec![HfRepo::parse("tiny/qwen3").unwrap(), HfRepo::parse("not/there").unwrap()];
    let repo = place.path("hf/hub/models--tiny--qwen3");
    let snapshot = repo.join("snapshots").join(COMMIT);
    fs::create_dir_all(snapshot.join("sub/deep")).unwrap();
    place.write("hf/hub/models--tiny--qwen3/refs/main", COMMIT);
    place.write("hf/hub/models--tiny--qwen3/refs/pr/1", "abc");
    place.write("hf/hub/models--tiny--qwen3/blobs/aa", "12345");
    place.write("hf/hub/models--tiny--qwen3/blobs/bb", "123");
    place.write("hf/hub/models--tiny--qwen3/blobs/cc.1f.incomplete", "1234567");
    symlink("../../blobs/aa", snapshot.join(".gitattributes")).unwrap();
    symlink("../../../../blobs/bb", snapshot.join("sub/deep/notes.txt")).unwrap();
    let tree = "{\n \"format_version\": 1,\n \"files\": {\n  \".gitattributes\": {\"size\": 5, \"blob_id\": \"aa\"},\n  \
                \"sub/deep/notes.txt\": {\"size\": 3, \"blob_id\": \"bb\"}\n }\n}";
    let tree_path = format!("hf/hub/models--tiny--qwen3/trees/{COMMIT}.json");

    let unknown = place.probe().cache;
    let unknown = unknown.seen().unwrap();
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].snapshots[COMMIT].whole, Whole::Unknown);
    place.write(&tree_path, tree);
    let facts = place.probe();
    assert_eq!(facts.gaps, []);
    let cached = &facts.cache.seen().unwrap()[0];
    assert_eq!((cached.bytes.0, cached.incomplete.0), (8, 7));
    assert_eq!(
        cached.refs,
        [("main".to_owned(), COMMIT.to_owned()), ("pr/1".to_owned(), "abc".to_owned())].into()
    );
    let seen = &cached.snapshots[COMMIT];
    assert_eq!((seen.files, seen.whole, seen.missing.len()), (2, Whole::Yes, 0));
    fs::remove_file(repo.join("blobs/bb")).unwrap();
    let facts = place.probe();
    let seen = &facts.cache.seen().unwrap()[0].snapshots[COMMIT];
    assert_eq!(
        (seen.files, seen.whole, seen.missing.as_slice()),
        (1, Whole::No, &["sub/deep/notes.txt".to_owned()][..])
    );
}

#[test]
fn a_snapshots_config_is_told_unless_it_is_too_long() {
    let mut place = Place::new();
    place.ask.repos = vec![HfRepo::parse("tiny/qwen3").unwrap()];
    let snapshot = format!("hf/hub/models--tiny--qwen3/snapshots/{COMMIT}");
    place.write(&format!("{snapshot}/notes.txt"), "");
    let config = |place: &Place| place.probe().cache.seen().unwrap()[0].snapshots[COMMIT].config.clone();
    assert_eq!(config(&place), None);
    let blob = "hf/hub/models--tiny--qwen3/blobs/dd";
    place.write(blob, "{\n \"model_type\": \"qwen3\"\n}\n");
    symlink("../../blobs/dd", place.path(&snapshot).join("config.json")).unwrap();
    assert_eq!(config(&place).as_deref(), Some("{  \"model_type\": \"qwen3\" } "));
    place.write(blob, &"{".repeat(16_385));
    assert_eq!(config(&place), None);
}

#[test]
fn a_model_that_is_a_directory_tells_its_shape() {
    let mut place = Place::new();
    place.write("models/foo/model-00001-of-00002.safetensors", "12345");
    place.write("models/foo/model-00002-of-00002.safetensors", "123");
    place.write("models/foo/original/model.safetensors", "1234567");
    place.write("models/foo/tokenizer.json", "{}");
    let path = place.path("models/foo");
    place.ask.model_paths = vec![AbsPath::parse(path.to_str().unwrap()).unwrap()];
    let seen = |place: &Place| place.probe().model_paths.seen().unwrap()[path.to_str().unwrap()].clone();
    let bare = seen(&place);
    assert_eq!(
        (bare.directory, bare.bytes, bare.safetensors, bare.config),
        (true, Bytes(10), Bytes(8), None)
    );
    place.write("models/foo/config.json", "{\"model_type\":\"qwen3\"}");
    assert_eq!(seen(&place).config.as_deref(), Some("{\"model_type\":\"qwen3\"}"));
}

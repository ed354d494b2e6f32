//! What is removed of pi itself. For real: in scratch directories, with this machine's bash.

use super::scratch::{Scratch, twice};
use pi::plan::Action;
use std::fs;

#[test]
fn what_is_left_of_pi_is_removed_but_for_its_journal() {
    let scratch = Scratch::new();
    for file in ["env", "tools/uv/bin/uv", "cache/uv/x", "python/x", "journal.jsonl", "of-mine"] {
        fs::create_dir_all(scratch.path("pi").join(file).parent().unwrap()).unwrap();
        fs::write(scratch.path("pi").join(file), "x").unwrap();
    }
    fs::create_dir_all(scratch.path("pi/engines")).unwrap();
    let left = || {
        let left = fs::read_dir(scratch.path("pi")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.collect();
        left.sort();
        left
    };
    // a server is left that may need it
    fs::create_dir_all(scratch.path("pi/servers/other")).unwrap();
    let before = left();
    twice(&scratch, &Action::RemovePiFiles);
    assert_eq!(left(), before);
    fs::remove_dir(scratch.path("pi/servers/other")).unwrap();
    twice(&scratch, &Action::RemovePiFiles);
    assert_eq!(left(), ["journal.jsonl", "of-mine"]);
}

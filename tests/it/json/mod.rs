//! What commands print for machines: each form as written down in `tests/json`, and nothing else on standard output.

mod fit;

use crate::golden::Golden;
use crate::workplace::Ran;
use serde_json::Value;
use std::path::Path;

/// The one document that a command printed.
#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.out, ran.err))
}

/// Compares a form with what is written down in `tests/json`.
#[track_caller]
fn written_down(name: &str, form: &str) {
    let mut golden = Golden::default();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/json").join(name);
    golden.compare(&file, form);
    golden.all_as_written();
}

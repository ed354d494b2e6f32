//! Every test that needs the whole crate, in one binary: it links once.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic, also in its helpers")]

mod manifests;
mod manifest_edits;
mod manifest_laws;
mod manifest_schema;

//! Every test that needs the whole crate, in one binary: it links once.

mod manifests;
mod manifest_edits;
mod manifest_laws;
mod manifest_schema;

//! Every test that needs the whole crate, in one binary: it links once.

mod diagnose;

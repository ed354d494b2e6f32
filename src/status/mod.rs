//! How servers are, for people who look and programs that ask: where clients reach them.
//!
//! In: the manifest, what was observed, what servers say of themselves. Out: plain data for `ui/`.

mod address;

pub use address::{Address, address};

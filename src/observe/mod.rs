//! 2. What is there: one probe per pod, all pods at once, one round trip each.
//!
//! In: a manifest and a [`crate::remote::Remote`]. Out: [`Observed`], plain data; a pod that does not answer is
//! [`ProbeResult::Unreachable`], a part of a pod that could not be looked at is a [`ProbeFailure`].

mod facts;
mod ask;
mod look;
mod journal;
mod parse;

pub use ask::*;
pub use facts::*;
pub use journal::{Journal, NoJournal, journals};
pub use look::observe;
pub use parse::{Blind, Expect, read, salted};

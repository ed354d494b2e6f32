//! How verbs that change pods do it: show a plan, ask, take the locks, apply.

pub(super) mod saved;
pub(super) mod locking;
pub(super) mod carry_out;

//! How the servers of a pod get from what they are to what they should be, a step after the other.

pub(super) mod run;
pub(super) mod outside;
pub(super) mod beside;
pub(super) mod previous;
pub(super) mod start_order;
pub(super) mod fetches;
pub(super) mod packages;
pub(super) mod removals;
pub(super) mod server;
pub(super) mod servers;
pub(super) mod order;

//! The steps that bring the servers of a pod to what they should be.

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

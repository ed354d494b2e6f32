//! What the manifest asks for, resolved: engine, commit, weights, GPUs, context. A server, wherever it is put.

pub(super) mod engine;
pub(super) mod said;
pub(super) mod weights;
pub(super) mod hub_says;
pub(super) mod revision;
pub(super) mod spread;
pub(super) mod pick;
pub(super) mod launch_choice;
pub(super) mod wanted;
pub(super) mod disk_budget;
pub(super) mod estimate;
pub(super) mod measured;

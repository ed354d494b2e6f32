//! Plans one pod, then all of them; also what destroy, set-up, start and stop do.

pub(super) mod taking;
pub(super) mod double;
pub(super) mod times;
pub(super) mod over_pods;
pub(super) mod converge;
pub(super) mod destroy;
pub(super) mod set_up;
pub(super) mod all_or_nothing;
pub(super) mod ahead;
pub(super) mod questions;

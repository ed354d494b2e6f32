//! The findings of a plan.

pub(super) mod pod_findings;
pub(super) mod exposed;
pub(super) mod unseen;
pub(super) mod fits;
pub(super) mod start_findings;
pub(super) mod server_findings;

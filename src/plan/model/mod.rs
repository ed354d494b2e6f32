//! The data of a plan: its inputs, its steps, its findings.

pub(super) mod code;
pub(super) mod finding;
pub(super) mod reason;
pub(super) mod redact;
pub(super) mod view;
pub(super) mod fetch;
pub(super) mod change;
pub(super) mod launch;
pub(super) mod command_line;
pub(super) mod rollout;
pub(super) mod step;
pub(super) mod rows;
pub(super) mod inputs;
pub(super) mod pod_context;
pub(super) mod pod_plan;
pub(super) mod not_looked_at;

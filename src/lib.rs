//! `pi`: `terraform plan` for LLM servers on rented GPU machines.
//!
//! The modules stand in the order in which to read them; each uses only those above it.

pub mod name;
pub mod units;
pub mod secret;
pub mod model_ref;
pub mod ssh_target;
pub mod problem;
pub mod bounded;
pub mod whole;
pub mod manifest;
pub mod spec;
pub mod journal;
pub mod catalog;
pub mod fit;
pub mod script;
pub mod diagnose;
pub mod remote;
pub mod observe;
pub mod origin;
pub mod hub;
pub mod memory;
pub mod import;
pub mod plan;
pub mod status;
pub mod apply;
pub mod agent;
pub mod ui;
pub mod cli;

//! Tests against real things: one binary, which links once; one module per subject.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says so by panicking")]
#![expect(
    clippy::format_collect,
    clippy::print_stderr,
    reason = "brevity counts more than an allocation here; a skipped test says so"
)]

mod lab;
mod sshd;
mod workplace;

mod beside;
mod closed;
mod completions;
mod diagnose;
mod docs;
mod door;
mod exit_codes;
mod eyes;
mod faults;
mod fence;
mod fit_measured;
mod fit_on_pod;
mod fit_text;
mod golden;
mod gpu;
mod hub;
mod import;
mod interrupted;
mod journal;
mod json;
mod laws;
mod layers;
mod limits;
mod locks;
mod login;
mod log_limit;
mod manifest_edits;
mod manifest_laws;
mod manifest_schema;
mod manifests;
mod memory;
mod odd_servers;
mod plan;
mod owners;
mod planted;
mod podlab;
mod pods;
mod pods_setup;
mod probe;
mod prompt;
mod readme;
mod ready;
mod replace;
mod restart;
mod screens;
mod spellings;
mod start_stop;
mod strays;
mod systemd;
mod trust;
mod verbose;
mod written;

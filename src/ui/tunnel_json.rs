//! `pi tunnel --json`: where its end on this machine is.

use crate::name::{ModelName, PodName};
use serde_json::{Value, json};

/// A tunnel that is open: its url as clients use it, its port, and the process that holds it.
#[must_use]
pub fn tunnel_json((pod, name): (&PodName, &ModelName), port: u16, pid: u32) -> Value {
    json!({ "format": 1, "name": name, "pod": pod, "url": tunnel_url(port), "port": port, "pid": pid })
}

/// What came of closing one.
#[must_use]
pub fn closed_json(pod: &PodName, name: &ModelName, closed: Closed) -> Value {
    json!({ "format": 1, "name": name, "pod": pod, "closed": closed == Closed::Now })
}

/// Whether there was one to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// There was.
    Now,
    /// There was none.
    Already,
}

/// `http://127.0.0.1:8001/v1`
#[must_use]
pub fn tunnel_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/v1")
}

//! `pi import --json`: what was found.

use crate::import::Found;
use crate::manifest::edit::{NewModel, NewPod};
use serde_json::{Value, json};

/// What the manifest does not have yet, and what is to be known of it.
#[must_use]
pub fn found_json(new: &Found, notes: &[String]) -> Value {
    let Found { pods, models, notes: _, active: _ } = new;
    json!({
        "event": "found", "format": 1, "pods": pods.iter().map(pod).collect::<Vec<_>>(),
        "models": models.iter().map(model).collect::<Vec<_>>(), "notes": notes,
    })
}

fn pod(NewPod { name, ssh, models_path: _, mount: _, vllm: _ }: &NewPod) -> Value {
    json!({ "name": name, "ssh": ssh })
}

fn model(new: &NewModel) -> Value {
    // the rest is in the lines that it becomes
    let NewModel { name, model, pods, port, .. } = new;
    json!({ "name": name, "model": model.to_string(), "pods": pods, "port": port })
}

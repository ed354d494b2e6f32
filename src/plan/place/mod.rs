//! Which port and which GPUs each server of a pod gets: what is free in reality, sticky from run to run.

mod gpus;
mod ports;

use crate::manifest::{Model, State};
use crate::name::{ModelName, Port};
use crate::plan::finding::Finding;
use crate::plan::{Inputs, Site};
use std::collections::BTreeMap;

/// Where each running server goes, or why it can't.
pub(super) struct Places {
    gpus: BTreeMap<ModelName, Result<Vec<u32>, Finding>>,
    ports: BTreeMap<ModelName, Result<Port, Finding>>,
}

impl Places {
    pub(super) fn gpus(&self, model: &ModelName) -> Result<Vec<u32>, Finding> {
        self.gpus.get(model).cloned().unwrap_or_else(|| Ok(Vec::new()))
    }

    pub(super) fn port(&self, model: &ModelName) -> Result<Port, Finding> {
        self.ports.get(model).cloned().unwrap_or_else(|| Err(ports::none_left(model)))
    }
}

/// Places every model of the pod that shall run.
pub(super) fn place(inputs: &Inputs<'_>, site: &Site<'_>) -> Places {
    let running: Vec<(&ModelName, &Model)> =
        site.models.iter().copied().filter(|(_, model)| model.state == State::Running).collect();
    Places { gpus: gpus::gpus(site, &running), ports: ports::ports(inputs, site, &running) }
}

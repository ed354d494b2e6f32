//! The `pods.json` of the older `pi`, which was written in TypeScript.
//!
//! Its format: `{"pods": {NAME: {"ssh", "gpus", "models": {NAME: {"model", "port", "gpu": […], "pid"}}, "modelsPath",
//! "vllmVersion"}}, "active": NAME}`.

use super::{Found, name_of};
use crate::manifest::edit::{NewModel, NewPod};
use crate::manifest::{EngineVersion, GpuAsk};
use crate::model_ref::ModelRef;
use crate::name::{ModelName, PodName, PodPath, Port};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Older {
    pods: BTreeMap<String, Pod>,
    #[serde(default)]
    active: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    ssh: String,
    #[serde(default)]
    models: BTreeMap<String, Served>,
    #[serde(default)]
    models_path: Option<String>,
    #[serde(default)]
    vllm_version: Option<String>,
}

#[derive(Deserialize)]
struct Served {
    model: String,
    port: u16,
    #[serde(default)]
    gpu: Vec<u32>,
}

/// What the older `pi` remembered.
///
/// # Errors
/// The text is not such a file.
pub fn older(text: &str) -> Result<Found, serde_json::Error> {
    let Older { pods, active } = serde_json::from_str(text)?;
    let mut found = Found::default();
    for (name, pod) in pods {
        let Ok(name) = PodName::parse(&name) else {
            found.notes.push(format!("pod `{}` is left out: that can be no name", name.escape_debug()));
            continue;
        };
        take(&mut found, &name, pod);
    }
    found.active = active.and_then(|name| PodName::parse(&name).ok());
    Ok(found)
}

fn take(found: &mut Found, name: &PodName, pod: Pod) {
    let Pod { ssh, models, models_path, vllm_version } = pod;
    let models_path = models_path.and_then(|path| PodPath::parse(&path).ok());
    found.pods.push(NewPod { name: name.clone(), ssh, models_path, mount: None, vllm: None });
    let version = match vllm_version.as_deref() {
        Some("nightly") => Some(EngineVersion::Nightly),
        Some("gpt-oss") => {
            found.notes.push(format!(
                "{name}: its vLLM was the special build for gpt-oss; today's release serves these models"
            ));
            None
        }
        Some(_) | None => None,
    };
    for (served, model) in models {
        match entry(name, &served, model, version.as_ref()) {
            Ok(model) => found.models.push(model),
            Err(why) => found.notes.push(format!("{name}: `{}` is left out: {why}", served.escape_debug())),
        }
    }
}

fn entry(
    pod: &PodName,
    served: &str,
    model: Served,
    version: Option<&EngineVersion>,
) -> Result<NewModel, String> {
    let Served { model, port, gpu } = model;
    let name = ModelName::parse(served).ok().or_else(|| name_of(served)).ok_or("that can be no name")?;
    Ok(NewModel {
        name,
        model: ModelRef::parse(&model).map_err(|bad| bad.to_string())?,
        pods: vec![pod.clone()],
        engine: None,
        version: version.cloned(),
        gpus: ids(gpu),
        context: None,
        memory: None,
        port: Port::new(port),
        listen: None,
        args: Vec::new(),
        env: BTreeMap::new(),
    })
}

fn ids(mut gpu: Vec<u32>) -> GpuAsk {
    gpu.sort_unstable();
    gpu.dedup();
    if gpu.is_empty() { GpuAsk::Any } else { GpuAsk::Ids(gpu) }
}

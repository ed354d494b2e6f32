//! The `pods.json` of the older `pi`, which was written in TypeScript.
//!
//! Its format: `{"pods": {NAME: {"ssh", "gpus", "models": {NAME: {"model", "port", "gpu": […], "pid"}}, "modelsPath",
//! "vllmVersion"}}, "active": NAME}`.

use super::{Found, name_of};
use crate::manifest::edit::{NewModel, NewPod};
use crate::manifest::{EngineVersion, GpuAsk};
use crate::model_ref::ModelRef;
use crate::name::{ModelName, PodName, PodPath, Port};
use crate::ssh_target::SshTarget;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Each entry is read by itself, so that one that can't be read hides no other.
#[derive(Deserialize)]
struct Older {
    pods: BTreeMap<String, Value>,
    #[serde(default)]
    active: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pod {
    ssh: String,
    #[serde(default)]
    models: BTreeMap<String, Value>,
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
    let (mut found, mut machines) = (Found::default(), Vec::new());
    for (name, entry) in pods {
        if let Err(why) = take(&mut found, &mut machines, &name, entry) {
            found.notes.push(format!("pod `{}` is left out: {why}", name.escape_debug()));
        }
    }
    let active = active.and_then(|name| PodName::parse(&name).ok());
    found.active = active.filter(|active| found.pods.iter().any(|pod| pod.name == *active));
    Ok(found)
}

/// Takes a pod over with its models; `machines` are those that were taken over before.
fn take(
    found: &mut Found,
    machines: &mut Vec<(SshTarget, PodName)>,
    name: &str,
    written: Value,
) -> Result<(), String> {
    let name = &PodName::parse(name).map_err(|_| "that can be no name".to_owned())?;
    let Pod { ssh, models, models_path, vllm_version } =
        serde_json::from_value(written).map_err(|bad| format!("its entry can't be read: {bad}"))?;
    let target = SshTarget::parse(&ssh)
        .map_err(|bad| format!("{bad}; add it by hand: pi pods setup {name} \"ssh …\""))?;
    let twin = machines.iter().find(|(other, _)| *other == target).map(|(_, twin)| twin.clone());
    let pod = twin.as_ref().unwrap_or(name);
    if let Some(twin) = &twin {
        found.notes.push(format!("{name}: it is the same machine as `{twin}`, which gets its models"));
    } else {
        machines.push((target, name.clone()));
        let known = models_path.as_deref().map(PodPath::parse);
        if let Some(Err(bad)) = &known {
            found.notes.push(format!("{name}: its modelsPath is left out: {bad}"));
        }
        let models_path = known.and_then(Result::ok);
        found.pods.push(NewPod { name: name.clone(), ssh, models_path, mount: None, vllm: None });
    }
    let version = version(found, name, vllm_version.as_deref());
    for (served, model) in models {
        let model = serde_json::from_value(model)
            .map_err(|bad| format!("its entry can't be read: {bad}"))
            .and_then(|model| entry(pod, &served, model, version.as_ref()));
        match model {
            Ok(model) => add(found, model),
            Err(why) => found.notes.push(format!("{name}: `{}` is left out: {why}", served.escape_debug())),
        }
    }
    Ok(())
}

/// The version that its models ask for.
fn version(found: &mut Found, pod: &PodName, written: Option<&str>) -> Option<EngineVersion> {
    match written {
        Some("nightly") => Some(EngineVersion::Nightly),
        Some("gpt-oss") => {
            let note = "its vLLM was the special build for gpt-oss; today's release serves these models";
            found.notes.push(format!("{pod}: {note}"));
            None
        }
        Some(_) | None => None,
    }
}

/// Adds a model; of two on one port of a pod the first one keeps it.
fn add(found: &mut Found, mut model: NewModel) {
    let clashes = |other: &&NewModel| other.pods == model.pods && other.port == model.port;
    if let Some(other) = found.models.iter().filter(|other| other.port.is_some()).find(clashes) {
        found.notes.push(format!(
            "`{}` and `{}` had one port: the plan gives another one to `{1}`",
            other.name, model.name
        ));
        model.port = None;
    }
    found.models.push(model);
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

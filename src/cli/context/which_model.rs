//! Models of the manifest by the names that people type.

use crate::cli::context::flags::Global;
use crate::cli::context::which_pod;
use crate::cli::terminal::exit::usage;
use crate::manifest::{Manifest, near};
use crate::name::{ModelName, PodName};
use miette::Result;

/// The model of the manifest with this name.
pub(in crate::cli) fn named(manifest: &Manifest, name: &str) -> Result<ModelName> {
    if let Some(model) = manifest.models.keys().find(|model| model.as_str() == name) {
        return Ok(model.clone());
    }
    let known: Vec<&str> = manifest.models.keys().map(ModelName::as_str).collect();
    let help = match near(name, known.iter().copied()) {
        _ if known.is_empty() => "pi.toml has none; add one: pi start OWNER/NAME".to_owned(),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    Err(usage(format!("there is no model `{}` in pi.toml", name.escape_default()), help))
}

/// Holds `--pod` against where a model runs.
pub(in crate::cli) fn on_pod(global: &Global, manifest: &Manifest, name: &ModelName) -> Result<()> {
    let (Some(pod), Some(model)) = (&global.pod, manifest.models.get(name)) else { return Ok(()) };
    let pod = which_pod::named(manifest, pod)?;
    if model.pods.contains(&pod) {
        return Ok(());
    }
    let pods: Vec<&str> = model.pods.iter().map(PodName::as_str).collect();
    let help = format!("leave --pod away, or change its `pod` in pi.toml: it is on {}", pods.join(", "));
    Err(usage(format!("`{name}` is not on the pod `{pod}`"), help))
}

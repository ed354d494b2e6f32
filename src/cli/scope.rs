//! `--target`: names of models and pods.

use crate::cli::exit::usage;
use crate::manifest::{Manifest, near};
use crate::name::{ModelName, PodName};
use crate::plan::Scope;
use miette::Result;
use std::collections::BTreeSet;

/// The scope that `--target` names; everything without it.
pub(super) fn scope(manifest: &Manifest, targets: &[String]) -> Result<Scope> {
    if targets.is_empty() {
        return Ok(Scope::All);
    }
    let (mut pods, mut models) = (BTreeSet::new(), BTreeSet::new());
    for target in targets {
        let pod = PodName::parse(target).ok().filter(|name| manifest.pods.contains_key(name));
        let model = ModelName::parse(target).ok().filter(|name| manifest.models.contains_key(name));
        if pod.is_none() && model.is_none() {
            return Err(unknown(manifest, target));
        }
        pods.extend(pod);
        models.extend(model);
    }
    Ok(Scope::Only { pods, models })
}

fn unknown(manifest: &Manifest, target: &str) -> miette::Report {
    let pods = manifest.pods.keys().map(PodName::as_str);
    let known: Vec<&str> = pods.chain(manifest.models.keys().map(ModelName::as_str)).collect();
    let help = match near(target, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", known.join(", ")),
    };
    usage(format!("`{target}` is neither a model nor a pod of pi.toml"), help)
}

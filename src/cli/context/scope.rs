//! `--target`: names of models and pods; `--pod`: one pod.

use crate::cli::context::which_pod;
use crate::cli::terminal::exit::usage;
use crate::manifest::{Manifest, near};
use crate::name::{ModelName, PodName};
use crate::plan::Scope;
use miette::Result;
use std::collections::BTreeSet;

/// The scope that `--pod` or `--target` names; everything without them.
pub(in crate::cli) fn scope(manifest: &Manifest, pod: Option<&str>, targets: &[String]) -> Result<Scope> {
    match (pod, targets) {
        (None, []) => return Ok(Scope::All),
        (None, _) => {}
        (Some(pod), []) => {
            let pods = BTreeSet::from([which_pod::named(manifest, pod)?]);
            return Ok(Scope::Only { pods, models: BTreeSet::new() });
        }
        (Some(_), _) => {
            return Err(usage("--pod and --target together", "--target takes names of pods as well"));
        }
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

//! The names that a shell completes: pods and models of the manifest as it is. Nothing here may print or fail: a manifest
//! that can't be read completes to nothing.

use crate::cli::context::manifest_path::load_manifest;
use crate::manifest::Manifest;
use clap_complete::engine::CompletionCandidate;

/// The manifest's pods.
pub(in crate::cli) fn pods() -> Vec<CompletionCandidate> {
    names(|manifest| manifest.pods.keys().map(|pod| CompletionCandidate::new(pod.as_str())).collect())
}

/// The manifest's models, each with what it serves.
pub(in crate::cli) fn models() -> Vec<CompletionCandidate> {
    names(|manifest| {
        let models = manifest.models.iter();
        models
            .map(|(name, model)| {
                CompletionCandidate::new(name.as_str()).help(Some(model.model.to_string().into()))
            })
            .collect()
    })
}

/// Models and pods.
pub(in crate::cli) fn targets() -> Vec<CompletionCandidate> {
    models().into_iter().chain(pods()).collect()
}

fn names(of: impl Fn(&Manifest) -> Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    load_manifest(None).map(|manifest| of(&manifest)).unwrap_or_default()
}

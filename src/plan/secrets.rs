//! Which secrets a pod needs, and which have to be brought there.

use crate::name::SecretName;
use crate::observe::{PodFacts, SecretSeen};
use crate::plan::Inputs;
use crate::plan::order::Unnumbered;
use crate::plan::step::Action;
use crate::spec::{KeyUse, ServerSpec};
use std::collections::{BTreeMap, BTreeSet};

/// The API key's name in `[secrets]`.
pub(super) const API_KEY: &str = "api_key";
/// The hub token's name in `[secrets]`.
pub(super) const HF_TOKEN: &str = "hf_token";

/// Whether a secret can be had: on this machine, or because the pod has it already.
pub(super) fn at_hand(inputs: &Inputs<'_>, facts: &PodFacts, name: &str) -> bool {
    inputs.secrets.iter().any(|s| s.as_str() == name) || facts.secrets.keys().any(|s| s.as_str() == name)
}

/// Whether this machine itself has a secret.
pub(super) fn has(inputs: &Inputs<'_>, name: &str) -> bool {
    inputs.secrets.iter().any(|s| s.as_str() == name)
}

/// The step that brings secrets to the pod: those that its servers need and that this machine has otherwise.
pub(super) fn write<'a>(
    inputs: &Inputs<'_>,
    facts: &PodFacts,
    specs: impl Iterator<Item = &'a ServerSpec>,
) -> Option<Unnumbered> {
    let mut needed = BTreeSet::new();
    for spec in specs {
        if spec.key == KeyUse::Required {
            needed.insert(API_KEY);
        }
        if matches!(spec.model, crate::model_ref::ModelRef::Hub { .. }) {
            needed.insert(HF_TOKEN);
        }
    }
    let mut names = Vec::new();
    let mut reasons = Vec::new();
    for name in inputs.secrets.iter().filter(|name| needed.contains(name.as_str())) {
        match facts.secrets.get(name) {
            Some(SecretSeen::Same) => continue,
            Some(SecretSeen::Differs | SecretSeen::There) => {
                reasons.push(format!("`{name}` is another one there"))
            }
            None => reasons.push(format!("`{name}` is not there yet")),
        }
        names.push(name.clone());
    }
    (!names.is_empty())
        .then(|| Unnumbered { action: Action::WriteSecrets(names), reason: reasons.join(", ") })
}

/// Of the secrets a server was started with, those that are others now.
pub(super) fn outdated(seen: &BTreeMap<SecretName, SecretSeen>, spec: &ServerSpec) -> Option<String> {
    let (name, state) = seen.iter().find(|(name, _)| name.as_str() == API_KEY)?;
    (spec.key == KeyUse::Required && *state == SecretSeen::Differs).then(|| format!("`{name}` has changed"))
}

//! Which secrets a pod needs, and which have to be brought there.

use crate::model_ref::ModelRef;
use crate::name::SecretName;
use crate::observe::{PodFacts, SecretSeen};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::pod_plan::Unnumbered;
use crate::plan::model::reason::Reason;
use crate::plan::model::step::Action;
use crate::secret::SecretSource;
use crate::spec::{KeyUse, ServerSpec};
use std::collections::{BTreeMap, BTreeSet};

/// The API key's name in `[secrets]`.
pub(in crate::plan) const API_KEY: &str = "api_key";
/// The hub token's name in `[secrets]`.
pub(in crate::plan) const HF_TOKEN: &str = "hf_token";

/// Whether a secret can be had: on this machine, or because the pod has it already.
pub(in crate::plan) fn at_hand(inputs: &Inputs<'_>, facts: &PodFacts, name: &str) -> bool {
    let there = || facts.secrets.seen().is_some_and(|there| there.keys().any(|s| s.as_str() == name));
    has(inputs, name) || there()
}

/// Whether this machine itself has a secret.
pub(in crate::plan) fn has(inputs: &Inputs<'_>, name: &str) -> bool {
    inputs.secrets.iter().any(|s| s.as_str() == name)
}

/// What to do to have a secret here.
pub(in crate::plan) fn how_to_get(inputs: &Inputs<'_>, name: &str) -> String {
    let source = inputs.manifest.secrets.iter().find(|(known, _)| known.as_str() == name);
    match source.map(|(_, source)| source) {
        Some(SecretSource::Env(variable)) if name == API_KEY => {
            format!("make one: export {variable}=$(openssl rand -hex 32)")
        }
        Some(SecretSource::Env(variable)) if name == HF_TOKEN => {
            format!("export {variable}=hf_…, from https://huggingface.co/settings/tokens")
        }
        Some(SecretSource::Env(_) | SecretSource::File(_) | SecretSource::Command(_)) | None => {
            format!("see `{name}` in [secrets]")
        }
    }
}

/// Whether a server is started with this secret.
pub(in crate::plan) fn needed(name: &SecretName, key: KeyUse) -> bool {
    name.as_str() == HF_TOKEN || name.as_str() == API_KEY && key == KeyUse::Required
}

/// The step that brings secrets to the pod: those that its servers need and that this machine has otherwise.
pub(in crate::plan) fn write<'a>(
    inputs: &Inputs<'_>,
    facts: &PodFacts,
    specs: impl Iterator<Item = &'a ServerSpec>,
) -> Option<Unnumbered> {
    let mut wanted = BTreeSet::new();
    for spec in specs {
        wanted.extend((spec.key == KeyUse::Required).then_some(API_KEY));
        wanted.extend(matches!(spec.model, ModelRef::Hub { .. }).then_some(HF_TOKEN));
    }
    bring(inputs, facts, &wanted)
}

/// The step that brings these secrets to the pod, as far as this machine has them and the pod has not.
pub(in crate::plan) fn bring(
    inputs: &Inputs<'_>,
    facts: &PodFacts,
    wanted: &BTreeSet<&'static str>,
) -> Option<Unnumbered> {
    let there = facts.secrets.seen()?;
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for name in inputs.secrets.iter().filter(|name| wanted.contains(name.as_str())) {
        match there.get(name) {
            // what can't be compared is not written again with every apply
            Some(SecretSeen::Same | SecretSeen::There) => {}
            Some(SecretSeen::Differs) => changed.push(name.clone()),
            None => new.push(name.clone()),
        }
    }
    let reason = match (new.as_slice(), changed.as_slice()) {
        ([], []) => return None,
        ([_], []) => Reason::Missing,
        (_, []) => Reason::MissingAll,
        ([], [_]) => "the pod has another one".into(),
        ([], _) => "the pod has others".into(),
        (_, changed) => {
            let names: Vec<String> = changed.iter().map(|name| format!("`{name}`")).collect();
            format!("the pod has another {}", names.join(" and ")).into()
        }
    };
    new.extend(changed);
    new.sort();
    Some(Unnumbered::new(Action::WriteSecrets(new), reason))
}

/// Of the secrets a server was started with, those that are others now.
pub(in crate::plan) fn outdated(
    seen: &BTreeMap<SecretName, SecretSeen>,
    spec: &ServerSpec,
) -> Option<String> {
    let (name, state) = seen.iter().find(|(name, _)| name.as_str() == API_KEY)?;
    (spec.key == KeyUse::Required && *state == SecretSeen::Differs).then(|| format!("`{name}` has changed"))
}

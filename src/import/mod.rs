//! What is there without `pi`: servers found running, and what the older `pi` remembered, as manifest entries.
//!
//! In: a pod's facts, the command lines of its servers, a `pods.json` of the older TypeScript `pi`. Out: pods and
//! models to add to a manifest, and notes on what could not be taken over. Pure: nothing is looked at or written.

mod command_line;
mod found;
mod older;

pub use found::{asked, found};
pub use older::older;

use crate::manifest::Manifest;
use crate::manifest::edit::{NewModel, NewPod, add_model, add_pod};
use crate::name::{ModelName, PodName};
use crate::ssh_target::SshTarget;
use miette::Result;

/// What was found, in the manifest's terms.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Pods to add.
    pub pods: Vec<NewPod>,
    /// Models to add.
    pub models: Vec<NewModel>,
    /// What is not taken over, or not in full, and what to do about it.
    pub notes: Vec<String>,
    /// The pod that was active.
    pub active: Option<PodName>,
}

impl Found {
    /// Nothing that could be added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.models.is_empty()
    }

    /// Everything of both.
    pub fn add(&mut self, other: Self) {
        let Self { pods, models, notes, active } = other;
        self.pods.extend(pods);
        self.models.extend(models);
        self.notes.extend(notes);
        self.active = self.active.take().or(active);
    }

    /// What it would be silly not to say before it is written: pods whose names the manifest has for other machines.
    #[must_use]
    pub fn clashes(&self, manifest: &Manifest) -> Vec<String> {
        let other = |pod: &&NewPod| {
            let known = manifest.pods.get(&pod.name).map(|known| &known.ssh);
            known.is_some_and(|known| SshTarget::parse(&pod.ssh).ok().as_ref() != Some(known))
        };
        let clashing = self.pods.iter().filter(other);
        let twins = self.twins(manifest);
        let twin = twins.iter().map(|(pod, known)| format!("{pod} is the pod `{known}` of pi.toml"));
        clashing
            .map(|pod| format!("{} stays as pi.toml has it: there it was `{}`", pod.name, pod.ssh))
            .chain(twin)
            .collect()
    }

    /// Pods that the manifest has under another name, and that name.
    fn twins(&self, manifest: &Manifest) -> Vec<(PodName, PodName)> {
        let twin = |pod: &NewPod| {
            let target =
                SshTarget::parse(&pod.ssh).ok().filter(|_| !manifest.pods.contains_key(&pod.name))?;
            let (known, _) = manifest.pods.iter().find(|(_, known)| known.ssh == target)?;
            Some((pod.name.clone(), known.clone()))
        };
        self.pods.iter().filter_map(twin).collect()
    }

    /// What a manifest does not have yet; other models whose names are taken get a number.
    #[must_use]
    pub fn new_to(&self, manifest: &Manifest) -> Self {
        let mut new = self.clone();
        new.pods.retain(|pod| !manifest.pods.contains_key(&pod.name));
        for (pod, known) in new.twins(manifest) {
            new.pods.retain(|new| new.name != pod);
            for model in new.models.iter_mut().filter(|model| model.pods.contains(&pod)) {
                model.pods = vec![known.clone()];
            }
        }
        new.models.retain(|model| {
            let known = manifest.models.get(&model.name);
            known.is_none_or(|known| known.model != model.model || known.pods != model.pods)
        });
        let mut taken: Vec<ModelName> = manifest.models.keys().cloned().collect();
        for model in &mut new.models {
            model.name = free(&model.name, &taken);
            taken.push(model.name.clone());
        }
        new
    }

    /// A manifest's text with all of it.
    ///
    /// # Errors
    /// The text is not TOML, or has something of it.
    pub fn written(&self, text: &str) -> Result<String> {
        let text = self.pods.iter().try_fold(text.to_owned(), |text, pod| add_pod(&text, pod))?;
        self.models.iter().try_fold(text, |text, model| add_model(&text, model))
    }
}

/// The name, or the first of `name-2`, `name-3` … that nobody has.
fn free(name: &ModelName, taken: &[ModelName]) -> ModelName {
    let numbered = |number: u32| ModelName::parse(&format!("{:.58}-{number}", name.as_str())).ok();
    let mut names = std::iter::once(name.clone()).chain((2..).map_while(numbered));
    names.find(|name| !taken.contains(name)).unwrap_or_else(|| name.clone())
}

/// A name made of any text: what may not stand in one becomes `-`.
fn name_of(text: &str) -> Option<ModelName> {
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or(text);
    let plain: String = last
        .trim_end_matches(".gguf")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .take(63)
        .collect();
    ModelName::parse(&plain.trim_start_matches(['-', '_', '.']).to_lowercase()).ok()
}

#[cfg(test)]
mod tests;

//! The GPUs of a pod, for verbs that answer from what is remembered of it.

use crate::catalog::engines;
use crate::catalog::version::Version;
use crate::cli::context::full::Context;
use crate::cli::terminal::exit::away;
use crate::manifest::{EngineVersion, Manifest};
use crate::name::PodName;
use crate::observe::{GpuSight, PodFacts, ProbeResult};
use crate::plan::{OfKind, free_gpus, repair};
use miette::{Result, miette};

/// What is known of a pod.
pub(in crate::cli) struct Known {
    pub(in crate::cli) facts: PodFacts,
    /// When that was seen, in seconds since 1970; none where it was just now.
    pub(in crate::cli) seen: Option<u64>,
}

/// What is remembered of the pod, as long as it is the same machine; else what a look says.
pub(in crate::cli) async fn known(context: &Context, pod: &PodName) -> Result<Known> {
    let ssh = context.manifest.pods.get(pod).map(|pod| pod.ssh.to_string());
    if let Some(known) = context.memory.pods.get(pod).filter(|known| Some(&known.ssh) == ssh.as_ref()) {
        return Ok(Known { facts: known.facts.clone(), seen: Some(known.seen) });
    }
    match context.observe_these(vec![pod.clone()]).await.pods.remove(pod) {
        Some(ProbeResult::Seen(facts)) => Ok(Known { facts: *facts, seen: None }),
        Some(ProbeResult::Unreachable(why)) => Err(away(pod, &why.why, why.help)),
        None => Err(miette!("{pod} was not looked at")),
    }
}

/// Its GPUs by kind, and how many of them nobody has; none where it has no GPU.
pub(in crate::cli) fn kinds<'a>(pod: &PodName, facts: &'a PodFacts) -> Result<Vec<OfKind<'a>>> {
    if let GpuSight::Broken { message, .. } = &facts.gpus {
        return Err(miette!(help = repair(message), "nvidia-smi fails on `{pod}`: {message}"));
    }
    Ok(free_gpus(facts))
}

/// The vLLM that servers on this pod get where they name none.
pub(in crate::cli) fn vllm(manifest: &Manifest, pod: &PodName) -> Version {
    let version = manifest.pods.get(pod).and_then(|pod| pod.vllm.as_ref());
    engines::resolve(version.unwrap_or(&EngineVersion::Release))
}

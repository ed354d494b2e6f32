//! `pi start` without a model: what of the catalog fits the GPUs that are free on a pod.

use crate::catalog::recipe::Ask;
use crate::cli::context::flags::Global;
use crate::cli::context::full::Context;
use crate::cli::context::manifest_path::load_manifest;
use crate::cli::context::pod_gpus::{kinds, known, vllm};
use crate::cli::context::which_pod::which_pod;
use crate::cli::terminal::exit::Exit;
use crate::cli::terminal::form::Form;
use crate::name::PodName;
use crate::plan::{OfKind, Protected, Scope, known_to_fit};
use crate::ui::{self, Free};
use miette::Result;

pub(super) async fn run(global: &Global, form: Form) -> Result<Exit> {
    let context =
        Context::of(global, load_manifest(global.manifest.as_deref())?, Scope::All, Protected::Keep)?;
    let pod = which_pod(global, &context.manifest, &context.memory)?;
    let known = known(&context, &pod).await;
    context.remote.close().await;
    let known = known?;
    let free = fitting(&context, &pod, &kinds(&pod, &known.facts)?);
    match form {
        Form::Json => ui::data(&ui::json_page(&ui::known_json(&pod, &free)))?,
        Form::Text if free.is_empty() => ui::data(&format!(
            "`{pod}` has no GPU. What runs without: pi start OWNER/NAME:FILE.gguf --gpus 0\n"
        ))?,
        Form::Text => ui::data(&ui::known_text(&pod, &free))?,
    }
    Ok(Exit::Done)
}

/// What fits the GPUs of each kind that nobody has.
fn fitting(context: &Context, pod: &PodName, kinds: &[OfKind<'_>]) -> Vec<Free> {
    let version = vllm(&context.manifest, pod);
    let of_kind = |kind: &OfKind<'_>| {
        let ask = Ask { gpu: &kind.gpu, available: kind.free, gpus: None, version: &version };
        let models = if kind.free == 0 { Vec::new() } else { known_to_fit(&context.memory, ask) };
        Free { kind: kind.short().to_owned(), all: kind.all, free: kind.free, models }
    };
    kinds.iter().map(of_kind).collect()
}

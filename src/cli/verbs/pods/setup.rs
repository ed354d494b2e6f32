//! `pi pods setup`: a pod goes into `pi.toml` and is made ready for models.

use crate::cli::changing::carry_out::{
    ApplyOptions, Approval, Proposal, SAME_AGAIN, Sources, carry_out, offer,
};
use crate::cli::context::edit;
use crate::cli::context::flags::{Doing, Global};
use crate::cli::context::full::Context;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::terminal::exit::{Exit, usage};
use crate::cli::terminal::form::Form;
use crate::hub::HubFacts;
use crate::manifest::Manifest;
use crate::manifest::edit::{NewPod, add_pod, change_pod};
use crate::name::{PodName, PodPath};
use crate::observe::{GpuSight, Observed, ProbeResult};
use crate::plan::{PodView, Protected, Scope, Severity, gpus_in_words, make_ready};
use crate::ssh_target::SshTarget;
use crate::ui;
use clap::Args;
use miette::Result;
use std::collections::BTreeSet;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pi pods setup dc1 \"ssh -p 2222 root@1.2.3.4\"\n  pi pods setup dc1 \"ssh root@1.2.3.4\" --mount \"sudo mount -t nfs nfs.example:/share /mnt/hf\""
)]
pub(super) struct Setup {
    /// Name of the pod
    name: String,
    /// SSH command line as the provider prints it: "ssh -p 2222 root@1.2.3.4"
    ssh: String,
    /// Storage to mount, as the provider prints it: "sudo mount -t nfs SOURCE TARGET"
    #[arg(long, value_name = "COMMAND")]
    mount: Option<String>,
    /// Directory for weights on the pod [default: the mounted storage, else ~/.cache/huggingface]
    #[arg(long, value_name = "PATH")]
    models_path: Option<String>,
    /// vLLM version to keep installed: release, nightly, a version, or none [default: release if the pod has GPUs]
    #[arg(long, value_name = "VERSION")]
    vllm: Option<String>,
    /// Print events as JSON, one per line, then the pod's GPUs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    doing: Doing,
}

/// A pod that was looked at, and the manifest that would have it.
struct Ready {
    after: String,
    context: Context,
    observed: Observed,
}

pub(super) async fn run(global: &Global, args: &Setup) -> Result<Exit> {
    let pod = asked_for(args)?;
    let file = ManifestFile::open_or_new(global)?;
    let mut ready = look(global, &file, &pod).await?;
    if args.vllm.is_none() && wants_vllm(&ready, &pod.name) {
        let pod = NewPod { vllm: Some("release".to_owned()), ..pod.clone() };
        ready.after = edited(&file, &pod)?;
        // the id that it was given stays
        let identity = ready.context.manifest.identity.clone();
        ready.context.manifest = Manifest { identity, ..parsed(&file, &ready.after, &pod.name)? };
    }
    let exit = finish(&file, &ready, &pod.name, args).await;
    ready.context.remote.close().await;
    exit
}

/// What the command line says, as far as it can be told without the manifest.
fn asked_for(args: &Setup) -> Result<NewPod> {
    let help = "a name is made of letters, digits, `-`, `_` and `.`: pi pods setup dc1 \"ssh root@1.2.3.4\"";
    let name = PodName::parse(&args.name).map_err(|bad| usage(bad.to_string(), help))?;
    let wrong = |why: String| {
        let message = format!("`{}` is not how a pod is reached: {why}", args.ssh.escape_debug());
        usage(message, "give the ssh line as the provider prints it: \"ssh -p 2222 root@1.2.3.4\"")
    };
    SshTarget::parse(&args.ssh).map_err(|bad| wrong(bad.to_string()))?;
    let path = |path: &String| {
        PodPath::parse(path).map_err(|bad| usage(bad.to_string(), "write it as /mnt/hf-models or ~/models"))
    };
    let models_path = args.models_path.as_ref().map(path).transpose()?;
    let vllm = args.vllm.clone().filter(|version| version != "none");
    Ok(NewPod { name, ssh: args.ssh.trim().to_owned(), models_path, mount: args.mount.clone(), vllm })
}

/// The manifest's text with the pod in it.
fn edited(file: &ManifestFile, pod: &NewPod) -> Result<String> {
    let before = file.parse(file.text())?;
    let Some(known) = before.pods.get(&pod.name) else { return add_pod(file.text(), pod) };
    let same = SshTarget::parse(&pod.ssh).is_ok_and(|ssh| ssh == known.ssh);
    if !same {
        let (name, line) = (&pod.name, before.lines.pods.get(&pod.name).copied().unwrap_or_default());
        let message = format!("pi.toml has another pod `{name}`: {}", known.ssh);
        let help = format!(
            "choose another name; or if `{name}` has moved, change its `ssh` at {}:{line}",
            file.shown()
        );
        return Err(usage(message, help));
    }
    change_pod(file.text(), pod)
}

/// What the edited text means; a new pod stands in no line of the file yet.
fn parsed(file: &ManifestFile, after: &str, pod: &PodName) -> Result<Manifest> {
    let mut manifest = file.parse(after)?;
    if !file.parse(file.text())?.pods.contains_key(pod) {
        manifest.lines.pods.remove(pod);
    }
    Ok(manifest)
}

/// Everything that works on this one pod.
fn context(global: &Global, manifest: Manifest, pod: &PodName) -> Result<Context> {
    let scope = Scope::Only { pods: BTreeSet::from([pod.clone()]), models: BTreeSet::new() };
    Context::of(global, manifest, scope, Protected::Keep)
}

async fn look(global: &Global, file: &ManifestFile, pod: &NewPod) -> Result<Ready> {
    let after = edited(file, pod)?;
    let context = context(global, parsed(file, &after, &pod.name)?, &pod.name)?;
    let observed = context.observe().await;
    Ok(Ready { after, context, observed })
}

/// A pod with GPUs that names no vLLM gets the one that pi was tested with.
fn wants_vllm(ready: &Ready, pod: &PodName) -> bool {
    let names_none = ready.context.manifest.pods.get(pod).is_some_and(|pod| pod.vllm.is_none());
    let has_gpus = match ready.observed.pods.get(pod) {
        Some(ProbeResult::Seen(facts)) => matches!(facts.gpus, GpuSight::Found { .. }),
        Some(ProbeResult::Unreachable(_)) | None => false,
    };
    names_none && has_gpus
}

/// Shows, asks, writes, does.
async fn finish(file: &ManifestFile, ready: &Ready, pod: &PodName, args: &Setup) -> Result<Exit> {
    let Ready { after, context, observed } = ready;
    let (hub, form) = (HubFacts::default(), Form::from(args.json));
    let plan = make_ready(&context.inputs(observed, &hub));
    let stuck = plan.findings.iter().any(|finding| finding.severity == Severity::Error);
    if !stuck && file.text() != after {
        edit::show(file, after, form)?;
        if form == Form::Text {
            ui::data("\n")?;
        }
    }
    let options = ApplyOptions {
        json: args.json,
        again: SAME_AGAIN,
        ..ApplyOptions::of(&args.doing, Approval::of(&args.doing), Sources::Pods)
    };
    let is_quiet = plan.is_empty() && plan.findings.is_empty() && form == Form::Text;
    let proposal = if is_quiet { Proposal::Over(Exit::Done) } else { offer(context, &options, plan, hub)? };
    let exit = match proposal {
        Proposal::Over(Exit::Done) => {
            keep(file, ready, pod, form)?;
            Exit::Done
        }
        Proposal::Over(exit) => {
            ui::note(&format!("{} is as it was.", file.shown()));
            return Ok(exit);
        }
        Proposal::Agreed(agreed) => {
            keep(file, ready, pod, form)?;
            carry_out(context, &options, &agreed, make_ready).await?.exit
        }
    };
    if exit == Exit::Done {
        tell(ready, pod, form)?;
        ui::note(&format!("`{pod}` is ready: {}. Next: pi start MODEL", what_it_has(observed, pod)));
    }
    Ok(exit)
}

/// Writes the manifest; the first pod becomes the active one.
fn keep(file: &ManifestFile, ready: &Ready, pod: &PodName, form: Form) -> Result<()> {
    edit::write(file, &ready.after, form)?;
    let known = &ready.context.manifest.pods;
    ready.context.store.update(|memory| {
        if memory.active.as_ref().is_none_or(|active| !known.contains_key(active)) {
            memory.active = Some(pod.clone());
        }
    })
}

/// What the pod has, for machines.
fn tell(Ready { context, observed, .. }: &Ready, pod: &PodName, form: Form) -> Result<()> {
    let (Form::Json, Some(declared)) = (form, context.manifest.pods.get(pod)) else { return Ok(()) };
    let facts = match observed.pods.get(pod) {
        Some(ProbeResult::Seen(facts)) => Some(facts.as_ref()),
        Some(ProbeResult::Unreachable(_)) | None => None,
    };
    ui::data(&ui::json_line(&ui::ready_json(pod, &PodView::new(declared, facts))))
}

fn what_it_has(observed: &Observed, pod: &PodName) -> String {
    let none = || gpus_in_words(std::iter::empty());
    match observed.pods.get(pod) {
        Some(ProbeResult::Seen(facts)) => match &facts.gpus {
            GpuSight::Found { gpus, .. } => gpus_in_words(gpus.iter().map(|gpu| gpu.name.as_str())),
            GpuSight::None => none(),
            GpuSight::Broken { .. } => "nvidia-smi fails".to_owned(),
        },
        Some(ProbeResult::Unreachable(_)) | None => none(),
    }
}

//! `pi pods`: every pod of the manifest, from memory, or after a look.

use crate::cli::context::flags::Global;
use crate::cli::context::full::Context;
use crate::cli::context::manifest_path::load_manifest;
use crate::cli::terminal::exit::Exit;
use crate::memory::PodMemory;
use crate::name::PodName;
use crate::observe::{Observed, ProbeResult};
use crate::plan::{PodView, Protected, Scope};
use crate::ui::{self, PodLine};
use clap::Args;
use miette::Result;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Debug, Args)]
pub(super) struct List {
    /// Contact the pods instead of showing what was last seen
    #[arg(long)]
    refresh: bool,
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, args: &List) -> Result<Exit> {
    let manifest = load_manifest(global.manifest.as_deref())?;
    let mut context = Context::without_secrets(global, manifest, Scope::All, Protected::Keep)?;
    let mut observed = Observed::default();
    if args.refresh {
        observed = context.observe().await;
        context.remote.close().await;
        context.memory = context.store.read()?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let lines: Vec<PodLine<'_>> =
        context.manifest.pods.keys().map(|name| line(&context, &observed, name, now)).collect();
    if args.json {
        ui::data(&ui::json_page(&ui::pods_json(&lines)))?;
    } else {
        ui::data(&ui::pods_text(&lines))?;
    }
    let lost = lines.iter().any(|line| line.trouble.is_some());
    Ok(if lost { Exit::Unreachable } else { Exit::Done })
}

fn line<'a>(context: &'a Context, observed: &Observed, name: &'a PodName, now: u64) -> PodLine<'a> {
    let pod = &context.manifest.pods[name];
    // what was seen under another ssh line was another machine
    let known = context.memory.pods.get(name).filter(|known| known.ssh == pod.ssh.to_string());
    let facts = |known: &'a PodMemory| &known.facts;
    let trouble = match observed.pods.get(name) {
        Some(ProbeResult::Unreachable(why)) => Some(why.clone()),
        Some(ProbeResult::Seen(_)) | None => None,
    };
    let models = context.manifest.models.iter().filter(|(_, model)| model.pods.contains(name));
    PodLine {
        name,
        active: context.memory.active.as_ref() == Some(name),
        view: PodView::new(pod, known.map(facts)),
        models: models.map(|(model, _)| model).collect(),
        age: known.map(|known| now.saturating_sub(known.seen)),
        trouble,
    }
}

//! `pi pods remove`: a pod goes out of `pi.toml`; the machine itself is left alone.

use crate::cli::context::complete_names;
use crate::cli::context::edit;
use crate::cli::context::flags::Global;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::context::manifest_path::config_dir;
use crate::cli::context::which_pod;
use crate::cli::terminal::consent::agreed;
use crate::cli::terminal::exit::{Exit, usage};
use crate::cli::terminal::form::Form;
use crate::manifest::edit::{remove_model, remove_pod};
use crate::manifest::{Manifest, State};
use crate::memory::Store;
use crate::name::{ModelName, PodName};
use crate::ui;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use miette::{Report, Result};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pi stop && pi pods remove dc1 --models    stop its models, then remove it"
)]
pub(super) struct Remove {
    /// Pod in pi.toml
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_names::pods))]
    name: String,
    /// Also remove the models that run only on this pod
    #[arg(long)]
    models: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Print events as JSON, one per line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(global: &Global, args: &Remove) -> Result<Exit> {
    let file = ManifestFile::open(global)?;
    let manifest = file.parse(file.text())?;
    let pod = which_pod::named(&manifest, &args.name)?;
    let alone = if args.models { alone(&manifest, &pod) } else { Vec::new() };
    let mut after = remove_pod(file.text(), &pod)?;
    for model in &alone {
        after = remove_model(&after, model)?;
    }
    let rest = file.parse(&after).map_err(|problems| held(&manifest, &pod, problems))?;
    let form = Form::from(args.json);
    edit::show(&file, &after, form)?;
    tell(&manifest, &rest, &pod);
    if !args.yes && !agreed("\nWrite this?")? {
        ui::note("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    edit::write(&file, &after, form)?;
    Store::new(&config_dir()?, &manifest).update(|memory| {
        memory.pods.remove(&pod);
        memory.active.take_if(|active| *active == pod);
    })?;
    if form == Form::Json {
        let running = |name: &&ModelName| manifest.models[*name].state == State::Running;
        let not_stopped: Vec<ModelName> = alone.iter().filter(running).cloned().collect();
        ui::data(&ui::json_line(&ui::removed_json(&pod, &alone, &not_stopped)))?;
    }
    ui::note(&format!("`{pod}` is forgotten. The machine itself is as it was."));
    Ok(Exit::Done)
}

/// Models that run on this pod and nowhere else.
fn alone(manifest: &Manifest, pod: &PodName) -> Vec<ModelName> {
    let models = manifest.models.iter().filter(|(_, model)| model.pods == [pod.clone()]);
    models.map(|(name, _)| name.clone()).collect()
}

/// Why the pod can't go: the models that need it.
fn held(manifest: &Manifest, pod: &PodName, problems: Report) -> Report {
    let here = manifest.models.iter().filter(|(_, model)| model.pods.contains(pod));
    let (alone, beside): (Vec<_>, Vec<_>) = here.partition(|(_, model)| model.pods.len() == 1);
    let names = |list: &[(&ModelName, &crate::manifest::Model)]| {
        list.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    if let Some((name, _)) = beside.first() {
        let line = manifest.lines.models.get(*name).copied().unwrap_or_default();
        let message = format!("{} would lose the pod `{pod}`", names(&beside));
        return usage(message, format!("take it out of their `pod` first: pi.toml:{line}"));
    }
    if alone.is_empty() {
        return problems;
    }
    let running: Vec<_> = alone.iter().filter(|(_, model)| model.state == State::Running).collect();
    let mut help = format!("take them out as well: pi pods remove {pod} --models");
    if let [(first, _), ..] = running.as_slice() {
        help = format!("{help}; a pod that still answers should be told first: pi stop {first}");
    }
    usage(format!("the pod `{pod}` is the only one of {}", names(&alone)), help)
}

/// Says what the diff does not show.
fn tell(manifest: &Manifest, rest: &Manifest, pod: &PodName) {
    for (name, model) in manifest.models.iter().filter(|(_, model)| model.pods.contains(pod)) {
        match rest.models.get(name) {
            Some(_) => ui::note(&format!("`{name}` keeps its other pods.")),
            None if model.state == State::Running => {
                ui::note(&format!("`{name}` is not stopped: if its server runs, it goes on."));
            }
            None => {}
        }
    }
}

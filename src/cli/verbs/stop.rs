//! `pi stop`: `state = "stopped"` in `pi.toml`, and on the pods.

use crate::cli::changing::carry_out::{
    ApplyOptions, Approval, Proposal, SAME_AGAIN, Sources, carry_out, offer,
};
use crate::cli::context::complete_names;
use crate::cli::context::edit;
use crate::cli::context::flags::{Doing, Global, Taking};
use crate::cli::context::full::Context;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::context::manifest_path::config_dir;
use crate::cli::context::which_model::{named, on_pod};
use crate::cli::context::which_pod::which_pod;
use crate::cli::terminal::exit::Exit;
use crate::cli::terminal::form::Form;
use crate::hub::HubFacts;
use crate::manifest::edit::set_state;
use crate::manifest::{Manifest, State};
use crate::memory::Store;
use crate::name::{ModelName, PodName};
use crate::plan::{Protected, Scope, halt};
use crate::ui;
use clap::Args;
use clap_complete::engine::ArgValueCandidates;
use miette::Result;
use std::collections::BTreeSet;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pi stop qwen     `pi start qwen` starts it again\n  pi stop          every model on the active pod, after confirmation"
)]
pub(in crate::cli) struct Stop {
    /// Models in pi.toml [default: all on the pod]
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete_names::models))]
    names: Vec<String>,
    /// Allow stopping servers with `protect = true`
    #[arg(long)]
    allow_protected: bool,
    #[command(flatten)]
    taking: Taking,
    /// Print events as JSON, one per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    doing: Doing,
}

pub(in crate::cli) async fn run(global: &Global, args: &Stop) -> Result<Exit> {
    let file = ManifestFile::open(global)?;
    let manifest = file.parse(file.text())?;
    let (names, approval) = match args.names.as_slice() {
        [] => {
            let pod = which_pod(global, &manifest, &Store::new(&config_dir()?, &manifest).read()?)?;
            let names = running(&manifest, &pod);
            if names.is_empty() {
                ui::note(&format!("Nothing in pi.toml is to run on `{pod}`."));
                stopped(&names, args)?;
                return Ok(Exit::Done);
            }
            (names, Approval::of(&args.doing))
        }
        names => (all_named(global, &manifest, names)?, Approval::Given),
    };
    let after =
        names.iter().try_fold(file.text().to_owned(), |text, name| set_state(&text, name, State::Stopped))?;
    let scope = Scope::Only { pods: BTreeSet::new(), models: names.clone() };
    let protected = if args.allow_protected { Protected::Allow } else { Protected::Keep };
    let context =
        Context::without_secrets(global, file.parse(&after)?, scope, protected)?.taking_over(&args.taking);
    let options = ApplyOptions::of(&args.doing, approval, Sources::Pods);
    let options = ApplyOptions { json: args.json, again: SAME_AGAIN, ..options };
    let exit = converge(&file, &after, &context, &options).await;
    context.remote.close().await;
    if let Ok(Exit::Done) = exit {
        stopped(&names, args)?;
        let already = names.iter().all(|name| manifest.models[name].state == State::Stopped);
        told(&names, if already { "stopped already" } else { "stopped" });
    }
    exit
}

fn running(manifest: &Manifest, pod: &PodName) -> BTreeSet<ModelName> {
    let models = manifest.models.iter();
    let running = models.filter(|(_, model)| model.state == State::Running && model.pods.contains(pod));
    running.map(|(name, _)| name.clone()).collect()
}

fn all_named(global: &Global, manifest: &Manifest, names: &[String]) -> Result<BTreeSet<ModelName>> {
    let name = |name: &String| {
        let name = named(manifest, name)?;
        on_pod(global, manifest, &name)?;
        Ok(name)
    };
    names.iter().map(name).collect()
}

/// Looks, shows, asks where it has to, writes, does.
async fn converge(
    file: &ManifestFile,
    after: &str,
    context: &Context,
    options: &ApplyOptions,
) -> Result<Exit> {
    let hub = HubFacts::default();
    let observed = context.observe().await;
    context.check_taking(&observed)?;
    let (plan, form) = (halt(&context.inputs(&observed, &hub)), Form::from(options.json));
    if form == Form::Text && plan.is_empty() && plan.findings.is_empty() {
        file.write(after)?;
        return Ok(Exit::Done);
    }
    match offer(context, options, plan, hub)? {
        Proposal::Over(Exit::Done) => {
            edit::show_and_write(file, after, form)?;
            Ok(Exit::Done)
        }
        Proposal::Over(exit) => {
            ui::note(&format!("{} is as it was.", file.shown()));
            Ok(exit)
        }
        Proposal::Agreed(agreed) => {
            edit::show_and_write(file, after, form)?;
            carry_out(context, options, &agreed, halt).await.map(|ended| ended.exit)
        }
    }
}

/// What is stopped, for machines.
fn stopped(names: &BTreeSet<ModelName>, args: &Stop) -> Result<()> {
    if args.json { ui::data(&ui::json_line(&ui::stopped_json(names))) } else { Ok(()) }
}

fn told(names: &BTreeSet<ModelName>, how: &str) {
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let is = if list.len() == 1 { "is" } else { "are" };
    let back = names.first().filter(|_| list.len() == 1);
    let back = back.map(|name| format!(" Start it again: pi start {name}")).unwrap_or_default();
    ui::note(&format!("{} {is} {how}.{back}", list.join(", ")));
}

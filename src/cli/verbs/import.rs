//! `pi import`: servers that run, and the older pi's `pods.json`, become manifest entries.

use crate::bounded::{self, MEMORY};
use crate::cli::context::edit;
use crate::cli::context::flags::Global;
use crate::cli::context::full::Context;
use crate::cli::context::identity;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::context::manifest_path::config_dir;
use crate::cli::terminal::consent::agreed;
use crate::cli::terminal::exit::{Exit, usage};
use crate::cli::terminal::form::Form;
use crate::import::{self, Found};
use crate::manifest::Manifest;
use crate::memory::{Store, is_older};
use crate::name::PodName;
use crate::observe::{PodFacts, ProbeResult};
use crate::plan::{Protected, Scope};
use crate::remote::{Job, Line, PodConnections, bounded};
use crate::script::{Template, render};
use crate::ui;
use crate::units::Bytes;
use miette::{IntoDiagnostic, Result, WrapErr};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pi import                            servers that run on the pods and are not in pi.toml
  pi import --from ~/.pi/pods.json     pods and models of the older pi, the one in TypeScript")]
pub(in crate::cli) struct Import {
    /// The older pi's pods.json [default: the one in $PI_CONFIG_DIR, if the older pi wrote it]
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Print events as JSON, one per line
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) async fn run(global: &Global, args: &Import) -> Result<Exit> {
    let file = ManifestFile::open_or_new(global)?;
    let manifest = file.parse(file.text())?;
    let store = Store::new(&config_dir()?, &manifest);
    let older = older(args, &store)?;
    let (found, exit) = match &older {
        Some((_, found)) => (found.clone(), Exit::Done),
        None => look(global, &manifest).await?,
    };
    let (new, form) = (found.new_to(&manifest), Form::from(args.json));
    tell(&new, &[found.notes.clone(), found.clashes(&manifest)].concat(), form)?;
    let mut after = new.written(file.text())?;
    if file.is_new() && !after.is_empty() {
        after = identity::with_new_id(&after)?;
    }
    if after == file.text() {
        ui::note(&format!("Nothing to add to {}.", file.shown()));
        if let Some((path, found)) = &older {
            put_away(&store, path, found)?;
        }
        return Ok(exit);
    }
    edit::show(&file, &after, form)?;
    // where it would be wrong, for example because models without `pod` now have a choice, nothing is written
    file.parse(&after)?;
    if !args.yes && !agreed("\nWrite this?")? {
        ui::note("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    edit::write(&file, &after, form)?;
    if let Some((path, found)) = older {
        put_away(&store, &path, &found)?;
    }
    ui::note(&format!("{} has it. `pi plan` shows what that means.", file.shown()));
    Ok(exit)
}

/// What was found, and what is to be known of it.
fn tell(new: &Found, notes: &[String], form: Form) -> Result<()> {
    for note in notes {
        ui::note(&format!("note: {}", ui::visible(note)));
    }
    match form {
        Form::Text => Ok(()),
        Form::Json => ui::data(&ui::json_line(&ui::found_json(new, notes))),
    }
}

/// What the older pi's file says, if there is one.
fn older(args: &Import, store: &Store) -> Result<Option<(PathBuf, Found)>> {
    let path = args.from.clone().unwrap_or_else(|| store.path());
    let text = match (bounded::text(&path, MEMORY), &args.from) {
        (Ok(text), _) => text,
        (Err(error), Some(_)) => {
            return Err(error).into_diagnostic().wrap_err(format!("cannot read {}", path.display()));
        }
        (Err(_), None) => return Ok(None),
    };
    if !is_older(&text) {
        let help = "without --from, `pi import` looks for servers on the pods of pi.toml";
        let other = || usage(format!("{} is not of the older pi", path.display()), help);
        return args.from.as_ref().map_or(Ok(None), |_| Err(other()));
    }
    let found = import::older(&text).map_err(|error| {
        usage(
            format!("{} cannot be read: {error}", path.display()),
            "add its pods by hand: `pi pods setup NAME \"SSH\"`",
        )
    })?;
    if found.pods.is_empty() && !found.notes.is_empty() {
        let message = format!("{} cannot be read: {}", path.display(), found.notes.join("; "));
        return Err(usage(message, "add its pods by hand: pi pods setup"));
    }
    Ok(Some((path, found)))
}

/// Makes room for this pi's own memory, and keeps the choice of a pod.
fn put_away(store: &Store, path: &PathBuf, found: &Found) -> Result<()> {
    if *path == store.path() {
        let kept = kept_name(path);
        fs::rename(path, &kept).into_diagnostic().wrap_err("cannot put the older pods.json away")?;
        ui::note(&format!("The older file is {} now.", kept.display()));
    }
    store.update(|memory| memory.active = memory.active.take().or_else(|| found.active.clone()))
}

/// A name that nothing has: what was put away before stays.
fn kept_name(path: &Path) -> PathBuf {
    let mut kept = path.with_file_name("pods.older.json");
    let mut count = 1;
    while kept.symlink_metadata().is_ok() {
        count += 1;
        kept = path.with_file_name(format!("pods.older.{count}.json"));
    }
    kept
}

/// What runs on the pods and is not in the manifest.
async fn look(global: &Global, manifest: &Manifest) -> Result<(Found, Exit)> {
    if manifest.pods.is_empty() {
        let help = "add a pod first: pi pods setup NAME \"ssh root@1.2.3.4\"";
        return Err(usage("there is no pod to look at", help));
    }
    let context = Context::of(global, manifest.clone(), Scope::All, Protected::Keep)?;
    let observed = context.observe().await;
    let (mut all, mut exit) = (Found::default(), Exit::Done);
    for (pod, sighting) in &observed.pods {
        match sighting {
            ProbeResult::Seen(facts) => {
                let lines = command_lines(&context.remote, pod, facts).await?;
                all.add(import::found(manifest, pod, facts, &lines));
            }
            ProbeResult::Unreachable(why) => {
                exit = Exit::Unreachable;
                all.notes.push(format!("{pod} could not be looked at: {}", why.why));
            }
        }
    }
    context.remote.close().await;
    Ok((all, exit))
}

async fn command_lines(
    remote: &PodConnections,
    pod: &PodName,
    facts: &PodFacts,
) -> Result<BTreeMap<u32, Vec<String>>> {
    let mut lines: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let pids: Vec<String> = import::asked(facts).iter().map(ToString::to_string).collect();
    if pids.is_empty() {
        return Ok(lines);
    }
    let script = render(Template::COMMAND_LINES, &json!({ "pids": pids })).into_diagnostic()?;
    let hear = |line: Line| {
        let Line::Out(line) = line else { return };
        if let Some((pid, word)) =
            line.split_once('\t').and_then(|(pid, word)| Some((pid.parse().ok()?, word)))
        {
            lines.entry(pid).or_default().push(word.to_owned());
        }
    };
    let job = Job { script: &script, input: None };
    bounded(remote, pod, job, Bytes(16 << 20), hear).await.into_diagnostic()?;
    Ok(lines)
}

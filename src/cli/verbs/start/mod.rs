//! `pi start`: one model goes into `pi.toml` and runs, or nothing has changed.

mod args;
mod back;
mod known;
mod wish;

use crate::cli::changing::carry_out::{ApplyOptions, Approval, Proposal, Sources, carry_out, propose};
use crate::cli::context::edit;
use crate::cli::context::endpoint::{Access, endpoint};
use crate::cli::context::flags::Global;
use crate::cli::context::full::Context;
use crate::cli::context::manifest_file::ManifestFile;
use crate::cli::context::manifest_path::config_dir;
use crate::cli::terminal::exit::Exit;
use crate::cli::terminal::form::Form;
use crate::manifest::edit::set_id;
use crate::memory::Store;
use crate::name::ModelName;
use crate::plan::{Inputs, Origin, Protected, Scope, begin};
use crate::ui::{self, Serving};
pub(in crate::cli) use args::Start;
use miette::{Result, WrapErr};
use std::collections::BTreeSet;
use wish::Wish;

pub(in crate::cli) async fn run(global: &Global, args: &Start) -> Result<Exit> {
    let Some(model) = &args.model else {
        return known::run(global, Form::from(args.json)).await;
    };
    let file = ManifestFile::open(global)?;
    let manifest = file.parse(file.text())?;
    let memory = Store::new(&config_dir()?, &manifest).read()?;
    let wish = wish::wish(global, (&manifest, &memory), model, args)?;
    let after = wish.written(file.text())?;
    let mut manifest = file.parse(&after)?;
    if wish.origin() == Origin::New {
        // it stands in no line of the file yet
        manifest.lines.models.remove(wish.name());
    }
    let mut context = one_model(global, manifest, wish.name())?.taking_over(&args.taking);
    let options = options(args);
    let exit = converge(global, &file, &wish, &context, &options).await;
    let told = match exit {
        Ok(Exit::Done) => finish(&file, &wish, &mut context, args).await,
        _ => Ok(()),
    };
    context.remote.close().await;
    told.and(exit)
}

/// Everything that works on this one model.
fn one_model(global: &Global, manifest: crate::manifest::Manifest, name: &ModelName) -> Result<Context> {
    let scope = Scope::Only { pods: BTreeSet::new(), models: BTreeSet::from([name.clone()]) };
    Context::of(global, manifest, scope, Protected::Keep)
}

fn options(args: &Start) -> ApplyOptions {
    let options = ApplyOptions::of(&args.doing, Approval::of(&args.doing), Sources::PodsAndHub);
    ApplyOptions { json: args.json, again: "", ..options }
}

/// Plans, asks, does, and takes back what did not come to its end.
async fn converge(
    global: &Global,
    file: &ManifestFile,
    wish: &Wish,
    context: &Context,
    options: &ApplyOptions,
) -> Result<Exit> {
    let (name, origin) = (wish.name(), wish.origin());
    let rule = |inputs: &Inputs<'_>| begin(inputs, name, origin);
    let agreed = match propose(context, options, rule).await? {
        Proposal::Over(Exit::Done) => return Ok(Exit::Done),
        Proposal::Over(exit) => {
            ui::note(&format!("{} is as it was.", file.shown()));
            return Ok(exit);
        }
        Proposal::Agreed(agreed) => agreed,
    };
    let ended = carry_out(context, options, &agreed, rule).await?;
    if ended.exit == Exit::Done {
        return Ok(Exit::Done);
    }
    ui::note(&unchanged(file, context)?);
    if ended.begun {
        let pods = context.manifest.models.get(name).map(|model| model.pods.as_slice()).unwrap_or_default();
        let back = back::take_back((global, file), name, pods, options).await;
        // how the start ended is the answer
        back.unwrap_or_else(|error| ui::error(&error));
    }
    Ok(ended.exit)
}

/// What is said of a manifest into which the model was not written. It may have got its id, and somebody else may have
/// changed it.
fn unchanged(file: &ManifestFile, context: &Context) -> Result<String> {
    let (shown, now) = (file.shown(), file.again()?);
    let with_id = context.manifest.identity.id().and_then(|id| set_id(file.text(), id).ok());
    Ok(match now.text() {
        text if text == file.text() => format!("{shown} is as it was."),
        text if with_id.as_deref() == Some(text) => {
            format!("{shown} has its project_id now, and is as it was otherwise.")
        }
        _ => format!("{shown} was changed by somebody else meanwhile; this start has added no model to it."),
    })
}

/// Writes the manifest, also if somebody has written something else into it meanwhile.
fn keep(file: &ManifestFile, wish: &Wish, form: Form) -> Result<()> {
    let name = wish.name();
    let written = || -> Result<()> {
        let now = file.again()?;
        let after = wish.written(now.text())?;
        now.parse(&after)?;
        edit::show_and_write(&now, &after, form)?;
        if wish.origin() == Origin::New {
            ui::note(&format!("{} has it as [models.{name}].", file.shown()));
        }
        Ok(())
    };
    written().wrap_err_with(|| {
        format!("`{name}` runs, and {} could not be told: until it is, `pi apply` would end it", file.shown())
    })
}

/// What follows once the model answers.
async fn finish(file: &ManifestFile, wish: &Wish, context: &mut Context, args: &Start) -> Result<()> {
    keep(file, wish, Form::from(args.json))?;
    tell(context, wish.name(), args).await
}

/// How the model is reached, on every pod where it runs.
async fn tell(context: &mut Context, name: &ModelName, args: &Start) -> Result<()> {
    let pods = context.manifest.models.get(name).map(|model| model.pods.clone()).unwrap_or_default();
    context.memory = context.store.read()?;
    for pod in pods {
        context.scope = Scope::Only { pods: BTreeSet::from([pod]), models: BTreeSet::new() };
        let endpoint = endpoint(context, name.as_str()).await?;
        let serving = Serving {
            pod: &endpoint.pod,
            spec: &endpoint.spec,
            url: endpoint.address.base_url(),
            model: endpoint.model(context).await,
            tunnel: endpoint.access == Access::Tunnel,
        };
        if args.json {
            ui::data(&ui::json_line(&ui::serving_json(&serving)))?;
        } else {
            ui::data(&ui::serving_text(&serving))?;
        }
    }
    Ok(())
}

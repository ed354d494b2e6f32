//! The model that `pi fit` is about: in pi's catalog, in a directory, or on the hub.

use crate::bounded::{self, CONFIG};
use crate::catalog::models::{self, Recipe};
use crate::cli::context::flags::Global;
use crate::cli::context::{manifest_path, secrets};
use crate::cli::terminal::exit::usage;
use crate::fit::limit::Limit;
use crate::fit::{Shape, config, from_recipe};
use crate::hub::{Here, HubAnswer, Need, NoAnswer, RepoFacts, ask};
use crate::manifest::near;
use crate::model_ref::ModelRef;
use crate::secret::{Secret, Secrets};
use crate::units::Bytes;
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use std::collections::BTreeMap;
use std::path::Path;

/// A model whose numbers are known.
pub(in crate::cli) struct Subject {
    pub(in crate::cli) name: String,
    pub(in crate::cli) recipe: Option<&'static Recipe>,
    pub(in crate::cli) shape: Shape,
    /// Its `config.json`, where it was read.
    config: Option<String>,
}

impl Subject {
    /// The longest context that vLLM starts it with under these arguments, if that is known.
    pub(in crate::cli) fn limit(&self, list: &[String]) -> Option<Limit> {
        match (&self.config, self.recipe) {
            (Some(config), _) => Limit::of_config(config, list),
            (None, Some(recipe)) => Limit::of_tokens(recipe.limit?, list),
            (None, None) => None,
        }
    }
}

/// Finds the model: what pi knows by heart needs no network.
pub(in crate::cli) async fn subject(global: &Global, model: &str) -> Result<Subject> {
    if Path::new(model).join("config.json").is_file() {
        return on_disk(Path::new(model));
    }
    let recipe = models::find(model);
    if let Some((recipe, shape)) = recipe.and_then(|recipe| Some((recipe, from_recipe::shape(recipe)?))) {
        return Ok(Subject { name: recipe.id.clone(), recipe: Some(recipe), shape, config: None });
    }
    let reference = ModelRef::parse(model).map_err(|_| unknown(model))?;
    let ModelRef::Hub { file: None, .. } = &reference else { return Err(unknown(model)) };
    let facts = ask_hub(global, &reference).await.map_err(|why| not_told(model, &why))?;
    let shape = facts.shape().map_err(|why| miette!("{model}: {why}"))?;
    let config = facts.config.as_ref().map(ToString::to_string);
    Ok(Subject { name: model.to_owned(), recipe, shape, config })
}

async fn ask_hub(global: &Global, model: &ModelRef) -> Result<RepoFacts, NoAnswer> {
    let failed = |report: miette::Report| NoAnswer::Failed(report.to_string());
    let here = Here::read(&known_secrets(global), &manifest_path::config_dir().map_err(failed)?);
    let answers = ask(&here, &BTreeMap::from([(model.clone(), Need::Pressing)])).await;
    match answers.of(model) {
        Some(HubAnswer::Known(facts)) => Ok(facts.clone()),
        Some(HubAnswer::Unknown(why)) => Err(why.clone()),
        None => Err(NoAnswer::NotFound),
    }
}

/// The secrets of the manifest, if there is one here; else the hub's own variable.
fn known_secrets(global: &Global) -> Secrets {
    let of_manifest = manifest_path::load_manifest(global.manifest.as_deref())
        .and_then(|manifest| secrets::read(&manifest));
    of_manifest.unwrap_or_else(|_| {
        let token = std::env::var("HF_TOKEN").ok().filter(|token| !token.is_empty());
        token.and_then(|token| Some(("hf_token".parse().ok()?, Secret::new(token)))).into_iter().collect()
    })
}

fn unknown(model: &str) -> miette::Report {
    let known = models::all().iter().map(|recipe| recipe.id.as_str());
    let nearest = near(model, known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    let help =
        format!("{nearest}A directory with the model's config.json and safetensors files will do as well");
    usage(format!("pi has no numbers of `{model}`"), help)
}

fn not_told(model: &str, why: &NoAnswer) -> miette::Report {
    let (message, help) = match why {
        NoAnswer::NotFound => return unknown(model),
        NoAnswer::NeedsToken => ("it is gated, and no token was sent".to_owned(), "export HF_TOKEN=hf_…"),
        NoAnswer::NoAccess => {
            ("it is gated, and this token has no access".to_owned(), "ask for access on its page")
        }
        NoAnswer::BadToken => {
            ("the hub refuses the token".to_owned(), "see `hf_token` in [secrets], or HF_TOKEN")
        }
        NoAnswer::NoSuchRevision => ("it has no such revision".to_owned(), "name another one, or none"),
        NoAnswer::Offline(why) | NoAnswer::Unreached(why) => (
            format!("pi does not know it by heart, and the hub was not asked: {why}"),
            "give a directory with its config.json and safetensors files instead",
        ),
        NoAnswer::Failed(why) => {
            (format!("the hub could not be asked: {why}"), "try again, or see HF_ENDPOINT")
        }
    };
    miette!(help = help, "{model}: {message}")
}

/// A model in a directory: its `config.json` and the sizes of its safetensors files.
fn on_disk(directory: &Path) -> Result<Subject> {
    let failed = || format!("cannot read {}", directory.display());
    let text =
        bounded::text(&directory.join("config.json"), CONFIG).into_diagnostic().wrap_err_with(failed)?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory).into_diagnostic().wrap_err_with(failed)? {
        let entry = entry.into_diagnostic().wrap_err_with(failed)?;
        if entry.path().extension().is_some_and(|end| end == "safetensors") {
            // through the link: the hub's cache links to its blobs
            bytes += std::fs::metadata(entry.path()).into_diagnostic().wrap_err_with(failed)?.len();
        }
    }
    if bytes == 0 {
        return Err(usage(
            format!("{} has no safetensors files", directory.display()),
            "pi counts their bytes",
        ));
    }
    let shape =
        config::shape(&text, Bytes(bytes)).map_err(|why| miette!("{}: {why}", directory.display()))?;
    Ok(Subject { name: directory.display().to_string(), recipe: None, shape, config: Some(text) })
}

//! What `pi start` is asked for: a model that `pi.toml` has, or a new one.

use super::args::Start;
use crate::catalog::models;
use crate::cli::context::flags::Global;
use crate::cli::context::which_model::on_pod;
use crate::cli::context::which_pod::which_pod;
use crate::cli::terminal::exit::usage;
use crate::manifest::edit::{NewModel, add_model, set_state};
use crate::manifest::{GpuAsk, Manifest, State, near};
use crate::memory::Memory;
use crate::model_ref::ModelRef;
use crate::name::{ModelName, Port};
use crate::plan::Origin;
use miette::{Report, Result};
use std::collections::BTreeMap;

/// What is to run.
pub(super) enum Wish {
    /// A model of the manifest, as it says.
    Declared(ModelName),
    /// A model to add.
    New(Box<NewModel>),
}

impl Wish {
    /// The model's name.
    pub(super) fn name(&self) -> &ModelName {
        match self {
            Self::Declared(name) => name,
            Self::New(model) => &model.name,
        }
    }

    /// Whether the manifest has it.
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Declared(_) => Origin::Declared,
            Self::New(_) => Origin::New,
        }
    }

    /// A manifest's text with it.
    pub(super) fn written(&self, text: &str) -> Result<String> {
        match self {
            Self::Declared(name) => set_state(text, name, State::Running),
            Self::New(model) => add_model(text, model),
        }
    }
}

/// Reads the command line against the manifest.
pub(super) fn wish(
    global: &Global,
    (manifest, memory): (&Manifest, &Memory),
    text: &str,
    args: &Start,
) -> Result<Wish> {
    if let Some(name) = manifest.models.keys().find(|name| name.as_str() == text) {
        return declared(global, manifest, name, args);
    }
    let model = ModelRef::parse(text).map_err(|_| unknown(manifest, text))?;
    let name = match &args.name {
        Some(name) => ModelName::parse(name).map_err(|bad| {
            usage(bad.to_string(), "a name is made of letters, digits, `-`, `_` and `.`: --name qwen")
        })?,
        None => derived(&model)?,
    };
    if let Some(known) = manifest.models.get(&name) {
        if known.model == model && !says_more(args) {
            return declared(global, manifest, &name, args);
        }
        let message = format!("the name `{name}` is taken: pi.toml serves {} by it", known.model);
        return Err(usage(
            message,
            format!("choose another: --name NAME; or `pi start {name}`, if that one is meant"),
        ));
    }
    if model.is_gguf() && !args.vllm.is_empty() {
        let help = "leave --vllm away, and write `args` into pi.toml";
        return Err(usage("a .gguf file is served by llama.cpp, not by vLLM", help));
    }
    let pods = vec![which_pod(global, manifest, memory)?];
    let port = args.port.and_then(Port::new);
    Ok(Wish::New(Box::new(NewModel {
        name,
        model,
        pods,
        engine: None,
        version: None,
        gpus: args.gpus.clone().unwrap_or(GpuAsk::Any),
        context: args.context,
        memory: args.memory,
        port,
        listen: None,
        args: args.vllm.clone(),
        env: BTreeMap::new(),
    })))
}

fn declared(global: &Global, manifest: &Manifest, name: &ModelName, args: &Start) -> Result<Wish> {
    on_pod(global, manifest, name)?;
    if says_more(args) {
        let line = manifest.lines.models.get(name).copied().unwrap_or_default();
        let help = format!("change it there, pi.toml:{line}, then: pi start {name}");
        return Err(usage(format!("pi.toml says how `{name}` runs"), help));
    }
    Ok(Wish::Declared(name.clone()))
}

/// Whether the command line says more than which model.
fn says_more(args: &Start) -> bool {
    let Start { model, name, gpus, memory, context, port, taking: _, json: _, doing: _, vllm } = args;
    let is_a_name = model.as_ref().is_some_and(|model| !model.contains('/'));
    is_a_name && name.is_some() && name != model
        || gpus.is_some()
        || memory.is_some()
        || context.is_some()
        || port.is_some()
        || !vllm.is_empty()
}

fn unknown(manifest: &Manifest, text: &str) -> Report {
    let declared = manifest.models.keys().map(ModelName::as_str);
    let known: Vec<&str> = models::all().iter().map(|recipe| recipe.id.as_str()).collect();
    let last = |id: &'static str| id.rsplit_once('/').map_or(id, |(_, last)| last);
    let short = known.iter().copied().map(last);
    let by_name = near(text, declared).map(str::to_owned);
    let by_recipe = || {
        let short = near(text, short)?;
        known.iter().find(|id| last(id) == short).map(|id| (*id).to_owned())
    };
    let help = match by_name.or_else(by_recipe) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "name a repository as `owner/name`, a path on the pod as `/…`, or a model of pi.toml".to_owned()
        }
    };
    usage(format!("`{}` is neither a model of pi.toml nor a repository", text.escape_default()), help)
}

/// A name from the last part of what is served: `qwen2.5-coder-32b-instruct`.
fn derived(model: &ModelRef) -> Result<ModelName> {
    let text = match model {
        ModelRef::Hub { repo, .. } => repo.as_str().to_owned(),
        ModelRef::Path(path) => path.as_str().trim_end_matches(".gguf").to_owned(),
    };
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_lowercase();
    let ok = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let name: String = last.chars().map(ok).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let name: String = name.chars().take(63).collect();
    ModelName::parse(&name)
        .map_err(|_| usage(format!("no name can be made from `{model}`"), "give one: --name NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_last_part() {
        let long = format!("o/{}", "x".repeat(90));
        let table = [
            ("Qwen/Qwen2.5-Coder-32B-Instruct", "qwen2.5-coder-32b-instruct"),
            ("o/name@main", "name"),
            ("bartowski/SmolLM2-GGUF:SmolLM2-Q4_K_M.gguf", "smollm2-gguf"),
            ("/mnt/hf/Tiny Model.gguf", "tiny-model"),
            ("/mnt/hf/mine/", "mine"),
            (long.as_str(), &long[2..65]),
        ];
        for (text, expected) in table {
            assert_eq!(derived(&ModelRef::parse(text).unwrap()).unwrap().as_str(), expected, "{text}");
        }
        assert!(derived(&ModelRef::parse("/mnt/…").unwrap()).is_err());
    }
}

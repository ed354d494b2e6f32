//! Engines: builds of one's own, and what a model asks for.

use crate::manifest::raw::{EngineTable, ModelTable};
use crate::manifest::suggest::meant;
use crate::manifest::types::{EngineBuild, EngineChoice, EngineKind};
use crate::manifest::value::Named;
use crate::model_ref::ModelRef;
use crate::name::{EngineName, ModelName};
use crate::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};
use toml::Spanned;

const BUILT_IN: [EngineKind; 3] = [EngineKind::Vllm, EngineKind::LlamaCpp, EngineKind::Command];

/// The builds of `[engines]`.
pub(super) struct Builds {
    good: BTreeMap<EngineName, (EngineKind, EngineBuild)>,
    /// Declared, but not usable: told already.
    refused: BTreeSet<String>,
}

/// Checks `[engines]`.
pub(super) fn builds(engines: &Named<EngineName, EngineTable>, problems: &mut Vec<Problem>) -> Builds {
    let mut builds = Builds { good: BTreeMap::new(), refused: engines.refused.clone() };
    for (name, table) in &engines.entries {
        match build(name, table, problems) {
            Some(build) => drop(builds.good.insert(name.clone(), build)),
            None => drop(builds.refused.insert(name.to_string())),
        }
    }
    builds
}

fn build(
    name: &EngineName,
    table: &Spanned<EngineTable>,
    problems: &mut Vec<Problem>,
) -> Option<(EngineKind, EngineBuild)> {
    let raw = table.get_ref();
    let mut wrong = |message: String, label: &str, help: &str| {
        problems.push(Problem::new(message, table.span(), label).help(help));
    };
    let shadows = BUILT_IN.into_iter().any(|kind| kind.as_str() == name.as_str());
    if shadows {
        wrong(
            format!("`{name}` is pi's own engine"),
            "taken",
            "give your build another name, such as `vllm-lab`",
        );
    }
    if raw.kind.is_absent() {
        let help = r#"add kind = "vllm", "llama.cpp" or "command""#;
        wrong(format!("engine `{name}` does not say what it behaves like"), "has no `kind`", help);
    }
    if raw.packages.is_absent() || raw.packages.value().is_some_and(Vec::is_empty) {
        let help = r#"add packages = ["vllm==0.32.0"], as uv takes them"#;
        wrong(format!("engine `{name}` installs nothing"), "has no `packages`", help);
    }
    let list = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();
    let build = EngineBuild {
        packages: raw.packages.value().filter(|packages| !packages.is_empty())?.clone(),
        overrides: list(raw.overrides.value()),
        index: list(raw.index.value()),
        find_links: list(raw.find_links.value()),
        python: raw.python.value().map(|python| python.0.clone()),
    };
    Some((raw.kind.value()?.0, build)).filter(|_| !shadows)
}

/// A model's own `version` next to an engine that has none: it would be ignored.
pub(super) fn pinned(models: &Named<ModelName, ModelTable>, problems: &mut Vec<Problem>) {
    for table in models.entries.values().map(Spanned::get_ref) {
        let (Some(engine), Some(version)) = (table.engine.given(), table.version.given()) else { continue };
        let help = match engine.get_ref().as_str() {
            "vllm" | "llama.cpp" => continue,
            "command" => "pi does not install what `command` runs: leave `version` out".to_owned(),
            name => format!("[engines.{name}] pins its version by `packages`: leave `version` out"),
        };
        let message = format!("engine `{}` takes no version", engine.get_ref());
        problems.push(Problem::new(message, version.span(), "would be ignored").help(help));
    }
}

/// The engine that `raw` asks for, or the default for its weights.
pub(super) fn choice(raw: &ModelTable, builds: &Builds, problems: &mut Vec<Problem>) -> Option<EngineChoice> {
    let version = raw.version.value().cloned();
    let built_in = |kind: EngineKind, version| {
        let name = EngineName::parse(kind.as_str()).ok()?;
        Some(EngineChoice { name, kind, version, build: None })
    };
    let Some(engine) = raw.engine.given() else {
        let gguf = raw.model.value().is_some_and(ModelRef::is_gguf);
        let kind = if gguf { EngineKind::LlamaCpp } else { EngineKind::Vllm };
        return built_in(kind, version).filter(|_| raw.engine.is_absent());
    };
    let name = engine.get_ref();
    if let Some(kind) = BUILT_IN.into_iter().find(|kind| kind.as_str() == name.as_str()) {
        return built_in(kind, version);
    }
    if let Some((kind, build)) = builds.good.get(name) {
        return Some(EngineChoice { name: name.clone(), kind: *kind, version, build: Some(build.clone()) });
    }
    if !builds.refused.contains(name.as_str()) {
        let known: Vec<_> = BUILT_IN
            .map(EngineKind::as_str)
            .into_iter()
            .chain(builds.good.keys().map(EngineName::as_str))
            .collect();
        let help = meant(name.as_str(), "engines", known.iter().copied());
        let message = format!("there is no engine `{name}`");
        problems.push(Problem::new(message, engine.span(), format!("no [engines.{name}]")).help(help));
    }
    None
}

/// Whether engine, weights and command line go together.
pub(super) fn fits(raw: &ModelTable, kind: EngineKind, problems: &mut Vec<Problem>) {
    let before = problems.len();
    command(raw, kind, problems);
    let Some(model) = raw.model.given() else { return };
    let hub_file = match model.get_ref() {
        ModelRef::Hub { file, .. } => Some(file.is_some()),
        ModelRef::Path(_) => None,
    };
    let gguf = model.get_ref().is_gguf();
    let (message, label, help) = match kind {
        EngineKind::Vllm if gguf => (
            "vLLM does not load a .gguf file",
            "one .gguf file",
            "leave `engine` out: llama.cpp is the default for .gguf; or name the repository with the safetensors",
        ),
        EngineKind::Vllm if hub_file == Some(true) => {
            ("vLLM loads whole repositories", "one file of a repository", "leave `:FILE` away")
        }
        EngineKind::LlamaCpp if hub_file.is_some() && !gguf => (
            "llama.cpp loads one .gguf file",
            "no .gguf file",
            r#"name a file of the repository: "owner/name:file.gguf""#,
        ),
        EngineKind::Vllm | EngineKind::LlamaCpp | EngineKind::Command => return,
    };
    if problems.len() == before {
        let problem = Problem::new(message, model.span(), label).help(help);
        let engine = raw.engine.given().map(Spanned::span);
        problems.push(engine.into_iter().fold(problem, |p, at| p.also(at, "the engine")));
    }
}

/// `command` belongs to engines of kind `command`, and they to it.
fn command(raw: &ModelTable, kind: EngineKind, problems: &mut Vec<Problem>) {
    match (kind, raw.command.given()) {
        (EngineKind::Command, Some(words)) => {
            if words.get_ref().first().is_none_or(|program| program.trim().is_empty()) {
                problems.push(Problem::new("the command is empty", words.span(), "nothing to run"));
            }
        }
        (EngineKind::Command, None) => {
            if let (true, Some(engine)) = (raw.command.is_absent(), raw.engine.given()) {
                let help = r#"add command = ["python3", "server.py", "--port", "{port}"]"#;
                let problem = Problem::new("there is no `command` to run", engine.span(), "runs `command`");
                problems.push(problem.help(help));
            }
        }
        (EngineKind::Vllm | EngineKind::LlamaCpp, Some(words)) => {
            let help = r#"add engine = "command", or use `args` to add to the engine's own command line"#;
            let message =
                format!("`command` is not for {}, which has a command line of its own", kind.as_str());
            problems.push(Problem::new(message, words.span(), "would be ignored").help(help));
        }
        (EngineKind::Vllm | EngineKind::LlamaCpp, None) => {}
    }
}

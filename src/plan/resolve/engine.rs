//! Which environment a model's engine needs on a pod.

use crate::catalog::Version;
use crate::catalog::engines::{self, Size};
use crate::catalog::wheel::{Machine, Wheel, wheel};
use crate::manifest::{EngineBuild, EngineChoice, EngineKind, EngineVersion, GpuAsk, Pod};
use crate::name::{BadName, EngineId, EngineName};
use crate::observe::{GpuSight, PodFacts};
use crate::plan::model::code::Code;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::pod_context::PodContext;
use crate::plan::usage::whose;
use crate::spec::{EngineRecipe, short_digest};
use crate::units::Bytes;

/// Python for engine environments: vLLM has wheels for it, and all its dependencies do.
const PYTHON: &str = "3.12";
/// Those that do as well, where nothing narrower is known.
const PYTHONS: &str = "<3.15,>=3.10";

/// What runs a server.
pub(in crate::plan) enum Engine {
    /// A program of the pod's own.
    Own,
    /// An environment that pi installs.
    Environment(EngineRecipe),
}

/// How large an engine is on a pod that has nothing of it: known of vLLM's own wheels for GPUs.
#[must_use]
pub fn size(recipe: &EngineRecipe) -> Option<Size> {
    let [package] = recipe.packages.as_slice() else { return None };
    let is_own = recipe.find_links.is_empty() && recipe.overrides.is_empty();
    let version = package.strip_prefix("vllm==").filter(|_| is_own)?;
    match (version.split_once('+'), recipe.index.as_slice()) {
        (None, []) => engines::size(&Version::parse(version)?),
        (Some((_, "cu129")), [_]) => engines::cuda_12_size(),
        (_, _) => None,
    }
}

/// Bytes on the disk that it takes to build an engine. What one of the same kind has brought is used again, as far as it
/// is the same: then nobody can tell.
pub(in crate::plan) fn to_build(facts: &PodFacts, recipe: &EngineRecipe) -> Option<Bytes> {
    let kin = |(id, _): (&EngineId, _)| id.as_str().starts_with(recipe.kind.as_str());
    size(recipe).filter(|_| !facts.engines.iter().any(kin)).map(|size| size.disk)
}

/// Why an engine can't be built where its environment would be: the disk has too little room.
pub(in crate::plan) fn no_room(site: &PodContext<'_>, recipe: &EngineRecipe) -> Option<Finding> {
    let facts = site.facts;
    let needed = to_build(facts, recipe)?;
    let disk = facts.disks.seen()?.iter().find(|disk| disk.path == facts.pi_path)?;
    if disk.free >= needed {
        return None;
    }
    let (id, path, free) = (&recipe.id, &facts.pi_path, disk.free);
    let message = format!("{id} takes about {needed} on the disk, {path} has {free} left");
    let finding = Finding::on(Severity::Error, Code::NoSpace, site.name, message);
    Some(finding.help("make room there, or let `pi_path` name a larger disk"))
}

/// Why there is no engine for a model on this pod, and what to do.
pub(in crate::plan) struct NoEngine {
    pub(in crate::plan) code: Code,
    pub(in crate::plan) message: String,
    pub(in crate::plan) help: String,
}

/// The engine for a model's choice, on a pod as it is.
pub(in crate::plan) fn engine(
    site: &PodContext<'_>,
    choice: &EngineChoice,
    gpus: &GpuAsk,
) -> Result<Engine, NoEngine> {
    let facts = site.facts;
    if let Some(build) = &choice.build {
        return own_build(choice, build).map(Engine::Environment);
    }
    match choice.kind {
        EngineKind::Command => Ok(Engine::Own),
        EngineKind::LlamaCpp => llama_cpp(choice, facts),
        EngineKind::Vllm => {
            vllm(choice, wanted_version(site.pod, choice), gpus, facts).map(Engine::Environment)
        }
    }
}

/// The version that a model wants: its own, else the pod's, else the tested one.
pub(in crate::plan) fn wanted_version<'a>(pod: &'a Pod, choice: &'a EngineChoice) -> &'a EngineVersion {
    choice.version.as_ref().or(pod.vllm.as_ref()).unwrap_or(&RELEASE)
}

const RELEASE: EngineVersion = EngineVersion::Release;

/// The vLLM that stays installed on a pod, if the manifest wants one.
pub(in crate::plan) fn kept(site: &PodContext<'_>) -> Result<Option<EngineRecipe>, Finding> {
    let Some(version) = &site.pod.vllm else { return Ok(None) };
    let refuse =
        |NoEngine { code, message, help }| Finding::on(Severity::Error, code, site.name, message).help(help);
    if matches!(site.facts.gpus, GpuSight::Broken { .. }) {
        let message = "which wheel of vLLM it takes is not known: nvidia-smi fails".to_owned();
        let help = "repair the driver, or take `vllm` out of the pod";
        return Err(Finding::on(Severity::Error, Code::GpuBroken, site.name, message).help(help));
    }
    let bad_name =
        |bad: BadName| NoEngine { code: Code::BadVersion, message: bad.to_string(), help: String::new() };
    let name = EngineName::parse(EngineKind::Vllm.as_str()).map_err(bad_name).map_err(refuse)?;
    let choice = EngineChoice { name, kind: EngineKind::Vllm, version: None, build: None };
    let recipe = vllm(&choice, version, &GpuAsk::Any, site.facts).map_err(refuse)?;
    whose::engine_in_use(site, &recipe).map_or(Ok(Some(recipe)), Err)
}

fn llama_cpp(choice: &EngineChoice, facts: &PodFacts) -> Result<Engine, NoEngine> {
    let version = match choice.version.as_ref().unwrap_or(&RELEASE) {
        EngineVersion::Release => match facts.programs.seen().map(|there| there.contains_key("llama-server"))
        {
            Some(true) => return Ok(Engine::Own),
            Some(false) => engines::llama_cpp_release(),
            None => {
                return Err(NoEngine {
                    code: Code::NotLookedAt,
                    message: "whether the pod has a llama-server could not be looked at".to_owned(),
                    help: "try again, or name a `version`".to_owned(),
                });
            }
        },
        EngineVersion::Exact(version) => version,
        EngineVersion::Nightly => {
            return Err(NoEngine {
                code: Code::NoNightly,
                message: "llama.cpp has no nightly wheel".to_owned(),
                help: "leave `version` out, or name an exact version of xllamacpp".to_owned(),
            });
        }
    };
    let mut recipe = recipe(choice, version)?;
    recipe.packages = vec![format!("xllamacpp=={version}")];
    Ok(Engine::Environment(recipe))
}

/// The wheel follows the driver; on a machine without a GPU, and for a server that wants none, it is the CPU's.
fn vllm(
    choice: &EngineChoice,
    version: &EngineVersion,
    gpus: &GpuAsk,
    facts: &PodFacts,
) -> Result<EngineRecipe, NoEngine> {
    let machine = match &facts.gpus {
        _ if *gpus == GpuAsk::Cpu => Machine::Cpu,
        // a broken driver is told of before
        GpuSight::None | GpuSight::Broken { .. } => Machine::Cpu,
        GpuSight::Found { driver, .. } => Machine::Nvidia(driver),
    };
    let Wheel { requirement, index, torch_backend, name } =
        wheel(version, machine).map_err(|old| NoEngine {
            code: Code::DriverTooOld,
            message: old.to_string(),
            help: "rent a pod with a newer driver, or update this one to 580 or newer".to_owned(),
        })?;
    let mut recipe = recipe(choice, &name)?;
    recipe.packages = vec![requirement];
    if let Some(facts) = engines::wheel_facts(&engines::resolve(version)) {
        recipe.pythons.clone_from(&facts.python);
    }
    recipe.index = index.into_iter().collect();
    recipe.torch_backend = torch_backend.map(str::to_owned);
    Ok(recipe)
}

fn own_build(choice: &EngineChoice, build: &EngineBuild) -> Result<EngineRecipe, NoEngine> {
    let EngineBuild { packages, overrides, index, find_links, python } = build;
    let digest = short_digest(&format!("{packages:?} {overrides:?} {index:?} {find_links:?} {python:?}"));
    let mut recipe = recipe(choice, &digest[..6])?;
    recipe.packages.clone_from(packages);
    recipe.overrides.clone_from(overrides);
    recipe.index.clone_from(index);
    recipe.find_links.clone_from(find_links);
    if let Some(python) = python {
        recipe.python.clone_from(python);
        recipe.pythons.clear();
    }
    Ok(recipe)
}

fn recipe(choice: &EngineChoice, version: &str) -> Result<EngineRecipe, NoEngine> {
    let id = format!("{}-{version}", choice.name);
    let id = EngineId::parse(&id).map_err(|bad| NoEngine {
        code: Code::BadVersion,
        message: bad.to_string(),
        help: "write a version as `0.32.0`".to_owned(),
    })?;
    Ok(EngineRecipe {
        id,
        kind: choice.kind,
        python: PYTHON.to_owned(),
        pythons: PYTHONS.to_owned(),
        packages: Vec::new(),
        overrides: Vec::new(),
        index: Vec::new(),
        find_links: Vec::new(),
        torch_backend: None,
    })
}

//! What stands against starting a server as it is asked for, or is worth knowing before.

use crate::catalog::args::{self, Conflict};
use crate::catalog::flags;
use crate::catalog::recipe::{NoChoice, SIZES};
use crate::catalog::version::Version;
use crate::fit::Chosen;
use crate::fit::limit::{self, LIFTED_BY, is_lifted};
use crate::manifest::{EngineKind, EngineVersion, Model};
use crate::model_ref::ModelRef;
use crate::plan::findings::fits;
use crate::plan::model::code::Code;
use crate::plan::model::command_line;
use crate::plan::model::finding::{Finding, Severity};
use crate::plan::model::inputs::Inputs;
use crate::plan::model::launch;
use crate::plan::model::pod_context::PodContext;
use crate::plan::resolve::engine::wanted_version;
use crate::plan::resolve::estimate::Estimate;
use crate::plan::resolve::launch_choice::LaunchChoice;
use crate::plan::resolve::wanted::AtPlace;
use crate::plan::usage::shape;
use crate::spec::ServerSpec;
use crate::units::Seconds;
use std::collections::BTreeSet;

/// Flags that pi gives itself, and the key of pi.toml that is meant.
const OWN_FLAGS: [(&str, &str); 7] = [
    ("--port", "`port`"),
    ("--host", "`listen`"),
    ("--served-model-name", "the table's name, [models.NAME]"),
    ("--alias", "the table's name, [models.NAME]"),
    ("--uds", "`port`"),
    (command_line::SHUTDOWN_TIMEOUT, "`drain`"),
    ("--api-key", "`api_key` of [secrets]"),
];

/// Everything that is to be said before this server is started.
pub(in crate::plan) fn start_findings(
    inputs: &Inputs<'_>,
    site: &PodContext<'_>,
    model: &Model,
    at: &AtPlace,
    estimate: Option<&Estimate>,
) -> Vec<Finding> {
    let AtPlace { spec, choice } = at;
    let found = too_long(inputs, site, spec)
        .into_iter()
        .chain(own_flags(model))
        .chain(spread(model, spec))
        .chain(twice_said(model));
    let mut found: Vec<Told> =
        found.chain(unknown_flags(site, model, choice)).chain(ends_at_once(spec, choice)).collect();
    match &choice.chosen {
        None => {}
        Some(Err(why)) => found.push(no_choice(why)),
        Some(Ok(chosen)) => found.extend(against_the_recipe(model, spec, chosen)),
    }
    let finding = |Told { severity, code, message, help }: Told| {
        let finding = Finding::on(severity, code, site.name, message).of(&spec.name);
        if help.is_empty() { finding } else { finding.help(help) }
    };
    // where it would not start at all, how it fits does not matter
    let (refused, told): (Vec<_>, Vec<_>) = found.into_iter().partition(|it| it.severity == Severity::Error);
    let fits = fits::findings(inputs, site, model, (at, estimate));
    refused.into_iter().map(finding).chain(fits).chain(told.into_iter().map(finding)).collect()
}

struct Told {
    severity: Severity,
    code: Code,
    message: String,
    help: String,
}

fn warning(code: Code, message: String, help: impl Into<String>) -> Told {
    Told { severity: Severity::Warning, code, message, help: help.into() }
}

/// A context beyond the model's own limit, unless the environment lifts that.
fn too_long(inputs: &Inputs<'_>, site: &PodContext<'_>, spec: &ServerSpec) -> Option<Told> {
    let lifted = spec.env.iter().any(|(name, value)| name.as_str() == LIFTED_BY && is_lifted(value));
    if spec.kind != EngineKind::Vllm || lifted {
        return None;
    }
    let list = command_line::engine_args(spec);
    let context = limit::asked(&list)?;
    let limit = shape::limit(inputs, site, (&spec.model, spec.commit.as_deref()), &list)?;
    let model = match &spec.model {
        ModelRef::Hub { repo, .. } => repo.as_str(),
        ModelRef::Path(_) => "",
    };
    limit.refuses(context).then(|| Told {
        severity: Severity::Error,
        code: Code::ContextTooLong,
        message: limit::refusal(&limit, context),
        help: limit::remedy(model, &limit, context),
    })
}

/// Arguments that would make a server that pi does not find, or that others find without the key.
fn own_flags(model: &Model) -> Vec<Told> {
    if model.engine.kind == EngineKind::Command {
        return Vec::new();
    }
    let given: BTreeSet<String> = args::split(&model.args).into_iter().map(|arg| arg.flag).collect();
    let found = OWN_FLAGS.into_iter().filter(|(flag, _)| given.contains(*flag));
    let told = |(flag, key): (&str, &str)| {
        let message = format!("{flag} in its args is pi's to give");
        let severity = if flag == "--api-key" { Severity::Warning } else { Severity::Error };
        Told { severity, code: Code::OwnFlag, message, help: format!("take it out; {key} says it") }
    };
    found.map(told).collect()
}

/// Sizes in its arguments that do not come to its GPUs.
fn spread(model: &Model, spec: &ServerSpec) -> Option<Told> {
    if spec.kind != EngineKind::Vllm || spec.gpus.is_empty() {
        return None;
    }
    if SIZES.iter().all(|flag| args::value(&model.args, flag).is_none()) {
        return None;
    }
    let (used, has) = (launch::parallel(spec).gpus() as usize, spec.gpus.len());
    (used != has).then(|| {
        let message = format!("its args spread it over {used} GPUs, and it has {has}");
        warning(Code::ArgsAgainstGpus, message, format!("write `gpus = {used}`, or leave those args out"))
    })
}

/// A version that can't finish what it is answering when it is stopped.
fn ends_at_once(spec: &ServerSpec, choice: &LaunchChoice) -> Option<Told> {
    if spec.kind != EngineKind::Vllm || spec.can_drain || spec.drain == Seconds(0) {
        return None;
    }
    let version = choice.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    Some(Told {
        severity: Severity::Note,
        code: Code::NoDrain,
        message: format!("vLLM{version} cuts off the requests that it is answering when it is stopped"),
        help: "vLLM 0.18.0 and later finish them first, for as long as `drain` allows".to_owned(),
    })
}

/// What both a key and an argument say; the argument stands last on the command line and counts.
fn twice_said(model: &Model) -> Vec<Told> {
    let Model { context, memory, engine, args: list, .. } = model;
    let keys = [
        ("--max-model-len", "context", context.map(|context| context.0.to_string())),
        ("--gpu-memory-utilization", "memory", memory.map(|memory| memory.fraction().to_string())),
    ];
    let vllm = engine.kind == EngineKind::Vllm;
    let twice = keys.into_iter().filter_map(|(flag, key, said)| {
        let (said, value) = (said.filter(|_| vllm)?, args::value(list, flag)?);
        (value != said).then(|| {
            let message = format!("{flag} in its args wins over `{key}`");
            warning(Code::SaidTwice, message, format!("leave one of them out: `{key}` says it for pi too"))
        })
    });
    twice.collect()
}

/// Flags with which this version would refuse to start. What a nightly, a candidate or a build of one's own knows can't
/// be told.
fn unknown_flags(site: &PodContext<'_>, model: &Model, choice: &LaunchChoice) -> Option<Told> {
    let engine = &model.engine;
    if engine.kind != EngineKind::Vllm || engine.build.is_some() {
        return None;
    }
    let is_release = |text: &str| {
        let public = text.split('+').next().unwrap_or_default().replace(".post", ".");
        public.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    match wanted_version(site.pod, engine) {
        EngineVersion::Nightly => return None,
        EngineVersion::Exact(text) if !is_release(text) => return None,
        EngineVersion::Exact(_) | EngineVersion::Release => {}
    }
    let version = choice.version.as_ref()?;
    let unknown = args::unknown(&model.args, version);
    let help: Vec<String> = unknown.iter().map(|flag| instead_of(flag, version)).collect();
    (!unknown.is_empty()).then(|| Told {
        severity: Severity::Error,
        code: Code::UnknownFlag,
        message: format!("vLLM {version} does not know {}, and would not start", unknown.join(", ")),
        help: help.join("; "),
    })
}

/// What to write instead of a flag that a version does not know.
fn instead_of(flag: &str, version: &Version) -> String {
    match (flags::lifetime(flag), flags::nearest(version, flag)) {
        (Some((_, Some(gone))), _) if gone <= version => {
            format!("{flag} went with {gone}: take it out of `args`")
        }
        (Some((first, _)), _) => {
            format!("{flag} came with {first}: take it out of `args`, or name that `version`")
        }
        (None, Some(near)) => format!("did you mean {near}?"),
        (None, None) => format!("take {flag} out of `args`"),
    }
}

fn no_choice(why: &NoChoice) -> Told {
    let (code, help) = match why {
        NoChoice::EngineTooOld { .. } => (Code::EngineTooOld, "leave `version` out, or name a newer one"),
        NoChoice::NoCode { .. } => (Code::NoCodeForGpu, "take a .gguf file, or a pod with newer GPUs"),
        NoChoice::TooFewGpus { .. } => (Code::TooFewGpus, "ask for fewer with `gpus`"),
        NoChoice::Indivisible { .. } => (Code::Indivisible, "ask for another number with `gpus`"),
    };
    warning(code, why.to_string(), help)
}

/// Where the user's arguments say something else than the recipe, and what the recipe has to say besides.
fn against_the_recipe(model: &Model, spec: &ServerSpec, chosen: &Chosen) -> Vec<Told> {
    let Chosen { choice, setup, .. } = chosen;
    let (_, conflicts) = args::merge(&choice.beside(&model.args), &model.args);
    let mut found: Vec<Told> = conflicts
        .into_iter()
        .map(|Conflict { flag: _, recipe, user }| {
            let message = format!("its args say {user}, the catalog {recipe}");
            warning(Code::ArgsAgainstRecipe, message, "its args win; leave them out to take the catalog's")
        })
        .collect();
    let otherwise =
        choice.env.iter().filter(|(name, value)| model.env.get(*name).is_some_and(|it| it != *value));
    found.extend(otherwise.map(|(name, value)| {
        let message = format!("its env sets {name} otherwise than the catalog, which says {value}");
        warning(Code::EnvAgainstRecipe, message, "its env wins; leave it out to take the catalog's")
    }));
    let heads = launch::recipe(spec).and_then(|recipe| recipe.heads);
    let tp = setup.parallel.tp;
    if let Some(heads) = heads.filter(|heads| !heads.is_multiple_of(tp)) {
        let message = format!("its {heads} attention heads can't be cut into {tp} pieces: vLLM refuses");
        found.push(warning(Code::Indivisible, message, "take a --tensor-parallel-size that divides them"));
    }
    let note = |message: &String| Told {
        severity: Severity::Note,
        code: Code::Recipe,
        message: message.clone(),
        help: String::new(),
    };
    found.extend(choice.warnings.iter().map(note));
    found
}

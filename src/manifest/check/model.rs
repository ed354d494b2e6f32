//! Models: what every one needs, and defaults.

use super::declared::Declared;
use super::{engine, place};
use crate::manifest::raw::ModelTable;
use crate::manifest::types::{DEFAULT_DRAIN, GpuAsk, Model, Protect, State};
use crate::manifest::value::Named;
use crate::name::ModelName;
use crate::problem::Problem;
use crate::units::Seconds;
use std::collections::BTreeMap;
use toml::Spanned;

/// Every model that can be built.
pub(super) fn all(
    models: &Named<ModelName, ModelTable>,
    declared: &Declared,
    problems: &mut Vec<Problem>,
) -> BTreeMap<ModelName, Model> {
    place::somewhere(models, declared, problems);
    let build = |(name, table): (&ModelName, &Spanned<ModelTable>)| {
        Some((name.clone(), build(name, table, declared, problems)?))
    };
    models.entries.iter().filter_map(build).collect()
}

fn build(
    name: &ModelName,
    table: &Spanned<ModelTable>,
    declared: &Declared,
    problems: &mut Vec<Problem>,
) -> Option<Model> {
    let raw = table.get_ref();
    if raw.model.is_absent() {
        let help = r#"add model = "owner/name", as on huggingface.co"#;
        let message = format!("model `{name}` does not name its weights");
        problems.push(Problem::new(message, table.span(), "has no `model`").help(help));
    }
    let engine = engine::choice(raw, declared.builds, problems);
    if let Some(engine) = &engine {
        engine::fits(raw, engine.kind, problems);
    }
    let pods = place::pods(name, table, declared, problems);
    Some(Model {
        model: raw.model.value()?.clone(),
        pods: pods?,
        engine: engine?,
        gpus: raw.gpus.value().cloned().unwrap_or(GpuAsk::Any),
        context: raw.context.value().copied(),
        memory: raw.memory.value().copied(),
        port: raw.port.value().copied(),
        listen: raw.listen.value().copied(),
        state: raw.state.value().copied().unwrap_or(State::Running),
        args: raw.args.value().into_iter().flatten().map(|arg| arg.0.clone()).collect(),
        env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
        protect: raw.protect.value().map_or(Protect::No, |protect| protect.0),
        ready_stall: raw.ready_stall.value().copied().unwrap_or(READY_STALL),
        log_limit: raw.log_limit.value().copied(),
        drain: raw.drain.value().map_or(DEFAULT_DRAIN, |drain| drain.0),
        restart: raw.restart.value().copied().unwrap_or_default(),
        command: raw.command.value().cloned().unwrap_or_default(),
    })
}

/// Ten minutes without a line of progress: the longest silent step of a start is the compilation of kernels, which
/// takes minutes on a busy machine.
const READY_STALL: Seconds = Seconds(600);

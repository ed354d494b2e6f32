//! Models: what every one needs, and defaults.

use super::{engine, place};
use crate::manifest::raw::{ModelTable, PodTable};
use crate::manifest::types::{DEFAULT_DRAIN, GpuAsk, Model, Protect, State};
use crate::manifest::value::Named;
use crate::name::{ModelName, PodName};
use crate::problem::Problem;
use crate::units::Seconds;
use std::collections::BTreeMap;
use toml::Spanned;

/// What models refer to.
pub(super) struct World<'a> {
    /// The pods, also those that cannot be built.
    pub(super) pods: &'a Named<PodName, PodTable>,
    /// Whether `[pods]` could be read at all.
    pub(super) pods_readable: bool,
    /// The builds of `[engines]`.
    pub(super) builds: &'a engine::Builds,
}

/// Every model that can be built.
pub(super) fn all(
    models: &Named<ModelName, ModelTable>,
    world: &World,
    problems: &mut Vec<Problem>,
) -> BTreeMap<ModelName, Model> {
    place::somewhere(models, world, problems);
    let build = |(name, table): (&ModelName, &Spanned<ModelTable>)| {
        Some((name.clone(), build(name, table, world, problems)?))
    };
    models.entries.iter().filter_map(build).collect()
}

fn build(
    name: &ModelName,
    table: &Spanned<ModelTable>,
    world: &World,
    problems: &mut Vec<Problem>,
) -> Option<Model> {
    let raw = table.get_ref();
    if raw.model.is_absent() {
        let help = r#"add model = "owner/name", as on huggingface.co"#;
        let message = format!("model `{name}` does not name its weights");
        problems.push(Problem::new(message, table.span(), "has no `model`").help(help));
    }
    let engine = engine::choice(raw, world.builds, problems);
    if let Some(engine) = &engine {
        engine::fits(raw, engine.kind, problems);
    }
    let pods = place::pods(name, table, world, problems);
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

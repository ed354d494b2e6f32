//! Changes to a manifest's text that leave everything else as it is: comments, order, layout.
//!
//! In: text and what to change. Out: text. Whether the result is a good manifest, [`super::parse`] tells.

mod block;
mod change;
mod id;
mod remove;

pub use change::change_pod;
pub use id::{id_line, set_id};
pub use remove::{remove_model, remove_pod};

use super::types::{EngineVersion, GpuAsk, State};
use crate::model_ref::ModelRef;
use crate::name::{EngineName, EnvName, ModelName, PodName, PodPath, Port};
use crate::units::{Percent, Tokens};
use miette::miette;
use std::collections::BTreeMap;
use std::net::IpAddr;
use toml_edit::{Array, Document, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// A pod to add; what is absent is left to the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPod {
    /// Its name.
    pub name: PodName,
    /// The ssh line, as it shall be written.
    pub ssh: String,
    /// Where weights live.
    pub models_path: Option<PodPath>,
    /// The mount command, as it shall be written.
    pub mount: Option<String>,
    /// The vLLM that stays installed there, as it shall be written.
    pub vllm: Option<String>,
}

impl NewPod {
    fn keys(&self) -> Vec<(&'static str, Value)> {
        let Self { name: _, ssh, models_path, mount, vllm } = self;
        let mut keys: Vec<(&str, Value)> = vec![("ssh", ssh.as_str().into())];
        keys.extend(models_path.as_ref().map(|path| ("models_path", path.as_str().into())));
        keys.extend(mount.as_ref().map(|mount| ("mount", mount.as_str().into())));
        keys.extend(vllm.as_ref().map(|vllm| ("vllm", vllm.as_str().into())));
        keys
    }
}

/// A model to add; what is absent is left to the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct NewModel {
    /// Its name.
    pub name: ModelName,
    /// Its weights.
    pub model: ModelRef,
    /// Its pods; none where there is only one to choose from.
    pub pods: Vec<PodName>,
    /// What runs it.
    pub engine: Option<EngineName>,
    /// The engine's version.
    pub version: Option<EngineVersion>,
    /// Which GPUs.
    pub gpus: GpuAsk,
    /// Tokens of context.
    pub context: Option<Tokens>,
    /// Share of each GPU's memory.
    pub memory: Option<Percent>,
    /// The port it listens on.
    pub port: Option<Port>,
    /// The address it listens on.
    pub listen: Option<IpAddr>,
    /// Appended to the engine's command line.
    pub args: Vec<String>,
    /// For its server alone.
    pub env: BTreeMap<EnvName, String>,
}

/// Adds a pod behind the last one.
///
/// # Errors
/// The text is not TOML, or has a pod of this name.
pub fn add_pod(text: &str, pod: &NewPod) -> miette::Result<String> {
    add(text, "pods", pod.name.as_str(), pod.keys())
}

/// Adds a model behind the last one.
///
/// # Errors
/// The text is not TOML, or has a model of this name.
pub fn add_model(text: &str, model: &NewModel) -> miette::Result<String> {
    let NewModel { name, model, pods, engine, version, gpus, context, memory, port, listen, args, env } =
        model;
    let mut keys: Vec<(&str, Value)> = vec![("model", model.to_string().into())];
    match pods.as_slice() {
        [] => {}
        [pod] => keys.push(("pod", pod.as_str().into())),
        pods => keys.push(("pod", pods.iter().map(PodName::as_str).collect::<Array>().into())),
    }
    keys.extend(engine.as_ref().map(|engine| ("engine", engine.as_str().into())));
    keys.extend(version.as_ref().map(|version| ("version", version_text(version).into())));
    match gpus {
        GpuAsk::Any => {}
        GpuAsk::Cpu => keys.push(("gpus", 0.into())),
        GpuAsk::Count(count) => keys.push(("gpus", i64::from(*count).into())),
        GpuAsk::Ids(ids) => keys.push(("gpus", ids.iter().copied().map(i64::from).collect::<Array>().into())),
    }
    keys.extend(context.map(|context| ("context", context.to_string().into())));
    keys.extend(memory.map(|memory| ("memory", memory.to_string().into())));
    keys.extend(port.map(|port| ("port", i64::from(port.get()).into())));
    keys.extend(listen.map(|listen| ("listen", listen.to_string().into())));
    if !args.is_empty() {
        keys.push(("args", args.iter().map(String::as_str).collect::<Array>().into()));
    }
    if !env.is_empty() {
        let env: InlineTable = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        keys.push(("env", env.into()));
    }
    add(text, "models", name.as_str(), keys)
}

fn version_text(version: &EngineVersion) -> &str {
    match version {
        EngineVersion::Release => "release",
        EngineVersion::Nightly => "nightly",
        EngineVersion::Exact(version) => version,
    }
}

/// Sets a model's `state`; a model that runs by default is left without the key.
///
/// # Errors
/// The text is not TOML, or has no model of this name.
pub fn set_state(text: &str, name: &ModelName, state: State) -> miette::Result<String> {
    let mut document = document(text)?;
    let inherited =
        document.get("defaults").and_then(|defaults| defaults.get("model")?.get("state")).is_some();
    let model = document.get_mut("models").and_then(|models| models.get_mut(name.as_str()));
    let model = model.and_then(Item::as_table_like_mut).ok_or_else(|| not_there("model", name.as_str()))?;
    let value = match state {
        State::Running => "running",
        State::Stopped => "stopped",
    };
    if model.contains_key("state") || state == State::Stopped || inherited {
        put(model, "state", value.into());
    }
    Ok(document.to_string())
}

/// Sets a key; the comment behind it stays.
fn put(table: &mut dyn TableLike, key: &str, value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => drop(table.insert(key, toml_edit::value(value))),
    }
}

fn document(text: &str) -> miette::Result<DocumentMut> {
    text.parse().map_err(|error| unreadable(&error))
}

fn unreadable(error: &toml_edit::TomlError) -> miette::Report {
    miette!(help = "`pi check` shows what is wrong with it", "the manifest is not TOML: {}", error.message())
}

fn not_there(what: &str, name: &str) -> miette::Report {
    miette!(help = "`pi check` shows what the manifest declares", "the manifest has no {what} `{name}`")
}

/// Adds `[kind.name]` behind the last table below `kind`.
fn add(text: &str, kind: &str, name: &str, keys: Vec<(&str, Value)>) -> miette::Result<String> {
    let parsed = Document::parse(text).map_err(|error| unreadable(&error))?;
    let parent = parsed.as_table().get(kind);
    if parent.is_some_and(|parent| !parent.is_table_like()) {
        return Err(miette!("`{kind}` of the manifest is not a table"));
    }
    if parent.is_some_and(|parent| parent.get(name).is_some()) {
        let help = "choose another name, or change its keys in the manifest";
        return Err(miette!(help = help, "the manifest has [{kind}.{name}] already"));
    }
    let mut tables = Vec::new();
    match parent {
        None => return Ok(insert(text, text.len(), &table(kind, name, keys))),
        Some(Item::Table(parent)) => block::with_headers(parent, &mut tables),
        Some(_) => {}
    }
    match tables.iter().max_by_key(|table| table.start) {
        Some(last) => Ok(insert(text, block::end(text, last), &table(kind, name, keys))),
        None => add_inline(text, kind, name, keys),
    }
}

/// `[kind.name]` with its keys, as text.
fn table(kind: &str, name: &str, keys: Vec<(&str, Value)>) -> String {
    let table: Table = keys.into_iter().map(|(key, value)| (key, Item::Value(value))).collect();
    let mut parent = Table::new();
    parent.set_implicit(true);
    parent.insert(name, Item::Table(table));
    let mut document = DocumentMut::new();
    document.insert(kind, Item::Table(parent));
    document.to_string()
}

/// The text with `lines` at `at`, the start of a line or the end, set apart by blank lines.
fn insert(text: &str, at: usize, lines: &str) -> String {
    let (above, below) = (&text[..at], &text[at..]);
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines = lines.trim().replace('\n', newline);
    let gap = match above {
        "" => String::new(),
        _ if above.ends_with("\n\n") || above.ends_with("\n\r\n") => String::new(),
        _ if above.ends_with('\n') => newline.to_owned(),
        _ => newline.repeat(2),
    };
    let next = below.lines().next().is_some_and(|line| !line.trim().is_empty());
    let after = if next { newline } else { "" };
    format!("{above}{gap}{lines}{newline}{after}{below}")
}

/// Where `kind` is an inline table or dotted keys, which have no header to stand behind.
fn add_inline(text: &str, kind: &str, name: &str, keys: Vec<(&str, Value)>) -> miette::Result<String> {
    let mut document = document(text)?;
    if let Some(parent) = document.get_mut(kind).and_then(Item::as_table_like_mut) {
        parent.insert(name, Item::Value(keys.into_iter().collect::<InlineTable>().into()));
    }
    Ok(document.to_string())
}

//! Values that can be written in more than one way, and small tables.

use super::scalar::{text, whole};
use super::types::GpuAsk;
use super::value::{At, Place, Refusal, Value, entries, refused, string};
use crate::name::{EnvName, Port};
use crate::problem::Problem;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const GPUS: &str = "a count of GPUs or a list of ids such as [0, 1]";

impl Value for GpuAsk {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        if let DeValue::Array(ids) = at.get_ref() {
            return gpu_ids(ids, at, place, problems).map(Self::Ids);
        }
        if let Some(printed) = string(at.get_ref()).and_then(as_printed) {
            return Some(printed);
        }
        let count = whole(at.get_ref()).and_then(|count| u32::try_from(count).ok());
        if count.is_none() {
            let any = string(at.get_ref()).is_some_and(|text| matches!(text, "all" | "any" | "auto"));
            let help = any.then(|| "leave `gpus` out: pi then chooses for the model and the pod".to_owned());
            problems.push(refused(GPUS, at, place, Refusal { message: None, help }));
        }
        count.map(|count| if count == 0 { Self::Cpu } else { Self::Count(count) })
    }
}

/// As plans print it: `GPU 0,1`, `2 GPUs`, `CPU`. An id that is there twice is none of them.
fn as_printed(text: &str) -> Option<GpuAsk> {
    let text = text.trim().to_ascii_lowercase();
    if text == "cpu" {
        return Some(GpuAsk::Cpu);
    }
    let count = text.strip_suffix("gpus").or_else(|| text.strip_suffix("gpu"));
    if let Some(count) = count.and_then(|count| count.trim_end().parse().ok()) {
        return Some(if count == 0 { GpuAsk::Cpu } else { GpuAsk::Count(count) });
    }
    let ids = text.strip_prefix("gpus").or_else(|| text.strip_prefix("gpu"))?.split(',');
    let mut ids: Vec<u32> = ids.map(|id| id.trim().parse().ok()).collect::<Option<_>>()?;
    ids.sort_unstable();
    ids.is_sorted_by(|one, next| one < next).then_some(GpuAsk::Ids(ids))
}

fn gpu_ids(ids: &[Spanned<DeValue>], at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Vec<u32>> {
    if ids.is_empty() {
        let refusal =
            Refusal::because("the list of GPUs is empty").help("gpus = 0 runs the model on the CPU");
        problems.push(refused(GPUS, at, place, refusal));
        return None;
    }
    let before = problems.len();
    let mut sorted = Vec::new();
    for item in ids {
        match whole(item.get_ref()).and_then(|id| u32::try_from(id).ok()) {
            Some(id) if sorted.contains(&id) => {
                let refusal = Refusal::because(format!("GPU {id} is in the list twice"));
                problems.push(refused("", item, place, refusal));
            }
            Some(id) => sorted.push(id),
            None => {
                let expected = "the id of a GPU, counted from 0 as nvidia-smi does";
                problems.push(refused(expected, item, place, Refusal::mismatch()));
            }
        }
    }
    sorted.sort_unstable();
    (problems.len() == before).then_some(sorted)
}

/// Where a model shall run, as it is written.
#[derive(Debug, Clone)]
pub(super) enum PodChoice {
    /// On each of these.
    Named(Vec<Spanned<String>>),
    /// On every pod that has all of these labels.
    Labeled(Vec<Spanned<String>>),
}

const PODS: &str = r#"a pod's name, a list of names or { labels = ["…"] }"#;

impl Value for PodChoice {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        match at.get_ref() {
            DeValue::String(name) => Some(Self::Named(vec![Spanned::new(at.span(), name.to_string())])),
            DeValue::Array(_) => words(at, place, problems).map(Self::Named),
            DeValue::Table(table) => labels(table, at, place, problems).map(Self::Labeled),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                problems.push(refused(PODS, at, place, Refusal::mismatch()));
                None
            }
        }
    }
}

fn labels(
    table: &DeTable,
    at: At,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Spanned<String>>> {
    for key in table.keys().filter(|key| key.get_ref() != "labels") {
        let message = format!("unknown key `{}` in a choice of pods", key.get_ref());
        problems
            .push(Problem::new(message, key.span(), place.to_string()).help("write { labels = [\"…\"] }"));
    }
    let Some(list) = table.get("labels") else {
        if table.is_empty() {
            problems.push(refused(PODS, at, place, Refusal::because("no labels to choose pods by")));
        }
        return None;
    };
    words(list, &place.inside("labels"), problems)
}

/// A list of texts that is not empty, each with its position.
fn words(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Vec<Spanned<String>>> {
    let texts = Vec::<String>::read(at, place, problems)?;
    let DeValue::Array(items) = at.get_ref() else { return None };
    if texts.is_empty() {
        problems.push(refused(
            "",
            at,
            place,
            Refusal::because("this list is empty: the model would run nowhere"),
        ));
        return None;
    }
    Some(items.iter().zip(texts).map(|(item, text)| Spanned::new(item.span(), text)).collect())
}

/// Environment variables; inherited ones are kept unless set again.
#[derive(Debug, Clone, Default)]
pub(super) struct Env(pub(super) BTreeMap<EnvName, String>);

impl Value for Env {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut env = BTreeMap::new();
        for (key, value) in entries(at, place, problems)? {
            let name = EnvName::parse(key.get_ref())
                .map_err(|bad| problems.push(Problem::new(bad.to_string(), key.span(), place.to_string())));
            let value = String::read(value, &place.inside(key.get_ref()), problems);
            if let (Ok(name), Some(value)) = (name, value) {
                env.insert(name, value);
            }
        }
        (problems.len() == before).then_some(Self(env))
    }

    fn over(mut self, base: &Self) -> Self {
        for (name, value) in &base.0 {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

/// Ports inside → outside.
#[derive(Debug, Clone, Default)]
pub(super) struct PortMap(pub(super) BTreeMap<Port, Port>);

impl Value for PortMap {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut ports = BTreeMap::new();
        for (key, value) in entries(at, place, problems)? {
            let inner = key.get_ref().parse().ok().and_then(Port::new);
            if inner.is_none() {
                let message = format!("expected a port from 1 to 65535, found `{}`", key.get_ref());
                let help = "ports are written inside = outside: { 8001 = 40123 }";
                problems.push(Problem::new(message, key.span(), place.to_string()).help(help));
            }
            let outer = Port::read(value, &place.inside(key.get_ref()), problems);
            ports.extend(inner.zip(outer));
        }
        (problems.len() == before).then_some(Self(ports))
    }
}

/// A text that is not empty.
pub(super) fn nonempty(at: At, what: &str, place: &Place, problems: &mut Vec<Problem>) -> Option<String> {
    let refusal = match text(at.get_ref()) {
        Ok(text) if text.trim().is_empty() => Refusal::because(format!("{what} is empty")),
        Ok(text) => return Some(text.to_owned()),
        Err(refusal) => refusal,
    };
    problems.push(refused("text in quotes", at, place, refusal));
    None
}

//! How two specs of one server differ, in the manifest's own terms.

use crate::model_ref::ModelRef;
use crate::name::EnvName;
use crate::plan::model::fetch::short;
use crate::plan::model::redact::{HIDDEN, address, is_secret, is_secret_flag};
use crate::spec::{KeyUse, ServerSpec};
use std::collections::BTreeMap;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The manifest's key: `context`.
    pub field: &'static str,
    /// How.
    pub how: How,
}

/// How a field differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// One value for another.
    Value {
        /// What it is.
        from: String,
        /// What it will be.
        to: String,
    },
    /// The same words in another order.
    Order {
        /// As it is.
        from: String,
        /// As it will be.
        to: String,
    },
    /// Lines that go and come: arguments, variables.
    Lines {
        /// What goes.
        gone: Vec<String>,
        /// What comes.
        new: Vec<String>,
    },
}

/// Every difference between what runs and what is wanted, in the order of the manifest's fields.
///
/// The destructuring names every field, so that a new one cannot be forgotten here. Whose a server is does not count, nor
/// who chose its context: two people may have checked the same manifest out under different names. Nor does whether its
/// engine can drain: that goes with its version. How long its log may get is worth no restart: that counts from the next
/// one.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a line or two for each field")]
pub fn changes(from: &ServerSpec, to: &ServerSpec) -> Vec<Change> {
    let ServerSpec {
        name: _,
        project: _,
        kind,
        engine,
        build,
        model,
        commit,
        context,
        fitted: _,
        memory,
        gpus,
        listen,
        port,
        key,
        args,
        command,
        env,
        restart,
        log_limit: _,
        drain,
        can_drain: _,
    } = from;
    let mut found = Vec::new();
    let mut value = |field, same: bool, shown: &dyn Fn(&ServerSpec) -> String| {
        found.extend((!same).then(|| Change { field, how: How::Value { from: shown(from), to: shown(to) } }));
    };
    value("model", same_weights(model, commit.as_ref(), to), &|spec| spec.model.to_string());
    value("commit", *commit == to.commit, &|spec| short_commit(spec.commit.as_ref()));
    value("engine", (kind, engine) == (&to.kind, &to.engine), &engine_name);
    value("engine", engine != &to.engine || same_build(build.as_ref(), to), &engine_build);
    value("gpus", *gpus == to.gpus, &|spec| gpu_list(&spec.gpus));
    value("context", *context == to.context, &|spec| show(spec.context.as_ref()));
    value("memory", *memory == to.memory, &|spec| show(spec.memory.as_ref()));
    value("listen", *listen == to.listen, &|spec| spec.listen.to_string());
    value("port", *port == to.port, &|spec| spec.port.to_string());
    value("key", *key == to.key, &|spec| key_use(spec.key));
    value("restart", *restart == to.restart, &|spec| spec.restart.as_str().to_owned());
    value("drain", *drain == to.drain, &|spec| spec.drain.to_string());
    lines("args", args, &to.args, &mut found);
    lines("command", command, &to.command, &mut found);
    variables(env, &to.env, &mut found);
    found
}

/// GPUs as people list them: `GPU 0,1`, `CPU`.
#[must_use]
pub fn gpu_list(gpus: &[u32]) -> String {
    match gpus {
        [] => "CPU".to_owned(),
        ids => format!("GPU {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    }
}

/// Whether at most the revision's name differs, for the same commit: pinning what runs restarts nothing.
fn same_weights(model: &ModelRef, commit: Option<&String>, to: &ServerSpec) -> bool {
    if *model == to.model {
        return true;
    }
    match (model, &to.model) {
        (ModelRef::Hub { repo, file, .. }, ModelRef::Hub { repo: new_repo, file: new_file, .. }) => {
            (repo, file) == (new_repo, new_file) && commit.is_some() && commit == to.commit.as_ref()
        }
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => false,
    }
}

fn short_commit(commit: Option<&String>) -> String {
    commit.map_or_else(|| "not known".to_owned(), |commit| short(commit).to_owned())
}

fn show(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "default".to_owned(), ToString::to_string)
}

fn engine_name(spec: &ServerSpec) -> String {
    let of_the_pod = || format!("{} of the pod", spec.kind.as_str());
    spec.engine.as_ref().map_or_else(of_the_pod, ToString::to_string)
}

/// Whether the environment is the one that the server was started from, as far as that was noted.
fn same_build(build: Option<&String>, to: &ServerSpec) -> bool {
    build.zip(to.build.as_ref()).is_none_or(|(from, to)| from == to)
}

fn engine_build(spec: &ServerSpec) -> String {
    format!("{} as of build {}", engine_name(spec), spec.build.as_deref().map_or("unknown", short))
}

fn key_use(key: KeyUse) -> String {
    match key {
        KeyUse::Open => "none".to_owned(),
        KeyUse::Required => "required".to_owned(),
    }
}

/// Variables that differ; of those that look like secrets only the names.
fn variables(from: &BTreeMap<EnvName, String>, to: &BTreeMap<EnvName, String>, found: &mut Vec<Change>) {
    if from == to {
        return;
    }
    let shown = |(name, value): (&EnvName, &String), changed: bool| match is_secret(name) {
        true if changed => format!("{name}=(changed)"),
        true => format!("{name}={HIDDEN}"),
        false => format!("{name}={}", address(value)),
    };
    let gone: Vec<String> = from
        .iter()
        .filter(|(name, value)| to.get(*name) != Some(value))
        .map(|pair| shown(pair, false))
        .collect();
    let new = to.iter().filter(|(name, value)| from.get(*name) != Some(value));
    let new: Vec<String> = new.map(|pair| shown(pair, from.contains_key(pair.0))).collect();
    found.push(Change { field: "env", how: How::Lines { gone, new } });
}

/// Whole flags with their values belong on one line: `--max-num-seqs 256`.
fn lines(field: &'static str, from: &[String], to: &[String], found: &mut Vec<Change>) {
    if from == to {
        return;
    }
    let (old, new) = (flags(from), flags(to));
    let gone: Vec<_> = old.iter().filter(|line| !new.contains(line)).collect();
    let come: Vec<_> = new.iter().filter(|line| !old.contains(line)).collect();
    let how = if gone.is_empty() && come.is_empty() {
        // the same words in another order, or a repeated one
        let joined =
            |lines: &[Vec<String>]| lines.iter().map(|line| flag(line, HIDDEN)).collect::<Vec<_>>().join(" ");
        How::Order { from: joined(&old), to: joined(&new) }
    } else {
        let also_gone = |line: &Vec<String>| gone.iter().any(|other| name_of(other) == name_of(line));
        let shown = |line: &&Vec<String>| flag(line, if also_gone(line) { "(changed)" } else { HIDDEN });
        How::Lines {
            gone: gone.iter().map(|line| flag(line, HIDDEN)).collect(),
            new: come.iter().map(shown).collect(),
        }
    };
    found.push(Change { field, how });
}

/// A command line cut before each flag.
fn flags(words: &[String]) -> Vec<Vec<String>> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line)
                if line.len() == 1
                    && line[0].starts_with("--")
                    && !line[0].contains('=')
                    && !word.starts_with("--") =>
            {
                line.push(word.clone());
            }
            _ => lines.push(vec![word.clone()]),
        }
    }
    lines
}

/// The flag itself.
fn name_of(line: &[String]) -> &str {
    line.first().map_or("", |word| word.split_once('=').map_or(word.as_str(), |(name, _)| name))
}

/// A flag with its value, or with what stands in its place.
fn flag(line: &[String], hidden: &str) -> String {
    let name = name_of(line);
    match line {
        [_, _] if is_secret_flag(name) => format!("{name} {hidden}"),
        [word] if is_secret_flag(name) && word != name => format!("{name}={hidden}"),
        words => words.iter().map(|word| address(word)).collect::<Vec<_>>().join(" "),
    }
}

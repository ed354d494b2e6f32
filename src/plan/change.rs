//! How two specs of one server differ, in the manifest's own terms.

use crate::model_ref::ModelRef;
use crate::plan::fetch::short;
use crate::spec::{KeyUse, ServerSpec};
use std::collections::BTreeMap;
use std::fmt;

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
/// The destructuring names every field, so that a new one cannot be forgotten here. Whose a server is does not count:
/// two people may have checked the same manifest out under different names.
#[must_use]
pub fn changes(from: &ServerSpec, to: &ServerSpec) -> Vec<Change> {
    let ServerSpec {
        name: _,
        project: _,
        kind,
        engine,
        model,
        commit,
        context,
        memory,
        gpus,
        listen,
        port,
        key,
        args,
        command,
        env,
    } = from;
    let mut found = Vec::new();
    let mut value = |field, from: String, to: String| {
        if from != to {
            found.push(Change { field, how: How::Value { from, to } });
        }
    };
    if !same_weights((model, commit.as_ref()), to) {
        value("model", model.to_string(), to.model.to_string());
    }
    value("commit", short_commit(commit.as_ref()), short_commit(to.commit.as_ref()));
    value("engine", engine_name(*kind, engine.as_ref()), engine_name(to.kind, to.engine.as_ref()));
    value("gpus", gpu_list(gpus), gpu_list(&to.gpus));
    value("context", show(context.as_ref()), show(to.context.as_ref()));
    value("memory", show(memory.as_ref()), show(to.memory.as_ref()));
    value("listen", listen.to_string(), to.listen.to_string());
    value("port", port.to_string(), to.port.to_string());
    value("key", key_use(*key), key_use(to.key));
    lines("args", args, &to.args, &mut found);
    lines("command", command, &to.command, &mut found);
    lines("env", &assignments(env), &assignments(&to.env), &mut found);
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

impl fmt::Display for Change {
    /// One line: ``context 32k → 64k``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, how } = self;
        match how {
            How::Value { from, to } => write!(f, "{field} {from} → {to}"),
            How::Lines { gone, new } => {
                let gone = gone.iter().map(|line| format!("- {line}"));
                let new = new.iter().map(|line| format!("+ {line}"));
                write!(f, "{field} {}", gone.chain(new).collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// Whether only the revision's name differs, for the same commit: pinning what runs restarts nothing.
fn same_weights((model, commit): (&ModelRef, Option<&String>), to: &ServerSpec) -> bool {
    match (model, &to.model) {
        (ModelRef::Hub { repo, file, .. }, ModelRef::Hub { repo: new_repo, file: new_file, .. }) => {
            (repo, file) == (new_repo, new_file) && commit.is_some() && commit == to.commit.as_ref()
        }
        (ModelRef::Hub { .. } | ModelRef::Path(_), _) => false,
    }
}

fn show(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "default".to_owned(), ToString::to_string)
}

fn short_commit(commit: Option<&String>) -> String {
    commit.map_or_else(|| "not known".to_owned(), |commit| short(commit).to_owned())
}

fn engine_name(kind: crate::manifest::EngineKind, id: Option<&crate::name::EngineId>) -> String {
    id.map_or_else(|| format!("{} of the pod", kind.as_str()), ToString::to_string)
}

fn key_use(key: KeyUse) -> String {
    match key {
        KeyUse::Open => "none".to_owned(),
        KeyUse::Required => "required".to_owned(),
    }
}

fn assignments(env: &BTreeMap<crate::name::EnvName, String>) -> Vec<String> {
    env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Whole flags with their values belong on one line: `--max-num-seqs 256`.
fn lines(field: &'static str, from: &[String], to: &[String], found: &mut Vec<Change>) {
    if from == to {
        return;
    }
    let (old, new) = (flags(from), flags(to));
    let gone: Vec<_> = old.iter().filter(|line| !new.contains(line)).cloned().collect();
    let come: Vec<_> = new.iter().filter(|line| !old.contains(line)).cloned().collect();
    let how = if gone.is_empty() && come.is_empty() {
        // the same words in another order, or a repeated one
        How::Value { from: from.join(" "), to: to.join(" ") }
    } else {
        How::Lines { gone, new: come }
    };
    found.push(Change { field, how });
}

fn flags(words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(flag) if flag.starts_with("--") && !flag.contains([' ', '=']) && !word.starts_with("--") => {
                flag.push(' ');
                flag.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines
}

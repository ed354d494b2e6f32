//! `pi check --json`: a manifest's mistakes for machines.

use crate::problem::{Place, Problem, Problems};
use miette::Diagnostic;
use serde_json::{Value, json};
use std::path::Path;

/// A manifest without mistakes, and how much there is in it.
#[must_use]
pub fn right_json(path: &Path, pods: usize, models: usize) -> Value {
    json!({
        "format": 1, "path": path.display().to_string(), "ok": true, "pods": pods, "models": models, "problems": [],
    })
}

/// Every mistake, in the order of the file. Lines and columns count from 1, columns in characters.
#[must_use]
pub fn problems_json(path: &Path, problems: &Problems) -> Value {
    let list: Vec<Value> = problems.iter().map(problem).collect();
    let mut told = json!({ "format": 1, "path": path.display().to_string(), "ok": false, "problems": list });
    if problems.more() > 0 {
        told["more"] = json!(problems.more());
    }
    told
}

fn problem(problem: &Problem) -> Value {
    let mut places = problem.places();
    let (line, column, label) = match places.next() {
        Some(Place { line, column, label }) => (Some(line), Some(column), Some(label)),
        None => (None, None, None),
    };
    let also: Vec<Value> = places
        .map(|Place { line, column, label }| json!({ "line": line, "column": column, "label": label }))
        .collect();
    json!({
        "message": problem.message(), "line": line, "column": column, "label": label,
        "help": problem.help().map(|help| help.to_string()), "also": also,
    })
}

//! Plans in files: what `pi plan --out` writes and `pi apply FILE` holds the pods against.

use crate::cli::args::{Scope, Taking};
use crate::cli::exit::usage;
use crate::name::ModelName;
use crate::plan::Plan;
use crate::ui;
use miette::{IntoDiagnostic, Result, WrapErr};
use serde_json::{Value, json};
use std::path::Path;

/// A plan that somebody has looked at.
pub(super) struct Saved {
    /// What it was made for.
    pub(super) scope: Scope,
    steps: Value,
}

/// Writes a plan, and what it was made for.
pub(super) fn write(path: &Path, plan: &Value, scope: &Scope) -> Result<()> {
    let Scope { target, allow_protected, taking: Taking { take_over } } = scope;
    let mut file = plan.clone();
    file["scope"] = json!({ "target": target, "allow_protected": allow_protected, "take_over": take_over });
    let failed = || format!("cannot write {}", path.display());
    std::fs::write(path, format!("{file:#}\n")).into_diagnostic().wrap_err_with(failed)
}

/// Reads a plan again.
pub(super) fn read(path: &Path) -> Result<Saved> {
    let failed = || format!("cannot read {}", path.display());
    let text = std::fs::read_to_string(path).into_diagnostic().wrap_err_with(failed)?;
    let not_a_plan = || usage(format!("{} is no plan", path.display()), "write one with: pi plan --out FILE");
    let mut file: Value = serde_json::from_str(&text).map_err(|_| not_a_plan())?;
    let steps = file["steps"].take();
    if file["format"] != json!(1) || !steps.is_array() || !file["scope"].is_object() {
        return Err(not_a_plan());
    }
    let scope = &file["scope"];
    let words = |key: &str| scope[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let target = words("target").map(str::to_owned).collect();
    let take_over =
        words("take_over").map(ModelName::parse).collect::<Result<_, _>>().map_err(|_| not_a_plan())?;
    let allow_protected = scope["allow_protected"] == json!(true);
    Ok(Saved { scope: Scope { target, allow_protected, taking: Taking { take_over } }, steps })
}

impl Saved {
    /// Whether it is still what has to be done.
    pub(super) fn is(&self, plan: &Plan) -> bool {
        ui::plan_json(plan)["steps"] == self.steps
    }
}

//! Plans in files: what `pi plan --out` writes and `pi apply FILE` holds the pods against.

use crate::bounded::{self, PLAN};
use crate::cli::context::flags::{Scope, Taking};
use crate::cli::terminal::exit::usage;
use crate::name::ModelName;
use crate::plan::Plan;
use crate::ui;
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Report, Result, WrapErr, miette};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A plan that somebody has looked at.
pub(in crate::cli) struct Saved {
    /// What it was made for.
    pub(in crate::cli) scope: Scope,
    steps: Value,
}

/// Where a plan may be written.
#[derive(Debug)]
pub(in crate::cli) enum Place {
    /// Nothing is there.
    New(PathBuf),
    /// A plan of pi's is there.
    Plan(PathBuf),
}

/// Looks whether a plan may be written there: nothing but a plan is ever overwritten.
///
/// # Errors
/// Something else is there.
pub(in crate::cli) fn place(path: &Path) -> Result<Place> {
    let taken = |what: &str| {
        let help = "only a plan of pi's is overwritten: name another file";
        usage(format!("{} is there already, and is {what}", path.display()), help)
    };
    let found = match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::New(path.to_owned())),
        Err(error) => return Err(cannot_write(path, &error)),
        // what links to a plan stays a link
        Ok(found) if found.is_symlink() => path.metadata().map_err(|_| taken("a link to nothing"))?,
        Ok(found) => found,
    };
    if found.is_dir() {
        return Err(taken("a directory"));
    }
    if !found.is_file() {
        return Err(taken("no regular file"));
    }
    if bounded::text(path, PLAN).ok().and_then(|text| parse(&text)).is_none() {
        return Err(taken("no plan"));
    }
    let real = path.canonicalize().map_err(|error| cannot_write(path, &error))?;
    Ok(Place::Plan(real))
}

/// Writes a plan, and what it was made for: for its owner alone.
pub(in crate::cli) fn write(place: &Place, plan: &Value, scope: &Scope) -> Result<()> {
    let Scope { target, allow_protected, taking: Taking { take_over } } = scope;
    let mut file = plan.clone();
    file["scope"] = json!({ "target": target, "allow_protected": allow_protected, "take_over": take_over });
    let text = format!("{file:#}\n");
    if text.len() as u64 > PLAN.bytes {
        let help = "plan for fewer pods at once, with --target or --pod";
        return Err(miette!(help = help, "the plan is longer than what `pi apply FILE` reads"));
    }
    match place {
        Place::New(path) => {
            whole::create(path, &text, Readers::Owner).map_err(|error| cannot_write(path, &error))
        }
        Place::Plan(path) => {
            whole::replace(path, &text, Readers::Owner).map_err(|error| cannot_write(path, &error))
        }
    }
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Report {
    miette!("{error}").wrap_err(format!("cannot write {}", path.display()))
}

/// Reads a plan again.
pub(in crate::cli) fn read(path: &Path) -> Result<Saved> {
    let failed = || format!("cannot read {}", path.display());
    let text = bounded::text(path, PLAN).into_diagnostic().wrap_err_with(failed)?;
    let not_a_plan = || usage(format!("{} is no plan", path.display()), "write one with: pi plan --out FILE");
    parse(&text).ok_or_else(not_a_plan)
}

fn parse(text: &str) -> Option<Saved> {
    let mut file: Value = serde_json::from_str(text).ok()?;
    let steps = file.get_mut("steps")?.take();
    let scope = file.get("scope").filter(|scope| scope.is_object())?;
    if file.get("format") != Some(&json!(1)) || !steps.is_array() {
        return None;
    }
    let words = |key: &str| scope[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let target = words("target").map(str::to_owned).collect();
    let take_over = words("take_over").map(ModelName::parse).collect::<std::result::Result<_, _>>().ok()?;
    let allow_protected = scope["allow_protected"] == json!(true);
    Some(Saved { scope: Scope { target, allow_protected, taking: Taking { take_over } }, steps })
}

impl Saved {
    /// Whether it is still what has to be done.
    pub(in crate::cli) fn is(&self, plan: &Plan) -> bool {
        ui::plan_json(plan)["steps"] == self.steps
    }
}

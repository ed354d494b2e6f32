//! `glob`: files by name, without those that version control ignores.

use crate::agent::tools::confine::Grounds;
use globset::GlobBuilder;
use ignore::WalkBuilder;
use serde::Deserialize;
use std::time::{Duration, Instant};

/// The most files that are named.
const MOST: usize = 500;
/// How long is looked for them.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    pattern: String,
    #[serde(default)]
    path: Option<String>,
}

pub(super) fn run(grounds: &Grounds, args: &Args) -> Result<String, String> {
    let pattern = args.pattern.strip_prefix("./").unwrap_or(&args.pattern);
    if pattern.starts_with('/') || pattern.split('/').any(|part| part == "..") {
        return Err(format!("{pattern} has to be relative, without `..`; say where to look with path"));
    }
    let glob =
        GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| error.to_string())?;
    let matcher = glob.compile_matcher();
    let real = grounds.resolve(args.path.as_deref().filter(|path| !path.is_empty()).unwrap_or("."))?;
    let hidden = pattern.split('/').any(|part| part.starts_with('.'));
    let walk = WalkBuilder::new(&real)
        .hidden(!hidden)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let until = Instant::now() + PATIENCE;
    let (mut found, mut note) = (Vec::new(), None);
    for entry in walk.flatten() {
        if Instant::now() > until {
            note = Some("[stopped after 10 s: there may be more]".to_owned());
            break;
        }
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if is_file && entry.path().strip_prefix(&real).is_ok_and(|path| matcher.is_match(path)) {
            found.push(grounds.shown(entry.path()));
        }
    }
    found.sort_unstable();
    if found.is_empty() && note.is_none() {
        return Ok(format!("no file matches {pattern}"));
    }
    let count = found.len();
    if count > MOST {
        found.truncate(MOST);
        note = Some(format!("[{count} files, the first {MOST} shown]"));
    }
    found.extend(note);
    Ok(found.join("\n"))
}

//! `ls`: a directory's entries.

use crate::agent::tools::confine::Grounds;
use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::Deserialize;
use std::fs::DirEntry;

/// The most entries that are listed.
const MOST: usize = 1000;

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    ignore: Option<Vec<String>>,
}

pub(super) fn run(grounds: &Grounds, args: &Args) -> Result<String, String> {
    let path = args.path.as_deref().filter(|path| !path.is_empty()).unwrap_or(".");
    let ignored = globs(args.ignore.as_deref().unwrap_or_default())?;
    let real = grounds.resolve(path)?;
    if !real.is_dir() {
        return Err(format!("{path} is no directory: read it with read"));
    }
    let entries = std::fs::read_dir(&real).map_err(|error| format!("{path} can't be listed: {error}"))?;
    let mut lines: Vec<String> = entries
        .flatten()
        .filter(|entry| !ignored.is_match(entry.file_name()))
        .map(|entry| line(&entry))
        .collect();
    lines.sort_unstable();
    if lines.is_empty() {
        return Ok(format!("{path} is empty"));
    }
    let count = lines.len();
    lines.truncate(MOST);
    if count > MOST {
        lines.push(format!("[{count} entries, the first {MOST} shown]"));
    }
    Ok(lines.join("\n"))
}

fn line(entry: &DirEntry) -> String {
    let name = entry.file_name().to_string_lossy().into_owned();
    match entry.metadata() {
        Ok(meta) if meta.is_dir() => format!("{name}/"),
        Ok(meta) if meta.is_symlink() => format!("{name}@"),
        Ok(meta) if meta.is_file() => format!("{name}  {} bytes", meta.len()),
        Ok(_) | Err(_) => name,
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern.trim_end_matches('/')).map_err(|error| error.to_string())?);
    }
    set.build().map_err(|error| error.to_string())
}

//! `read`: a text file, its lines numbered.

use crate::agent::tools::confine::Grounds;
use crate::bounded;
use serde::Deserialize;
use std::fmt::Write;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

/// A larger file is searched, not read.
const HUGE: u64 = 20 << 20;
/// How many lines are given if nothing is said.
const LINES: usize = 2000;
/// The most characters of one line.
const WIDE: usize = 1000;
/// A NUL within so many bytes means that it is no text.
const SNIFF: u64 = 8192;

#[derive(Debug, Deserialize)]
pub(super) struct Args {
    #[serde(alias = "path")]
    file_path: String,
    #[serde(default)]
    offset: Option<usize>,
    #[serde(default)]
    limit: Option<usize>,
}

pub(super) fn run(grounds: &Grounds, args: &Args) -> Result<String, String> {
    let name = &args.file_path;
    let real = grounds.resolve(name)?;
    let text = text(&real, name)?;
    let (first, limit) = (args.offset.unwrap_or(1).max(1), args.limit.unwrap_or(LINES));
    let total = text.lines().count();
    if total == 0 {
        return Ok(format!("{name} is empty"));
    }
    if first > total {
        return Err(format!("{name} has {total} lines; there is no line {first}"));
    }
    let mut out = String::new();
    let mut last = first - 1;
    for (at, line) in text.lines().enumerate().skip(first - 1).take(limit) {
        let mut shown = format!("{:>6}\t", at + 1);
        shown.extend(line.chars().take(WIDE));
        if line.chars().nth(WIDE).is_some() {
            shown.push_str(" [cut]");
        }
        // below the cap on all results, so that the note names the line to go on from
        if out.len() + shown.len() > super::MOST - 200 {
            break;
        }
        out.push_str(&shown);
        out.push('\n');
        last = at + 1;
    }
    if last < total {
        let _ = writeln!(out, "[{total} lines in all; go on with offset {}]", last + 1);
    }
    Ok(out)
}

fn text(real: &Path, name: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{name} can't be read: {error}");
    let meta = real.metadata().map_err(failed)?;
    if meta.is_dir() {
        return Err(format!("{name} is a directory: list it with ls"));
    }
    // a pipe would be waited for, a device never ends
    if !meta.is_file() {
        return Err(format!("{name} is no regular file"));
    }
    if meta.len() > HUGE {
        let size = meta.len() >> 20;
        return Err(format!("{name} has {size} MiB, too much to read: search it with rg"));
    }
    let mut file = File::open(real).map_err(failed)?;
    let begin = bounded::at_most(&file, SNIFF).map_err(failed)?;
    if begin.contains(&0) {
        return Err(format!("{name} is a binary file of {} bytes, no text", meta.len()));
    }
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    // it may grow while it is read
    let bytes = bounded::at_most(file, HUGE).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

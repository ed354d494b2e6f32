//! Files of what was said: `sessions/<project>/<time>.jsonl`, for their owner alone, one message a line.

use crate::agent::message::Message;
use crate::bounded::{self, SESSION};
use crate::whole::{self, Readers};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The files' format; newer ones are not read.
const FORMAT: u32 = 1;
/// The file of lines typed.
const HISTORY: &str = "history";
/// How many lines typed are offered again.
const LINES: usize = 1000;

/// A file's first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    format: u32,
    directory: PathBuf,
}

/// A conversation and its file. The file is made when there is something to write.
#[derive(Debug)]
pub struct Session {
    path: PathBuf,
    directory: PathBuf,
    messages: Vec<Message>,
    /// How many of them are in the file, and where the exchange that goes on began.
    written: usize,
    begun: usize,
    /// Whether the file has its first line.
    headed: bool,
}

impl Session {
    /// A new one for this directory, below pi's own.
    #[must_use]
    pub fn new(config_dir: &Path, directory: &Path) -> Self {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%6f");
        let path = folder(config_dir, directory).join(format!("{now}-{}.jsonl", std::process::id()));
        Self {
            path,
            directory: directory.to_owned(),
            messages: Vec::new(),
            written: 0,
            begun: 0,
            headed: false,
        }
    }

    /// The last one of this directory; nothing if there is none.
    pub fn last(config_dir: &Path, directory: &Path) -> Result<Option<Self>> {
        let folder = folder(config_dir, directory);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).into_diagnostic().wrap_err(format!("cannot read {}", folder.display()));
            }
        };
        let files = entries.flatten().map(|entry| entry.path());
        let last = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).max();
        last.map(|path| Self::read(path, directory)).transpose()
    }

    /// What was said so far.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn begin(&mut self) {
        self.begun = self.messages.len();
    }

    pub(super) fn add(&mut self, message: Message) {
        self.messages.push(message);
    }

    /// Whether the model had the last word, and asked for nothing.
    pub(super) fn ends_with_answer(&self) -> bool {
        matches!(self.messages.last(), Some(Message::Assistant(answer)) if answer.calls.is_empty())
    }

    /// Forgets the exchange that has begun.
    pub(super) fn take_back(&mut self) {
        self.messages.truncate(self.begun);
    }

    /// Appends to the file what is not in it yet.
    pub(super) fn write(&mut self) -> Result<()> {
        let mut text = String::new();
        if !self.headed {
            let head = Head { format: FORMAT, directory: self.directory.clone() };
            writeln!(text, "{}", serde_json::to_string(&head).into_diagnostic()?).into_diagnostic()?;
        }
        for message in self.messages.get(self.written..).unwrap_or_default() {
            writeln!(text, "{}", serde_json::to_string(message).into_diagnostic()?).into_diagnostic()?;
        }
        if self.messages.len() > self.written {
            append(&self.path, &text)?;
            self.headed = true;
            self.written = self.messages.len();
        }
        Ok(())
    }

    fn read(path: PathBuf, directory: &Path) -> Result<Self> {
        let failed = || format!("cannot read {}", path.display());
        let text = bounded::text(&path, SESSION).into_diagnostic().wrap_err_with(failed)?;
        let wrong = |what: String| {
            miette!(
                help = "begin a new session, without -c; this file may be removed",
                "{}: {what}",
                path.display()
            )
        };
        // a last line without its end: pi was killed while it wrote
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text.get(..whole).unwrap_or_default().lines().enumerate();
        let head: Option<Head> = lines.next().and_then(|(_, line)| serde_json::from_str(line).ok());
        match head {
            Some(Head { format, .. }) if format <= FORMAT => {}
            Some(_) => return Err(wrong("a newer pi wrote this session".to_owned())),
            None => return Err(wrong("this is no session".to_owned())),
        }
        let mut messages = Vec::new();
        for (at, line) in lines {
            match serde_json::from_str(line) {
                Ok(message) => messages.push(message),
                Err(error) => return Err(wrong(format!("line {} is no message: {error}", at + 1))),
            }
        }
        let (written, directory) = (messages.len(), directory.to_owned());
        Ok(Self { path, directory, messages, written, begun: 0, headed: true })
    }
}

/// The lines that were typed here before, oldest first.
#[must_use]
pub fn history(config_dir: &Path, directory: &Path) -> Vec<String> {
    let text = bounded::text(&folder(config_dir, directory).join(HISTORY), SESSION).unwrap_or_default();
    let lines: Vec<String> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    lines.into_iter().rev().take(LINES).rev().collect()
}

/// Keeps a line that was typed.
pub fn remember_line(config_dir: &Path, directory: &Path, line: &str) -> Result<()> {
    append(&folder(config_dir, directory).join(HISTORY), &format!("{}\n", serde_json::Value::from(line)))
}

/// Appends to a file in a folder of pi's.
fn append(path: &Path, lines: &str) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).into_diagnostic().wrap_err_with(failed)?;
    whole::append(path, lines, Readers::Owner).into_diagnostic().wrap_err_with(failed)
}

/// `sessions/pi-1a2b3c4d`: the directory's name, and enough of its path's digest to tell namesakes apart.
fn folder(config_dir: &Path, directory: &Path) -> PathBuf {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut project: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    project.push('-');
    for byte in Sha256::digest(directory.as_os_str().as_bytes()).iter().take(4) {
        let _ = write!(project, "{byte:02x}");
    }
    config_dir.join("sessions").join(project)
}

#[cfg(test)]
mod tests;

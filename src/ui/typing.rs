//! Lines that a person types: with editing, and with what was typed before.

use crate::ui::output::is_closed;
use miette::{IntoDiagnostic, Result, WrapErr};
use nix::errno::Errno;
use rustyline::error::ReadlineError;
use rustyline::history::{History, MemHistory};
use rustyline::{Config, Editor};

/// What the person did.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Typed something.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D.
    End,
}

/// A line editor.
pub struct Typing {
    editor: Editor<(), MemHistory>,
}

impl Typing {
    /// One that knows these lines, oldest first.
    pub fn new(before: &[String]) -> Result<Self> {
        let failed = "cannot set up the terminal";
        let mut history = MemHistory::new();
        for line in before {
            history.add(line).into_diagnostic().wrap_err(failed)?;
        }
        let editor = Editor::with_history(Config::default(), history).into_diagnostic().wrap_err(failed)?;
        Ok(Self { editor })
    }

    /// Waits for a line that is not empty.
    pub fn read(&mut self) -> Result<Typed> {
        loop {
            match self.editor.readline("> ") {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => {
                    self.editor.add_history_entry(line.as_str()).into_diagnostic()?;
                    return Ok(Typed::Line(line));
                }
                Err(ReadlineError::Interrupted) => return Ok(Typed::Interrupted),
                Err(ReadlineError::Eof) => return Ok(Typed::End),
                Err(ReadlineError::Io(error)) if error.raw_os_error() == Some(Errno::EIO as i32) => {
                    return Ok(if is_closed(error) { Typed::Interrupted } else { Typed::End });
                }
                Err(error) => return Err(error).into_diagnostic().wrap_err("cannot read what is typed"),
            }
        }
    }
}

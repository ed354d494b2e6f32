//! The two streams, and the one question.

use miette::{IntoDiagnostic, Result, WrapErr};
use std::io::{BufRead, ErrorKind, IsTerminal, Write};

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On terminals, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also into pipes.
    Always,
    /// Nowhere.
    Never,
}

/// Sets whether colour is used, for the rest of the run.
pub fn use_color(color: Color) {
    let choice = match color {
        Color::Auto => return,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Writes data to standard output. A reader that has gone away (`pi plan | head`) is no error.
pub fn data(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.into_diagnostic().wrap_err("cannot write to standard output"),
    }
}

/// Whether somebody still reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Yes.
    There,
    /// No: what is still to come need not be made.
    Gone,
}

/// Writes data as it comes.
#[must_use]
pub fn stream(text: &str) -> Reader {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Reader::There,
        Err(_) => Reader::Gone,
    }
}

/// Goes to a line of its own where a terminal has shown `^C`.
pub fn after_interrupt() {
    if std::io::stderr().is_terminal() {
        note("");
    }
}

/// Tells the person a part of a line on standard error.
pub(super) fn note_part(text: &str) {
    let mut err = anstream::stderr().lock();
    // nobody reads it any more: there is nobody to tell that
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

/// Tells the person something on standard error.
pub fn note(text: &str) {
    // nobody reads standard error any more: there is nobody to tell that
    drop(writeln!(anstream::stderr().lock(), "{text}"));
}

/// Whether a person sits in front of it: input and error stream are a terminal.
#[must_use]
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for one of some letters, until the answer is one; none where the input ends.
pub(super) fn ask_letter(question: &str, letters: &[char]) -> Option<char> {
    loop {
        let mut err = anstream::stderr().lock();
        write!(err, "{question} ").and_then(|()| err.flush()).ok()?;
        drop(err);
        let mut answer = String::new();
        if std::io::stdin().lock().read_line(&mut answer).ok()? == 0 {
            return None;
        }
        let first = answer.trim().chars().next().map(|first| first.to_ascii_lowercase());
        if let Some(letter) = letters.iter().copied().find(|letter| Some(*letter) == first) {
            return Some(letter);
        }
    }
}

/// Asks; only the word `yes` is one.
pub fn ask_yes(question: &str) -> Result<bool> {
    let mut err = anstream::stderr().lock();
    write!(err, "{question} Only `yes` will do: ").and_then(|()| err.flush()).into_diagnostic()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).into_diagnostic().wrap_err("cannot read the answer")?;
    Ok(answer.trim() == "yes")
}

//! The one writer: what goes to standard output and standard error, and the one question.
//!
//! Nothing here panics or ends `pi`. That nobody reads any more is noted once, for whoever has to end because of it.

use miette::{IntoDiagnostic, Result, WrapErr};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::{LazyLock, Once, OnceLock};
use tokio_util::sync::CancellationToken;

/// When to use color.
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

/// Sets whether color is used, for the rest of the run.
pub fn use_color(color: Color) {
    let choice = match color {
        Color::Auto => return,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Why nobody reads any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Whoever read the pipe has gone: `pi plan | head`.
    Reader,
    /// The terminal was closed.
    Terminal,
}

static GONE: OnceLock<Gone> = OnceLock::new();
static NOBODY: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
static UNWRITTEN: OnceLock<String> = OnceLock::new();
/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    In,
    Out,
    Err,
}

impl Stream {
    /// Whether it is a terminal, or was one: of a terminal that was closed only that it is a device can still be told.
    fn is_device(self) -> bool {
        let copy = match self {
            Self::In => io::stdin().as_fd().try_clone_to_owned(),
            Self::Out => io::stdout().as_fd().try_clone_to_owned(),
            Self::Err => io::stderr().as_fd().try_clone_to_owned(),
        };
        let found = copy.and_then(|fd| File::from(fd).metadata());
        found.is_ok_and(|found| found.file_type().is_char_device())
    }
}

/// Why nobody reads any more, once that was noticed.
#[must_use]
pub fn gone() -> Option<Gone> {
    GONE.get().copied()
}

/// Comes when nobody reads any more: when a terminal was closed, or whoever read a pipe has gone, whether or not
/// something is to be written.
pub async fn nobody() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| drop(std::thread::Builder::new().spawn(watch)));
    NOBODY.cancelled().await;
}

/// Waits until one of the streams has no other end any more.
fn watch() {
    let (input, out, err) = (io::stdin(), io::stdout(), io::stderr());
    let all = [(Stream::In, input.as_fd()), (Stream::Out, out.as_fd()), (Stream::Err, err.as_fd())];
    // the end of what is read is nobody's going
    let all = all.into_iter().filter(|(stream, _)| *stream != Stream::In || stream.is_device());
    let (streams, mut fds): (Vec<_>, Vec<_>) =
        all.map(|(stream, fd)| (stream, PollFd::new(fd, PollFlags::empty()))).unzip();
    let ended = PollFlags::POLLERR | PollFlags::POLLHUP;
    while let Ok(_) | Err(Errno::EINTR) = poll(&mut fds, PollTimeout::NONE) {
        let gone =
            streams.iter().zip(&fds).find(|(_, fd)| fd.revents().is_some_and(|seen| seen.intersects(ended)));
        if let Some((stream, _)) = gone {
            let kind = if stream.is_device() { Gone::Terminal } else { Gone::Reader };
            GONE.get_or_init(|| kind);
            NOBODY.cancel();
            return;
        }
    }
}

/// Why some of the data was not written, if it was not.
#[must_use]
pub fn unwritten() -> Option<&'static str> {
    UNWRITTEN.get().map(String::as_str)
}

/// Notes what an error of a stream says of those who read.
fn noted<T>(stream: Stream, done: io::Result<T>) -> io::Result<T> {
    if let Err(error) = &done {
        let gone = if error.kind() == ErrorKind::BrokenPipe {
            Some(Gone::Reader)
        } else if error.raw_os_error() == Some(Errno::EIO as i32) && stream.is_device() {
            Some(Gone::Terminal)
        } else {
            None
        };
        match gone {
            Some(gone) => {
                GONE.get_or_init(|| gone);
                NOBODY.cancel();
            }
            None if stream == Stream::Out => drop(UNWRITTEN.get_or_init(|| error.to_string())),
            None => {}
        }
    }
    done
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    noted(Stream::Out, out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Standard error that can't be written, on a full disk for example: there is nobody to tell that, and the work goes on.
fn write_err(text: &str) {
    let mut err = anstream::stderr().lock();
    drop(noted(Stream::Err, err.write_all(text.as_bytes()).and_then(|()| err.flush())));
}

/// Writes data to standard output. A reader that has gone away (`pi plan | head`) is no error: the exit code tells it.
pub fn data(text: &str) -> Result<()> {
    match write_out(text) {
        Err(_) if gone().is_some() => Ok(()),
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
    match write_out(text) {
        Ok(()) => Reader::There,
        Err(_) => Reader::Gone,
    }
}

/// Writes to the terminal that standard output is, escapes and all.
pub(super) fn to_terminal(text: &str) -> Result<()> {
    // past anstream, which takes all escapes out where color is off
    let mut out = io::stdout().lock();
    match noted(Stream::Out, out.write_all(text.as_bytes()).and_then(|()| out.flush())) {
        Err(_) if gone().is_some() => Ok(()),
        done => done.into_diagnostic().wrap_err("cannot write to the terminal"),
    }
}

/// Draws on the terminal that standard error is, escapes and all.
pub(super) fn draw(text: &str) {
    let mut err = io::stderr().lock();
    drop(noted(Stream::Err, err.write_all(text.as_bytes()).and_then(|()| err.flush())));
}

/// Goes to a line of its own where a terminal has shown `^C`.
pub fn after_interrupt() {
    if io::stderr().is_terminal() {
        note("");
    }
}

/// Tells the person a part of a line on standard error.
pub(super) fn note_part(text: &str) {
    write_err(text);
}

/// Tells the person something on standard error.
pub fn note(text: &str) {
    write_err(&format!("{text}\n"));
}

/// Whether a person sits in front of it: input and error stream are a terminal.
#[must_use]
pub fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for one of some letters, until the answer is one; none where the input ends.
pub(super) fn ask_letter(question: &str, letters: &[char]) -> Option<char> {
    loop {
        note_part(&format!("{question} "));
        let answer = answer().ok()?;
        if answer.is_empty() {
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
    note_part(&format!("{question} Only `yes` will do: "));
    match answer() {
        Err(_) if gone().is_some() => Ok(false),
        answer => Ok(answer.into_diagnostic().wrap_err("cannot read the answer")?.trim() == "yes"),
    }
}

fn answer() -> io::Result<String> {
    let mut answer = String::new();
    noted(Stream::In, io::stdin().lock().take(1024).read_line(&mut answer))?;
    Ok(answer)
}

/// Whether this error of reading the terminal says that it was closed.
pub(super) fn is_closed(error: io::Error) -> bool {
    drop(noted::<()>(Stream::In, Err(error)));
    gone() == Some(Gone::Terminal)
}

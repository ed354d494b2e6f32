//! What is said: the messages of the command line, and what is piped in.

use crate::bounded;
use crate::cli::terminal::exit::usage;
use crate::cli::verbs::prompt::Args;
use crate::ui;
use miette::{IntoDiagnostic, Result, WrapErr};
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// The most that is taken from standard input: no model reads more.
const MOST: u64 = 4 << 20;
/// After so long the person is told what is waited for.
const SOON: Duration = Duration::from_secs(2);

/// Every message, in order.
pub(super) fn all(args: &Args) -> Result<Vec<String>> {
    let name = args.name.iter().filter(|_| args.base_url.is_some());
    let mut messages: Vec<String> = name.chain(&args.messages).cloned().collect();
    if args.name.is_none() && args.base_url.is_none() {
        return Err(usage("which model?", "name one: pi prompt NAME \"message\""));
    }
    if args.interactive {
        let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        if !terminal {
            return Err(usage(
                "nobody can type here: this is no terminal",
                "leave out -i, and give the message",
            ));
        }
    } else if let Some(piped) = piped()? {
        match messages.first_mut() {
            Some(first) => *first = format!("{first}\n\n{piped}"),
            None => messages.push(piped),
        }
    }
    if messages.iter().any(|message| message.trim().is_empty()) {
        return Err(usage("there is an empty message", "say something"));
    }
    if messages.is_empty() && !args.interactive {
        return Err(usage("there is nothing to say", "give a message, pipe one in, or use -i"));
    }
    Ok(messages)
}

/// What standard input holds, if it is a pipe or a file: a terminal is not waited for, nor is `/dev/null`.
fn piped() -> Result<Option<String>> {
    let failed = "cannot read standard input";
    let input = std::io::stdin().as_fd().try_clone_to_owned().into_diagnostic().wrap_err(failed)?;
    let file = std::fs::File::from(input);
    let kind = file.metadata().into_diagnostic().wrap_err(failed)?.file_type();
    if !(kind.is_file() || kind.is_fifo() || kind.is_socket()) {
        return Ok(None);
    }
    let (done, wait) = channel();
    std::thread::spawn(move || drop(done.send(bounded::at_most(file, MOST + 1))));
    let bytes = match wait.recv_timeout(SOON) {
        Err(RecvTimeoutError::Timeout) => {
            ui::note("Reading standard input to its end; without anything to read there: </dev/null");
            wait.recv().into_diagnostic()
        }
        read => read.into_diagnostic(),
    };
    let bytes = bytes.wrap_err(failed)?.into_diagnostic().wrap_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(usage("standard input has more than 4 MiB", "no model reads so much: pipe in less"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(usage("standard input is no text", "models here read UTF-8")),
    }
}

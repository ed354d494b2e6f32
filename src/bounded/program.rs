//! Programs of the user's, for what they print.

use super::{Limit, Over};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{IsTerminal, Read, Result};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// How long the rest of its output is waited for when it has ended: what it wrote is in the pipe by then, but a
/// program that it left behind may hold the pipe open for ever.
const REST: Duration = Duration::from_millis(300);

/// What came of a program.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it printed on standard output.
    pub stdout: Vec<u8>,
}

/// Runs a program to its end, with nothing to read; what it says on standard error is for the person.
///
/// # Errors
/// It cannot be started, or goes over the limit; then it is killed, and with it what it began, unless it runs at a
/// terminal: there it may ask for a passphrase, which only the terminal's own group of processes may.
pub fn output(mut command: Command, limit: Limit) -> Result<Ran> {
    let at_terminal = std::io::stdin().is_terminal();
    if !at_terminal {
        command.process_group(0);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let (tell, told) = channel();
    if let Some(pipe) = child.stdout.take() {
        std::thread::Builder::new().spawn(move || read(pipe, limit, &tell))?;
    }
    let ran = wait(&mut child, &told, limit);
    if ran.is_err() {
        if let Some(group) = i32::try_from(child.id()).ok().filter(|_| !at_terminal) {
            // it may have ended meanwhile
            let _ = kill(Pid::from_raw(-group), Signal::SIGKILL);
        }
        drop(child.kill());
        drop(child.wait());
    }
    ran
}

/// Tells what comes, portion by portion; one byte more than the limit at most.
fn read(pipe: ChildStdout, limit: Limit, tell: &Sender<Vec<u8>>) {
    let mut pipe = pipe.take(limit.bytes + 1);
    let mut portion = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut portion) {
        if tell.send(portion[..count].to_vec()).is_err() {
            return;
        }
    }
}

fn wait(child: &mut Child, told: &Receiver<Vec<u8>>, limit: Limit) -> Result<Ran> {
    let (end, mut stdout, mut open) = (Instant::now() + limit.time, Vec::new(), true);
    let status = loop {
        match told.try_recv() {
            Ok(portion) => stdout.extend(portion),
            Err(_) => match child.try_wait()? {
                Some(status) => break status,
                None => sleep(LOOK),
            },
        }
        within(&stdout, limit)?;
        if Instant::now() >= end {
            return Err(Over::Time(limit).into());
        }
    };
    while open {
        match told.recv_timeout(REST) {
            Ok(portion) => stdout.extend(portion),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => open = false,
        }
        within(&stdout, limit)?;
    }
    Ok(Ran { status, stdout })
}

fn within(stdout: &[u8], limit: Limit) -> Result<()> {
    if stdout.len() as u64 > limit.bytes { Err(Over::Bytes(limit).into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_ends_within_the_limits() {
        let limit = Limit { of: "a test", bytes: 64 << 10, time: Duration::from_secs(1) };
        let slow = Err("it did not end within 1 s, the limit for a test".to_owned());
        let long = Err("it is longer than 64 KiB, the limit for a test".to_owned());
        let table = [
            ("echo it", Ok("it\n".to_owned())),
            ("sleep 0.2; echo late", Ok("late\n".to_owned())),
            ("echo it; sleep 15 &", Ok("it\n".to_owned())),
            ("echo it; sleep 48124", slow.clone()),
            ("sleep 48125 | cat", slow.clone()),
            ("trap '' TERM HUP; sleep 48126", slow.clone()),
            ("while :; do echo y; sleep 0.1; done", slow),
            ("yes", long.clone()),
            ("yes & exit 0", long),
        ];
        for (line, expected) in table {
            let begun = Instant::now();
            let mut command = Command::new("bash");
            command.args(["-c", line]);
            let ran = output(command, limit);
            let text =
                ran.map(|ran| String::from_utf8(ran.stdout).unwrap()).map_err(|error| error.to_string());
            assert_eq!(text, expected, "{line}");
            assert!(begun.elapsed() < Duration::from_secs(10), "{line}");
        }
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        let left: Vec<_> = lines.filter(|line| line.starts_with(b"sleep\x004812")).collect();
        assert!(left.is_empty(), "not killed with its program: {left:?}");
    }
}

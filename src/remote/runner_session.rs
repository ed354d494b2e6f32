//! The conversation with the runner on a pod.
//!
//! In: three pipes and an [`RunnerCommand`]. Out: the script's lines and its exit code, which is known only from the
//! runner's last line; without that line nothing is known.

use super::diagnose::{Ended, Instead, instead, no_start};
use super::lines::{Lines, clean};
use super::runner_command::RunnerCommand;
use super::{Exit, Line, RemoteError};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A slow login shell is waited for so long.
const BEGIN: Duration = Duration::from_secs(30);
/// Time to end for what reads standard input in place of the script, when that has ended.
const MUTED: Duration = Duration::from_secs(8);
/// A greeting may be so long, in bytes; what is longer has no end.
const GREETING: usize = 32 << 20;
/// Time to end for a script that shall stop; the runner itself takes 3 to 6 s.
const STOP: Duration = Duration::from_secs(20);
/// Time for the rest when standard output has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A process that waits for an command, here or elsewhere.
pub(super) struct Wire<'a> {
    pub(super) stdin: Pin<Box<dyn AsyncWrite + Send + 'a>>,
    pub(super) stdout: Pin<Box<dyn AsyncRead + Send + 'a>>,
    pub(super) stderr: Pin<Box<dyn AsyncRead + Send + 'a>>,
    /// Asked only when there is no more output: openssh closes the channel when it hears the answer, which sshd
    /// may send before the last of the output.
    pub(super) ended: Pin<Box<dyn Future<Output = Ended> + Send + 'a>>,
}

/// Which of the runner's two streams.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Out,
    Err,
}

/// One of the runner's two streams.
struct Stream<'a> {
    side: Side,
    lines: Lines<Pin<Box<dyn AsyncRead + Send + 'a>>>,
    begun: bool,
    over: bool,
    /// From the runner's last line.
    exit: Option<i32>,
    /// What came before it began, the first of it: a login shell's noise.
    noise: String,
    /// How much that was, in bytes.
    noisy: usize,
}

impl<'a> Stream<'a> {
    fn new(side: Side, reader: Pin<Box<dyn AsyncRead + Send + 'a>>) -> Self {
        Self {
            side,
            lines: Lines::new(reader),
            begun: false,
            over: false,
            exit: None,
            noise: String::new(),
            noisy: 0,
        }
    }

    /// Reads a line; the text in it, if the script has printed some. Dropping it loses nothing.
    async fn next(&mut self, mark: &str) -> Option<String> {
        let Some(line) = self.lines.next().await else {
            self.over = true;
            return None;
        };
        let mark = format!("\u{1e}{mark} ");
        let at = line.windows(mark.len()).position(|part| part == mark.as_bytes());
        let (text, sign) = line.split_at(at.unwrap_or(line.len()));
        let sign = String::from_utf8_lossy(sign.get(mark.len()..).unwrap_or_default());
        if !self.begun {
            self.noisy += line.len();
            if self.noise.len() < 4096 {
                self.noise.push_str(&clean(text));
                self.noise.push('\n');
            }
            self.begun = sign == "begin";
            return None;
        }
        // where a login script has joined the streams, what the runner says on the other one comes here, too
        if self.side == Side::Out && matches!(&*sign, "begin" | "end") {
            return (!text.is_empty()).then(|| clean(text));
        }
        if let Some(code) = sign.strip_prefix("end") {
            self.over = true;
            self.exit = code.trim().parse().ok();
        }
        (!self.over || !text.is_empty()).then(|| clean(text))
    }
}

/// Sends the command, then signs of life, then, if it comes to that, the word to stop. Nothing before the runner has begun:
/// a login script that reads standard input would take it.
async fn speak(
    mut stdin: Pin<Box<dyn AsyncWrite + Send + '_>>,
    command: &RunnerCommand<'_>,
    begun: &CancellationToken,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    tokio::select! {
        () = begun.cancelled() => {}
        // the runner takes the end of its input for the word to stop
        () = stop.cancelled() => return Ok(()),
    }
    let order_itself = async {
        stdin.write_all(command.script()).await?;
        stdin.write_all(command.input()).await?;
        stdin.flush().await
    };
    tokio::select! {
        sent = order_itself => sent?,
        // half a script
        () = stop.cancelled() => return Ok(()),
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(command.beat) => stdin.write_all(b"\n").await?,
            () = stop.cancelled() => break,
        }
        stdin.flush().await?;
    }
    stdin.write_all(b"stop\n").await?;
    stdin.flush().await?;
    // closed only when nobody listens any more
    std::future::pending().await
}

/// How far a conversation has come.
struct RunnerSession<'a> {
    out: Stream<'a>,
    err: Stream<'a>,
    /// The runner has ended.
    gone: Option<Ended>,
    stopping: bool,
    /// Standard input was ended, to see who reads it, when so many bytes had come.
    muted: Option<usize>,
    deadline: Option<Instant>,
}

/// Runs the command to its end.
pub(super) async fn converse(
    mut wire: Wire<'_>,
    command: &RunnerCommand<'_>,
    at: &str,
    stop: &CancellationToken,
    mut hear: impl FnMut(Line) + Send,
) -> Result<Exit, RemoteError> {
    let begun = CancellationToken::new();
    let mut voice = Some(Box::pin(speak(wire.stdin, command, &begun, stop)));
    let (out, err) = (Stream::new(Side::Out, wire.stdout), Stream::new(Side::Err, wire.stderr));
    let mut session = RunnerSession::new(out, err);
    while !session.over() {
        tokio::select! {
            text = session.out.next(&command.mark), if !session.out.over => {
                session.moved();
                if session.out.begun {
                    begun.cancel();
                }
                if let Some(text) = text {
                    hear(Line::Out(text));
                }
            }
            text = session.err.next(&command.mark), if !session.err.over => {
                if let Some(text) = text {
                    hear(Line::Err(text));
                }
            }
            () = maybe(&mut voice), if voice.is_some() => voice = None,
            how = &mut wire.ended, if session.unclear() => session.gone = Some(how),
            () = stop.cancelled(), if !session.stopping => {
                session.stopping = true;
                session.limit(STOP);
            }
            () = at_last(session.deadline) => {
                if !session.mute() {
                    break;
                }
                voice = None;
            }
        }
        if session.is_endless() {
            break;
        }
    }
    session.verdict(at)
}

impl<'a> RunnerSession<'a> {
    fn new(out: Stream<'a>, err: Stream<'a>) -> Self {
        Self { out, err, gone: None, stopping: false, muted: None, deadline: Some(Instant::now() + BEGIN) }
    }

    /// Nothing more is to come.
    fn over(&self) -> bool {
        self.out.over && self.err.over && (self.out.exit.is_some() || self.gone.is_some())
    }

    /// Standard output has ended without the runner's last line.
    fn unclear(&self) -> bool {
        self.out.over && self.out.exit.is_none() && self.gone.is_none()
    }

    /// The script has not begun in time: whether standard input is to be ended now.
    fn mute(&mut self) -> bool {
        let mute = !(self.out.begun || self.out.over || self.stopping || self.muted.is_some());
        if mute {
            self.muted = Some(self.noisy());
            self.limit(MUTED);
        }
        mute
    }

    /// More is said before the script begins than anybody has to say.
    fn is_endless(&self) -> bool {
        !self.out.begun && self.noisy() > GREETING
    }

    /// Bytes that came before the script began.
    fn noisy(&self) -> usize {
        self.out.noisy + self.err.noisy
    }

    fn limit(&mut self, time: Duration) {
        self.deadline = Some(Instant::now() + time);
    }

    /// Something came on standard output: a script that has begun may take its time.
    fn moved(&mut self) {
        if self.out.over {
            self.limit(LAST_WORDS);
        } else if self.out.begun && !self.stopping {
            self.deadline = None;
        }
    }

    fn verdict(self, at: &str) -> Result<Exit, RemoteError> {
        let at = at.to_owned();
        // with code 1 the runner says that it has not run the script
        let never = self.gone == Some(Ended::With(1));
        match (self.out.exit, self.gone) {
            (Some(code), _) if code == 0 || !self.stopping => Ok(Exit(code)),
            (None, _) if self.out.begun && !self.stopping && (never || self.muted.is_some()) => {
                let how = if self.muted.is_some() { Instead::Reads } else { Instead::ClosesInput };
                Err(instead(how, &self.said(), &at))
            }
            (None, _) if self.out.begun && !(self.stopping && never) => Err(RemoteError::Lost { at }),
            _ if self.stopping => Err(RemoteError::Stopped { at }),
            (_, None) if self.is_endless() || self.muted.is_some_and(|then| self.noisy() > then) => {
                Err(instead(Instead::Prints, &self.said(), &at))
            }
            (_, Some(_)) if self.muted.is_some() => Err(instead(Instead::Replaces, &self.said(), &at)),
            (_, ended) => Err(no_start(ended, &self.said(), &at)),
        }
    }

    /// What came before the script began.
    fn said(&self) -> String {
        format!("{}\n{}", self.err.noise, self.out.noise)
    }
}

async fn maybe<F: Future + Unpin>(future: &mut Option<F>) {
    match future {
        Some(future) => drop(future.await),
        None => std::future::pending().await,
    }
}

async fn at_last(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

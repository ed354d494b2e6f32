//! The conversation with the runner on a pod.
//!
//! In: three pipes and an [`Order`]. Out: the script's lines and its exit code, which is known only from the
//! runner's last line; without that line nothing is known.

use super::lines::{Lines, clean};
use super::order::Order;
use super::{Exit, Line, RemoteError, diagnose};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A slow login shell is waited for so long.
const BEGIN: Duration = Duration::from_secs(30);
/// Time to end for a script that shall stop; the runner itself takes 3 to 6 s.
const STOP: Duration = Duration::from_secs(20);
/// Time for the last words after the runner has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A process that waits for an order, here or elsewhere.
pub(super) struct Wire<'a> {
    pub(super) stdin: Pin<Box<dyn AsyncWrite + Send + 'a>>,
    pub(super) stdout: Pin<Box<dyn AsyncRead + Send + 'a>>,
    pub(super) stderr: Pin<Box<dyn AsyncRead + Send + 'a>>,
    /// Its own exit code, where it is told.
    pub(super) ended: Pin<Box<dyn Future<Output = Option<i32>> + Send + 'a>>,
}

/// One of the runner's two streams.
struct Stream<'a> {
    lines: Lines<Pin<Box<dyn AsyncRead + Send + 'a>>>,
    begun: bool,
    over: bool,
    /// What came before it began: a login shell's noise.
    noise: String,
}

/// What a stream brought.
enum Heard {
    Text(String),
    /// The runner's last line on this stream.
    End(Option<i32>),
}

impl<'a> Stream<'a> {
    fn new(reader: Pin<Box<dyn AsyncRead + Send + 'a>>) -> Self {
        Self { lines: Lines::new(reader), begun: false, over: false, noise: String::new() }
    }

    /// What comes next; cancel-safe.
    async fn next(&mut self, mark: &str) -> (Option<Heard>, Option<Heard>) {
        let Some(line) = self.lines.next().await else {
            self.over = true;
            return (None, None);
        };
        let sign = format!("\u{1e}{mark} ");
        let at = line.windows(sign.len()).position(|part| part == sign.as_bytes());
        let (text, sign) = match at {
            Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + sign.len()..)),
            None => (line.as_slice(), None),
        };
        let sign = sign.map(String::from_utf8_lossy);
        if !self.begun {
            if self.noise.len() < 4096 {
                self.noise.push_str(&clean(text));
                self.noise.push('\n');
            }
            self.begun = sign.as_deref() == Some("begin");
            return (None, None);
        }
        let end = sign.as_deref().and_then(|sign| sign.strip_prefix("end"));
        let end = end.map(|code| Heard::End(code.trim().parse().ok()));
        self.over = end.is_some();
        let text = (end.is_none() || !text.is_empty()).then(|| Heard::Text(clean(text)));
        (text, end)
    }
}

/// Sends the order, then signs of life, then, if it comes to that, the word to stop.
async fn speak(
    mut stdin: Pin<Box<dyn AsyncWrite + Send + '_>>,
    order: &Order<'_>,
    stop: &CancellationToken,
) -> std::io::Result<()> {
    let send = async {
        stdin.write_all(order.script()).await?;
        stdin.write_all(order.input()).await?;
        stdin.flush().await
    };
    tokio::select! {
        sent = send => sent?,
        // half a script: the runner takes the end of its input for the word to stop
        () = stop.cancelled() => return Ok(()),
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(order.lease / 3) => stdin.write_all(b"\n").await?,
            () = stop.cancelled() => break,
        }
        stdin.flush().await?;
    }
    stdin.write_all(b"stop\n").await?;
    stdin.flush().await?;
    // closed only when nobody listens any more
    std::future::pending().await
}

/// Runs the order to its end.
pub(super) async fn converse(
    wire: Wire<'_>,
    order: &Order<'_>,
    at: &str,
    stop: &CancellationToken,
    mut hear: impl FnMut(Line) + Send,
) -> Result<Exit, RemoteError> {
    let mut ended = wire.ended;
    let (mut out, mut err) = (Stream::new(wire.stdout), Stream::new(wire.stderr));
    let mut voice = Some(Box::pin(speak(wire.stdin, order, stop)));
    let mut deadline = Some(Instant::now() + BEGIN);
    let (mut exit, mut gone, mut stopping) = (None, None, false);
    while !(out.over && err.over && (exit.is_some() || gone.is_some())) {
        tokio::select! {
            (text, end) = out.next(&order.mark), if !out.over => {
                if out.begun && gone.is_none() && !stopping {
                    deadline = None;
                }
                if let Some(Heard::Text(text)) = text {
                    hear(Line::Out(text));
                }
                if let Some(Heard::End(code)) = end {
                    exit = code;
                }
                if out.over {
                    deadline = Some(Instant::now() + LAST_WORDS);
                }
            }
            (text, _) = err.next(&order.mark), if !err.over => {
                if let Some(Heard::Text(text)) = text {
                    hear(Line::Err(text));
                }
            }
            _ = maybe(&mut voice), if voice.is_some() => voice = None,
            code = &mut ended, if gone.is_none() => {
                gone = Some(code);
                // its children may go on without it; the end of their input stops them
                voice = None;
                deadline = Some(Instant::now() + LAST_WORDS);
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                deadline = Some(Instant::now() + STOP);
            }
            () = at_last(deadline) => break,
        }
    }
    let at = at.to_owned();
    match exit {
        Some(0) => Ok(Exit(0)),
        Some(_) if stopping => Err(RemoteError::Stopped { at }),
        Some(code) => Ok(Exit(code)),
        // the runner got half a script, and has not run it
        None if stopping && gone == Some(Some(1)) => Err(RemoteError::Stopped { at }),
        None if out.begun => Err(RemoteError::Lost { at }),
        None if stopping => Err(RemoteError::Stopped { at }),
        None if gone.is_none() => Err(RemoteError::TimedOut { at }),
        None => Err(diagnose::no_start(gone.flatten(), &format!("{}\n{}", out.noise, err.noise), &at)),
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

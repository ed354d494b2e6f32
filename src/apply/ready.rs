//! The readiness ladder: its process, its port, `/health`, nothing without the key, `/v1/models`, one token, a tool call.

use crate::apply::ask::{Answer, ask};
use crate::apply::event::{Failure, FailureKind, LOG, PHASE, WARNING};
use crate::apply::excerpt::LEFT_OUT;
use crate::apply::guard::{OPEN, is_guarded, prove_closed};
use crate::apply::starting::interrupted;
use crate::apply::step_runner::{StepRunner, from_remote};
use crate::diagnose::{Phase, cause_of_death, first_cause, progress};
use crate::name::SecretName;
use crate::plan::{Awaited, Standing};
use crate::remote::{Exit, Line, Remote, Way};
use crate::script::ExitCode;
use crate::secret::Secret;
use crate::spec::{KeyUse, ServerSpec};
use crate::units::Seconds;

/// What stands before the end of a long log, of which not all was told before.
const THE_END: &str = "pi: the end of its log:";
/// Log lines shown where no cause is found in them.
const SHOWN: usize = 8;

/// Waits until the server has answered with a token, and notes that on the pod.
pub(super) async fn await_ready<R: Remote>(
    runner: &StepRunner<'_, R>,
    server: &Awaited,
) -> Result<(), Failure> {
    let climbed = climb(runner, server).await;
    if climbed.as_ref().is_err_and(|failure| failure.kind == FailureKind::Interrupt) {
        interrupted(runner, server).await;
    }
    climbed
}

async fn climb<R: Remote>(runner: &StepRunner<'_, R>, server: &Awaited) -> Result<(), Failure> {
    let spec = &server.spec;
    let (exit, lines) =
        runner.run_telling(&server.wait, None, &|line| (runner.say)(told(spec, line))).await?;
    if exit != Exit(0) {
        return Err(not_healthy(server, exit, &lines));
    }
    let complaint = answers(runner, server).await?;
    if let Some(complaint) = &complaint {
        (runner.say)(format!("{WARNING}\t{complaint}"));
    }
    let note = complaint.map(|complaint| Secret::new(format!("{complaint}\n")));
    let (exit, lines) = runner.run(&server.answered, note).await?;
    if exit == Exit(0) { Ok(()) } else { Err(died(server, &lines)) }
}

/// Why its `/health` does not answer.
fn not_healthy(server: &Awaited, exit: Exit, lines: &[Line]) -> Failure {
    let Awaited { spec, stall, .. } = server;
    match ExitCode::of(exit.0) {
        Some(ExitCode::Gone) => died(server, lines),
        Some(ExitCode::Stalled) => stalled(*stall, lines),
        Some(ExitCode::PortTaken) => stranger(spec),
        Some(ExitCode::Elsewhere) => elsewhere(spec, lines),
        Some(ExitCode::Answers | ExitCode::NotBegun | ExitCode::Held | ExitCode::LockLost) | None => {
            let message = format!("waiting for it ended with exit code {}", exit.0);
            Failure::new("script-failed", message).lines(tail(lines))
        }
    }
}

/// The rungs above `/health`; what is to be said of the server all the same.
async fn answers<R: Remote>(runner: &StepRunner<'_, R>, server: &Awaited) -> Result<Option<String>, Failure> {
    let spec = &server.spec;
    let reach = runner.context.remote.reach(runner.pod, spec.port).await.map_err(|e| from_remote(&e))?;
    let way = reach.way();
    if is_guarded(spec) {
        (runner.say)("asking without the key".to_owned());
        if let Err(open) = unless_interrupted(runner, prove_closed(way, spec)).await {
            return Err(shut(runner, server, open).await);
        }
    }
    match key(runner, spec) {
        Key::None => token(runner, way, server, None).await,
        Key::Known(key) => token(runner, way, server, Some(key)).await,
        Key::Unknown => {
            (runner.say)("its /health answers; the API key is not on this machine".to_owned());
            Ok(None)
        }
    }
}

/// What a line of the log tells: a phase, or what it says.
fn told(spec: &ServerSpec, line: &str) -> String {
    match progress(spec.kind, line) {
        Some(Phase { name, percent: Some(percent) }) => format!("{PHASE}\t{name}\t{percent}"),
        Some(Phase { name, percent: None }) => format!("{PHASE}\t{name}"),
        None => format!("{LOG}\t{line}"),
    }
}

/// Stops a server that is open to anybody: the failure says whether it is.
async fn shut<R: Remote>(runner: &StepRunner<'_, R>, server: &Awaited, open: Failure) -> Failure {
    if open.code != OPEN {
        return open;
    }
    let stop = server.stop.because("it answered without the API key");
    let stood = match runner.uninterrupted().finish(&stop, None).await {
        Ok(()) => "It was stopped".to_owned(),
        Err(why) => format!("It could not be stopped: {}", why.message),
    };
    Failure { message: format!("{}. {stood}", open.message), ..open }
}

async fn unless_interrupted<R, T>(
    runner: &StepRunner<'_, R>,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        () = runner.interrupt.cancelled() => Err(Failure::interrupted()),
    }
}

/// The key to ask with.
enum Key<'a> {
    None,
    Known(&'a Secret),
    /// The pod has one that this machine has not.
    Unknown,
}

fn key<'a, R>(runner: &StepRunner<'a, R>, spec: &ServerSpec) -> Key<'a> {
    let api_key = |name: &SecretName| name.as_str() == "api_key";
    match spec.key {
        KeyUse::Open => Key::None,
        KeyUse::Required => match runner.context.secrets.iter().find(|(name, _)| api_key(name)) {
            Some((_, secret)) => Key::Known(secret),
            None => Key::Unknown,
        },
    }
}

/// Asks for a token; what is to be said of the server all the same.
async fn token<R: Remote>(
    runner: &StepRunner<'_, R>,
    way: &Way,
    Awaited { spec, stall, .. }: &Awaited,
    key: Option<&Secret>,
) -> Result<Option<String>, Failure> {
    (runner.say)("asking for a token".to_owned());
    match unless_interrupted(runner, ask(way, spec, key, stall.duration())).await? {
        Answer::Token => Ok(None),
        Answer::NoTool(complaint) => Ok(Some(complaint)),
        Answer::NoChat(why) => {
            (runner.say)(format!("it serves no text: {why}"));
            Ok(None)
        }
    }
}

fn text(line: &Line) -> &str {
    let (Line::Out(text) | Line::Err(text)) = line;
    text
}

fn tail(lines: &[Line]) -> Vec<String> {
    let full: Vec<&str> = lines.iter().map(text).filter(|line| !line.trim().is_empty()).collect();
    full[full.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned()).collect()
}

fn died(Awaited { spec, standing, .. }: &Awaited, lines: &[Line]) -> Failure {
    // another run is the server by the time that this is read
    let previous = if *standing == Standing::Alone { "" } else { " --previous" };
    let log: Vec<String> = lines.iter().map(|line| text(line).to_owned()).collect();
    match first_cause(spec.kind, &log).or_else(|| cause_of_death(spec.kind, &log)) {
        Some(cause) => {
            // behind what was left out of a long log its number is not known
            let gap = log.iter().position(|line| line == THE_END || line.starts_with(LEFT_OUT));
            let known = gap.is_none_or(|gap| cause.number <= gap);
            let number = if known { format!(":{}", cause.number) } else { String::new() };
            Failure::new(cause.code, format!("it died: {}", cause.message))
                .help(cause.help.replace("`pi logs NAME`", &format!("`pi logs {}{previous}`", spec.name)))
                .lines([format!("server.log{number}: {}", cause.line)])
        }
        None => Failure::new("died-at-start", "it was ended from outside: its log shows no cause")
            .lines(tail(lines)),
    }
}

fn stalled(stall: Seconds, lines: &[Line]) -> Failure {
    let why = why(lines).map(|why| format!(": {why}")).unwrap_or_default();
    let logged: Vec<Line> = lines.iter().filter(|line| matches!(line, Line::Out(_))).cloned().collect();
    Failure::new("stalled", format!("its start made no progress for {stall}{why}"))
        .help("`ready_stall` sets how long pi waits")
        .lines(tail(&logged))
}

/// The last that the script itself said: what came of asking the server.
fn why(lines: &[Line]) -> Option<&str> {
    lines.iter().rev().find_map(|line| match line {
        Line::Err(text) if !text.trim().is_empty() => Some(text.trim()),
        Line::Err(_) | Line::Out(_) => None,
    })
}

fn elsewhere(spec: &ServerSpec, lines: &[Line]) -> Failure {
    let why = why(lines).unwrap_or("it answers on another address");
    let (listen, port) = (spec.listen, spec.port);
    Failure::new("wrong-address", why.to_owned())
        .help(format!("have it listen on {listen}, port {port}, or set `listen` to the address that it has"))
}

fn stranger(spec: &ServerSpec) -> Failure {
    Failure::new("port-taken", format!("another process answers on port {}", spec.port))
        .help("end that process, or give this model another `port`")
}

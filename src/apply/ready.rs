//! The readiness ladder: its process, its port, `/health`, `/v1/models`, one token.

use crate::apply::ask::{Answer, ask};
use crate::apply::event::Failure;
use crate::apply::perform::{Errand, from_remote};
use crate::diagnose::{cause_of_death, first_cause};
use crate::name::SecretName;
use crate::remote::{Exit, Line, Remote};
use crate::script::Script;
use crate::secret::Secret;
use crate::spec::{KeyUse, ServerSpec};
use crate::units::Seconds;

/// Log lines shown where no cause is found in them.
const SHOWN: usize = 8;

/// Waits until the server has answered with a token, and notes that on the pod.
pub(super) async fn await_ready<R: Remote>(
    errand: &Errand<'_, R>,
    (spec, stall): (&ServerSpec, Seconds),
    wait: &Script,
    mark: &Script,
) -> Result<(), Failure> {
    let (exit, lines) = errand.run(wait, None).await?;
    match exit {
        Exit(0) => {}
        Exit(3) => return Err(died(spec, &lines)),
        Exit(4) => return Err(stalled(stall, &lines)),
        Exit(5) => return Err(stranger(spec)),
        Exit(code) => {
            return Err(Failure::new("script-failed", format!("waiting for it ended with exit code {code}"))
                .lines(tail(&lines)));
        }
    }
    match key(errand, spec) {
        Key::None => token(errand, spec, None, stall).await?,
        Key::Known(key) => token(errand, spec, Some(key), stall).await?,
        Key::Unknown => (errand.say)("its /health answers; the API key is not on this machine".to_owned()),
    }
    let (exit, lines) = errand.run(mark, None).await?;
    if exit == Exit(0) { Ok(()) } else { Err(died(spec, &lines)) }
}

/// The key to ask with.
enum Key<'a> {
    None,
    Known(&'a Secret),
    /// The pod has one that this machine has not.
    Unknown,
}

fn key<'a, R>(errand: &Errand<'a, R>, spec: &ServerSpec) -> Key<'a> {
    let api_key = |name: &SecretName| name.as_str() == "api_key";
    match spec.key {
        KeyUse::Open => Key::None,
        KeyUse::Required => match errand.crew.secrets.iter().find(|(name, _)| api_key(name)) {
            Some((_, secret)) => Key::Known(secret),
            None => Key::Unknown,
        },
    }
}

async fn token<R: Remote>(
    errand: &Errand<'_, R>,
    spec: &ServerSpec,
    key: Option<&Secret>,
    stall: Seconds,
) -> Result<(), Failure> {
    (errand.say)("asking for a token".to_owned());
    let reach = errand.crew.remote.reach(errand.pod, spec.port).await.map_err(|e| from_remote(&e))?;
    let answer = tokio::select! {
        answer = ask(reach.way(), spec, key, stall.duration()) => answer?,
        () = errand.interrupt.cancelled() => return Err(Failure::interrupted()),
    };
    match answer {
        Answer::Token => Ok(()),
        Answer::NoChat(why) => {
            (errand.say)(format!("it serves no text: {why}"));
            Ok(())
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

fn died(spec: &ServerSpec, lines: &[Line]) -> Failure {
    let log: Vec<String> = lines.iter().map(|line| text(line).to_owned()).collect();
    match first_cause(spec.kind, &log).or_else(|| cause_of_death(spec.kind, &log)) {
        Some(cause) => Failure::new(cause.code, format!("it died: {}", cause.message))
            .help(cause.help)
            .lines([format!("server.log:{}: {}", cause.number, cause.line)]),
        None => Failure::new("died-at-start", "it was ended from outside: its log shows no cause")
            .lines(tail(lines)),
    }
}

fn stalled(stall: Seconds, lines: &[Line]) -> Failure {
    Failure::new("stalled", format!("its start made no progress for {stall}"))
        .help("`ready_stall` sets how long pi waits")
        .lines(tail(lines))
}

fn stranger(spec: &ServerSpec) -> Failure {
    Failure::new("port-taken", format!("another process answers on port {}", spec.port))
        .help("end that process, or give this model another `port`")
}

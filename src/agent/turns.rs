//! The loop: the model answers, its tools are called, their results go back, until it has no more calls.

use crate::agent::client::{Client, Request, Timed};
use crate::agent::message::{Call, Finish, Message, Piece, Usage};
use crate::agent::session::Session;
use crate::agent::tools::Toolbox;
use crate::agent::trouble::Trouble;
use miette::Result;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What a conversation is made with.
#[derive(Debug)]
pub struct Talk<'a> {
    /// Who answers.
    pub client: &'a Client,
    /// What it is told first.
    pub system: &'a str,
    /// What it may use.
    pub toolbox: Option<&'a Toolbox>,
    /// How often it may be asked for one message.
    pub max_turns: NonZeroUsize,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A piece of the model's answer.
    Piece(Piece),
    /// A tool is called now.
    Calling(Call),
    /// A tool gave a result, or said why there is none.
    Result {
        /// The call.
        call: Call,
        /// What the model gets to read.
        result: Result<String, String>,
    },
    /// A turn is over.
    Turn(Measured),
}

/// What one turn, or all of them, took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    /// How many turns.
    pub turns: usize,
    /// Tokens, where the server counts them.
    pub usage: Option<Usage>,
    /// Until the first token of the first turn.
    pub first: Option<Duration>,
    /// From each turn's first token to its end, summed: the time of writing.
    pub writing: Duration,
    /// From each request to its answer's end, summed.
    pub whole: Duration,
}

impl Measured {
    /// Both together.
    #[must_use]
    pub fn and(self, next: Self) -> Self {
        let usage = match (self.usage, next.usage) {
            (Some(a), Some(b)) => Some(Usage { input: a.input + b.input, output: a.output + b.output }),
            (one, other) => one.or(other),
        };
        Self {
            turns: self.turns + next.turns,
            usage,
            first: self.first.or(next.first),
            writing: self.writing + next.writing,
            whole: self.whole + next.whole,
        }
    }

    /// Tokens written per second, without the wait for the first of each turn.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        let written = u32::try_from(self.usage?.output).ok()?;
        // the first token of a turn is waited for, not counted
        let after_first = written.saturating_sub(u32::try_from(self.turns).ok()?);
        let seconds = self.writing.as_secs_f64();
        (after_first > 0 && seconds > 0.0).then(|| f64::from(after_first) / seconds)
    }
}

/// How the model's part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It has answered.
    Answered,
    /// Its last answer ends because there was no room for more.
    Full,
    /// The server withheld the rest of the last answer.
    Filtered,
    /// It still wants to call tools, but was asked often enough.
    OutOfTurns,
    /// The person stopped it.
    Interrupted,
}

/// Says one message and lets the model come to its answer. Everything said is kept in the session, whole or not at all:
/// after trouble the message is taken back, so that the conversation can go on.
pub async fn talk(
    talk: &Talk<'_>,
    session: &mut Session,
    message: String,
    stop: &CancellationToken,
    tell: &mut dyn FnMut(Event),
) -> Result<Ending> {
    session.begin();
    session.add(Message::User { text: talk.client.without_key(&message) });
    let ending = turns(talk, session, stop, tell).await;
    match ending {
        Ok(Ending::Interrupted) | Err(_) if !session.ends_with_answer() => session.take_back(),
        Ok(_) | Err(_) => {}
    }
    session.write()?;
    Ok(ending?)
}

async fn turns(
    talk: &Talk<'_>,
    session: &mut Session,
    stop: &CancellationToken,
    tell: &mut dyn FnMut(Event),
) -> Result<Ending, Trouble> {
    let specs = talk.toolbox.map(Toolbox::specs).unwrap_or_default();
    for _ in 0..talk.max_turns.get() {
        let request = Request { system: talk.system, messages: session.messages(), tools: &specs };
        let answer = talk.client.turn(&request, stop, &mut |piece| tell(Event::Piece(piece))).await?;
        tell(Event::Turn(measured(&answer)));
        let answer = answer.answer;
        let (calls, finish) = (answer.calls.clone(), answer.finish);
        if finish != Finish::Interrupted || !answer.text.is_empty() {
            session.add(Message::Assistant(answer));
        }
        match finish {
            Finish::Interrupted => return Ok(Ending::Interrupted),
            Finish::Length if calls.is_empty() => return Ok(Ending::Full),
            Finish::Filtered => return Ok(Ending::Filtered),
            Finish::Done if calls.is_empty() => return Ok(Ending::Answered),
            Finish::Done | Finish::Length => {}
        }
        for call in calls {
            tell(Event::Calling(call.clone()));
            let Some(result) = result(talk, &call, stop).await else { return Ok(Ending::Interrupted) };
            let text = match &result {
                Ok(text) => text.clone(),
                Err(why) => format!("error: {why}"),
            };
            session.add(Message::Tool { call: call.id.clone(), text });
            tell(Event::Result { call, result });
        }
    }
    Ok(Ending::OutOfTurns)
}

/// A call's result; nothing if the person did not wait for it.
async fn result(talk: &Talk<'_>, call: &Call, stop: &CancellationToken) -> Option<Result<String, String>> {
    let Some(toolbox) = talk.toolbox.cloned() else {
        return Some(Err(format!("there is no tool `{}`; there are none", call.name)));
    };
    let Call { name, arguments, .. } = call.clone();
    // each tool gives up by itself after a while
    let work = tokio::task::spawn_blocking(move || toolbox.call(&name, &arguments));
    let safe = |text: String| talk.client.without_key(&text);
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        done = work => Some(match done {
            Ok(result) => result.map(safe).map_err(safe),
            Err(error) => Err(format!("the tool failed: {error}")),
        }),
    }
}

fn measured(timed: &Timed) -> Measured {
    let Timed { answer, first, whole } = timed;
    let writing = first.map_or(Duration::ZERO, |first| whole.saturating_sub(first));
    Measured { turns: 1, usage: answer.usage, first: *first, writing, whole: *whole }
}

//! The Chat Completions API: what is sent, and how its stream becomes an answer.

use crate::agent::gather::{Fault, Gathered, parse, said};
use crate::agent::message::{Answer, Call, Finish, Message, Piece};
use crate::bounded::{CALLS, Over};
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of a request.
pub(super) fn body(system: &str, messages: &[Message], tools: &[Value]) -> Value {
    let last_user = messages.iter().rposition(|message| matches!(message, Message::User { .. }));
    let said = messages.iter().enumerate().map(|(at, message)| {
        wire(message, if Some(at) > last_user { Thoughts::Kept } else { Thoughts::Dropped })
    });
    let system = (!system.is_empty()).then(|| json!({ "role": "system", "content": system }));
    let messages: Vec<Value> = system.into_iter().chain(said).collect();
    let mut body =
        json!({ "messages": messages, "stream": true, "stream_options": { "include_usage": true } });
    if !tools.is_empty() {
        let tools = tools.iter().map(|tool| json!({ "type": "function", "function": tool }));
        body["tools"] = tools.collect();
    }
    body
}

/// Between the calls of one task the model goes on from what it thought; older thoughts are dropped.
#[derive(Clone, Copy, PartialEq)]
enum Thoughts {
    Kept,
    Dropped,
}

fn wire(message: &Message, thoughts: Thoughts) -> Value {
    match message {
        Message::User { text } => json!({ "role": "user", "content": text }),
        Message::Tool { call, text } => json!({ "role": "tool", "tool_call_id": call, "content": text }),
        Message::Assistant(answer) => {
            let mut wire = json!({ "role": "assistant", "content": answer.text });
            if !answer.calls.is_empty() {
                wire["tool_calls"] = answer.calls.iter().map(call).collect();
            }
            if let Some(field) = answer.thinking_field.as_ref().filter(|_| thoughts == Thoughts::Kept) {
                wire[field] = json!(answer.thinking);
            }
            wire
        }
    }
}

fn call(call: &Call) -> Value {
    json!({ "id": call.id, "type": "function",
            "function": { "name": call.name, "arguments": sound(&call.arguments) } })
}

/// Arguments that servers can parse: their chat templates do, and refuse the whole conversation if they can't.
pub(super) fn sound(arguments: &str) -> &str {
    let object = serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object());
    if object { arguments } else { "{}" }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    error: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice {
    // `message` where a server does not stream
    #[serde(alias = "message")]
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<CallPart>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CallPart {
    index: Option<usize>,
    id: Option<String>,
    function: Option<FunctionPart>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FunctionPart {
    name: Option<String>,
    arguments: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// A stream on its way to an answer.
#[derive(Debug, Default)]
pub(super) struct Fold {
    gathered: Gathered,
    calls: Vec<(Option<usize>, Call)>,
}

impl Fold {
    /// What an event adds.
    pub(super) fn hear(&mut self, data: &str) -> Result<Vec<Piece>, Fault> {
        if data.trim() == "[DONE]" {
            self.gathered.complete = true;
            return Ok(Vec::new());
        }
        let Chunk { choices, usage, error } = parse(data)?;
        if let Some(error) = error.filter(|error| !error.is_null()) {
            return Err(said(&error));
        }
        if let Some(Tokens { prompt_tokens, completion_tokens }) = usage {
            self.gathered.count(prompt_tokens, completion_tokens);
        }
        let mut pieces = Vec::new();
        if let Some(Choice { delta, finish_reason }) = choices.into_iter().flatten().next() {
            if let Some(delta) = delta {
                pieces = self.add(delta)?;
            }
            if let Some(reason) = finish_reason {
                self.gathered.finish(finish(&reason));
            }
        }
        Ok(pieces)
    }

    /// The answer; cut, if the server never said that it is whole.
    pub(super) fn end(self) -> Result<(Vec<Piece>, Answer), Fault> {
        if self.gathered.complete { Ok(self.so_far()) } else { Err(Fault::Cut) }
    }

    /// The answer as far as it has come.
    pub(super) fn so_far(self) -> (Vec<Piece>, Answer) {
        self.gathered.end(self.calls.into_iter().map(|(_, call)| call).collect())
    }

    fn add(&mut self, delta: Delta) -> Result<Vec<Piece>, Fault> {
        let Delta { content, reasoning_content, reasoning, tool_calls } = delta;
        let texts = [&content, &reasoning_content, &reasoning].into_iter().flatten();
        self.gathered.grow(texts.map(String::len).sum())?;
        // servers between two names of the field send both
        let mut pieces = match (reasoning_content, reasoning) {
            (Some(text), _) => self.gathered.thinking(&text, "reasoning_content"),
            (None, Some(text)) => self.gathered.thinking(&text, "reasoning"),
            (None, None) => Vec::new(),
        };
        if let Some(text) = content {
            pieces.extend(self.gathered.text(&text));
        }
        for part in tool_calls.into_iter().flatten() {
            self.add_call(part)?;
        }
        Ok(pieces)
    }

    fn add_call(&mut self, part: CallPart) -> Result<(), Fault> {
        let CallPart { index, id, function } = part;
        let id = id.filter(|id| !id.is_empty());
        let open = match index {
            Some(_) => self.calls.iter().position(|(at, _)| *at == index),
            // without an index, an id begins another call
            None if id
                .as_ref()
                .is_none_or(|id| self.calls.last().is_some_and(|(_, last)| last.id == *id)) =>
            {
                self.calls.len().checked_sub(1)
            }
            None => None,
        };
        let at = open.unwrap_or_else(|| {
            self.calls.push((index, Call::default()));
            self.calls.len() - 1
        });
        if matches!(CALLS, Over::Count(most, _) if at >= most) {
            return Err(Fault::Over(CALLS));
        }
        let Some((_, call)) = self.calls.get_mut(at) else { return Ok(()) };
        if let Some(id) = id {
            call.id = id;
        }
        let FunctionPart { name, arguments } = function.unwrap_or_default();
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            call.name = name;
        }
        let text = match arguments {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => return Ok(()),
            Some(value) => value.to_string(),
        };
        call.arguments.push_str(&text);
        self.gathered.grow(text.len())
    }
}

fn finish(reason: &str) -> Finish {
    match reason {
        "length" => Finish::Length,
        "content_filter" => Finish::Filtered,
        _ => Finish::Done,
    }
}

#[cfg(test)]
mod tests;

//! The Responses API, which gpt-oss is at home in: what is sent, and how its stream becomes an answer.

use crate::agent::completions::sound;
use crate::agent::gather::{Fault, Gathered, parse, said};
use crate::agent::message::{Answer, Call, Finish, Message, Piece};
use crate::bounded::{CALLS, Over};
use serde::Deserialize;
use serde_json::{Value, json};

/// The body of a request. Nothing is stored on the server: everything said goes along each time.
pub(super) fn body(system: &str, messages: &[Message], tools: &[Value]) -> Value {
    let input: Vec<Value> = messages.iter().flat_map(items).collect();
    let mut body = json!({ "input": input, "stream": true, "store": false });
    if !system.is_empty() {
        body["instructions"] = json!(system);
    }
    if !tools.is_empty() {
        let tools = tools.iter().map(|tool| {
            let mut tool = tool.clone();
            tool["type"] = json!("function");
            tool
        });
        body["tools"] = tools.collect();
    }
    body
}

fn items(message: &Message) -> Vec<Value> {
    match message {
        Message::User { text } => vec![json!({ "role": "user", "content": text })],
        Message::Tool { call, text } => {
            vec![json!({ "type": "function_call_output", "call_id": call, "output": text })]
        }
        Message::Assistant(answer) => {
            let mut items = answer.reasoning.clone();
            if !answer.text.is_empty() {
                let content = json!([{ "type": "output_text", "text": answer.text }]);
                items.push(json!({ "type": "message", "role": "assistant", "content": content }));
            }
            items.extend(answer.calls.iter().map(|call| {
                json!({ "type": "function_call", "call_id": call.id, "name": call.name,
                        "arguments": sound(&call.arguments) })
            }));
            items
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Happening {
    #[serde(rename = "type")]
    kind: String,
    delta: Option<String>,
    item: Value,
    item_id: Option<String>,
    output_index: Option<u64>,
    arguments: Option<String>,
    response: Value,
    error: Value,
    message: Value,
    code: Value,
}

/// A stream on its way to an answer.
#[derive(Debug, Default)]
pub(super) struct Fold {
    gathered: Gathered,
    calls: Vec<Open>,
}

/// A call that is being written, by the item it stands in.
#[derive(Debug, Default)]
struct Open {
    item: Option<String>,
    index: Option<u64>,
    call: Call,
}

impl Fold {
    /// What an event adds.
    pub(super) fn hear(&mut self, data: &str) -> Result<Vec<Piece>, Fault> {
        if data.trim() == "[DONE]" {
            return Ok(Vec::new());
        }
        let event: Happening = parse(data)?;
        let delta = event.delta.as_deref().unwrap_or_default();
        let kept = match event.kind.as_str() {
            "response.output_item.added"
            | "response.output_item.done"
            | "response.function_call_arguments.done" => data.len(),
            _ => delta.len(),
        };
        self.gathered.grow(kept)?;
        match event.kind.as_str() {
            "response.output_text.delta" | "response.refusal.delta" => return Ok(self.gathered.text(delta)),
            "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
                return Ok(self.gathered.thinking(delta, "reasoning"));
            }
            "response.output_item.added" => self.begin(&event),
            "response.function_call_arguments.delta" => self.open(&event).call.arguments.push_str(delta),
            "response.function_call_arguments.done" => {
                if let Some(arguments) = &event.arguments {
                    self.open(&event).call.arguments.clone_from(arguments);
                }
            }
            "response.output_item.done" => self.item_is_whole(&event),
            "response.completed" | "response.incomplete" => self.response_is_whole(&event.response),
            "response.failed" => return Err(said(&event.response["error"])),
            "error" if event.error.is_object() => return Err(said(&event.error)),
            "error" => return Err(said(&json!({ "message": event.message, "code": event.code }))),
            // an error in the manner of Chat Completions
            "" if !event.error.is_null() => return Err(said(&event.error)),
            _ => {}
        }
        if matches!(CALLS, Over::Count(most, _) if self.calls.len() > most) {
            return Err(Fault::Over(CALLS));
        }
        Ok(Vec::new())
    }

    /// The answer; cut, if the server never said that it is whole.
    pub(super) fn end(self) -> Result<(Vec<Piece>, Answer), Fault> {
        if self.gathered.complete { Ok(self.so_far()) } else { Err(Fault::Cut) }
    }

    /// The answer as far as it has come.
    pub(super) fn so_far(self) -> (Vec<Piece>, Answer) {
        self.gathered.end(self.calls.into_iter().map(|open| open.call).collect())
    }

    fn begin(&mut self, event: &Happening) {
        if event.item["type"] == "function_call" {
            let item = event.item["id"].as_str().map(str::to_owned);
            self.calls.push(Open { item, index: event.output_index, call: call_of(&event.item) });
        }
    }

    /// The call that an event is about; a new one if it was not announced.
    fn open(&mut self, event: &Happening) -> &mut Open {
        let item = event.item_id.as_deref().or(event.item["id"].as_str());
        let same = |open: &Open| match event.output_index {
            Some(_) => open.index == event.output_index,
            None => open.item.as_deref() == item,
        };
        let at = self.calls.iter().position(same).unwrap_or(self.calls.len());
        if at == self.calls.len() {
            let item = item.map(str::to_owned);
            self.calls.push(Open { item, index: event.output_index, call: Call::default() });
        }
        &mut self.calls[at]
    }

    fn item_is_whole(&mut self, event: &Happening) {
        match event.item["type"].as_str() {
            Some("function_call") => {
                let whole = call_of(&event.item);
                let open = self.open(event);
                open.call.id = whole.id;
                open.call.name = whole.name;
                if !whole.arguments.is_empty() {
                    open.call.arguments = whole.arguments;
                }
            }
            // a reference to what a server keeps would be worth nothing: nothing is stored
            Some("reasoning") if is_whole(&event.item) => {
                self.gathered.answer.reasoning.push(event.item.clone());
            }
            _ => {}
        }
    }

    fn response_is_whole(&mut self, response: &Value) {
        let usage = &response["usage"];
        self.gathered.count(usage["input_tokens"].as_u64(), usage["output_tokens"].as_u64());
        self.gathered.finish(match response["incomplete_details"]["reason"].as_str() {
            Some("content_filter") => Finish::Filtered,
            Some(_) => Finish::Length,
            None => Finish::Done,
        });
    }
}

fn is_whole(reasoning: &Value) -> bool {
    reasoning["content"].as_array().is_some_and(|content| !content.is_empty())
        || reasoning["encrypted_content"].is_string()
}

fn call_of(item: &Value) -> Call {
    let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
    Call { id: text("call_id"), name: text("name"), arguments: text("arguments") }
}

#[cfg(test)]
mod tests;

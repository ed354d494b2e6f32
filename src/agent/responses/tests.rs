use super::*;
use crate::agent::message::Usage;
use proptest::prelude::*;

fn fold(events: &[Value]) -> Result<(Vec<Piece>, Answer), Fault> {
    let mut fold = Fold::default();
    let mut pieces = Vec::new();
    for event in events {
        pieces.extend(fold.hear(&event.to_string())?);
    }
    let (rest, answer) = fold.end()?;
    pieces.extend(rest);
    Ok((pieces, answer))
}

fn event(kind: &str, mut rest: Value) -> Value {
    rest["type"] = json!(format!("response.{kind}"));
    rest
}

fn completed() -> Value {
    event(
        "completed",
        json!({ "response": { "status": "completed", "usage": { "input_tokens": 9, "output_tokens": 4 } } }),
    )
}

fn ls() -> Call {
    Call { id: "call_1".to_owned(), name: "ls".to_owned(), arguments: "{\"path\": \".\"}".to_owned() }
}

/// As llama.cpp sends it: items are told apart by their ids.
#[test]
fn a_call_is_read_as_llama_cpp_sends_it() {
    let item = |arguments: &str| json!({ "id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "ls", "arguments": arguments });
    let events = [
        event("created", json!({ "response": { "id": "resp_1", "status": "in_progress" } })),
        event("output_item.added", json!({ "item": item("") })),
        event("function_call_arguments.delta", json!({ "item_id": "fc_1", "delta": "{\"path\": " })),
        event("function_call_arguments.delta", json!({ "item_id": "fc_1", "delta": "\".\"}" })),
        event("output_item.done", json!({ "item": item("{\"path\": \".\"}") })),
        completed(),
    ];
    let (pieces, answer) = fold(&events).unwrap();
    assert_eq!(pieces, [Piece::Call(ls())]);
    assert_eq!(answer.usage, Some(Usage { input: 9, output: 4 }));
}

/// As vLLM sends it for gpt-oss: by their places, reasoning first.
#[test]
fn reasoning_comes_first_and_goes_back_with_the_calls() {
    let reasoning = json!({ "id": "rs_1", "type": "reasoning", "summary": [],
                            "content": [{ "type": "reasoning_text", "text": "Look." }] });
    let reference = json!({ "id": "rs_2", "type": "reasoning", "summary": [] });
    let call =
        json!({ "id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "ls", "arguments": "" });
    let at = |index: u64, mut rest: Value| {
        rest["output_index"] = json!(index);
        rest
    };
    let events = [
        event("reasoning_text.delta", at(0, json!({ "item_id": "rs_1", "delta": "Lo" }))),
        event("reasoning_text.delta", at(0, json!({ "item_id": "rs_1", "delta": "ok." }))),
        event("output_item.done", at(0, json!({ "item": reasoning }))),
        event("output_item.done", at(1, json!({ "item": reference }))),
        event("output_item.added", at(2, json!({ "item": call }))),
        event("function_call_arguments.delta", at(2, json!({ "item_id": "other", "delta": "{\"pa" }))),
        event(
            "function_call_arguments.done",
            at(2, json!({ "item_id": "other", "arguments": "{\"path\": \".\"}" })),
        ),
        event("output_text.delta", at(3, json!({ "delta": "Done." }))),
        completed(),
    ];
    let (_, answer) = fold(&events).unwrap();
    assert_eq!((answer.thinking.as_str(), answer.text.as_str()), ("Look.", "Done."));
    assert_eq!(answer.calls, [ls()]);
    assert_eq!(
        answer.reasoning,
        std::slice::from_ref(&reasoning),
        "what a server keeps is no use: nothing is kept"
    );

    let messages = [
        Message::User { text: "list".to_owned() },
        Message::Assistant(answer),
        Message::Tool { call: "call_1".to_owned(), text: "a".to_owned() },
    ];
    let sent = body("be brief", &messages, &[json!({ "name": "ls" })]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&sent).unwrap());
}

#[test]
fn what_is_no_whole_answer_is_told_apart() {
    let text = event("output_text.delta", json!({ "delta": "a" }));
    assert_eq!(fold(std::slice::from_ref(&text)).unwrap_err(), Fault::Cut);
    let said = |message: &str, code| Fault::Said { code, message: message.to_owned() };
    let failed =
        event("failed", json!({ "response": { "error": { "code": "server_error", "message": "no" } } }));
    assert_eq!(fold(&[failed]).unwrap_err(), said("no", None));
    assert_eq!(
        fold(&[json!({ "type": "error", "message": "no", "code": null })]).unwrap_err(),
        said("no", None)
    );
    assert_eq!(
        fold(&[json!({ "error": { "message": "no", "code": 500 } })]).unwrap_err(),
        said("no", Some(500))
    );
    let cut_off =
        |why: &str| event("incomplete", json!({ "response": { "incomplete_details": { "reason": why } } }));
    assert_eq!(fold(&[text.clone(), cut_off("max_output_tokens")]).unwrap().1.finish, Finish::Length);
    assert_eq!(fold(&[text, cut_off("content_filter")]).unwrap().1.finish, Finish::Filtered);
}

proptest! {
    #[test]
    fn however_arguments_are_cut_they_are_the_same(
        calls in proptest::collection::vec("[a-zü\"{}]{0,12}", 1..4),
        size in 1_usize..5,
    ) {
        let mut events = Vec::new();
        for (index, arguments) in calls.iter().enumerate() {
            let item = json!({ "id": index.to_string(), "type": "function_call", "call_id": "c", "name": "ls", "arguments": "" });
            events.push(event("output_item.added", json!({ "item": item, "output_index": index })));
            let chars: Vec<char> = arguments.chars().collect();
            for part in chars.chunks(size) {
                let part: String = part.iter().collect();
                events.push(event("function_call_arguments.delta", json!({ "output_index": index, "delta": part })));
            }
        }
        events.push(completed());
        let (_, answer) = fold(&events).unwrap();
        prop_assert_eq!(answer.calls.into_iter().map(|call| call.arguments).collect::<Vec<_>>(), calls);
    }
}

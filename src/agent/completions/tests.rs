use super::*;
use crate::agent::message::Usage;
use crate::agent::sse::Sse;
use proptest::prelude::*;

/// The pieces and the answer of these events.
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

fn delta(delta: &Value) -> Value {
    json!({ "id": "x", "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
}

fn end(reason: &str) -> Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
}

fn call(id: &str, name: &str, arguments: &str) -> Call {
    Call { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

#[test]
fn an_answer_is_thinking_text_and_a_count() {
    let events = [
        delta(&json!({ "role": "assistant", "content": null })),
        delta(&json!({ "reasoning_content": "hm", "reasoning": "hm" })),
        delta(&json!({ "reasoning_content": "m" })),
        delta(&json!({ "content": "It " })),
        delta(&json!({ "content": "is." })),
        end("stop"),
        json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 5 } }),
    ];
    let (pieces, answer) = fold(&events).unwrap();
    assert_eq!(pieces.len(), 4);
    assert_eq!((answer.thinking.as_str(), answer.text.as_str()), ("hmm", "It is."));
    assert_eq!(answer.thinking_field.as_deref(), Some("reasoning_content"));
    assert_eq!(answer.usage, Some(Usage { input: 7, output: 5 }));
    assert_eq!(answer.finish, Finish::Done);
}

#[test]
fn calls_are_put_together_by_index_by_id_or_at_once() {
    let part = |part: Value| delta(&json!({ "tool_calls": [part] }));
    let by_index = [
        part(
            json!({ "index": 0, "id": "a", "type": "function", "function": { "name": "ls", "arguments": "" } }),
        ),
        part(json!({ "index": 0, "function": { "arguments": "{\"pa" } })),
        part(json!({ "index": 1, "id": "b", "function": { "name": "read", "arguments": "{\"file_" } })),
        part(json!({ "index": 0, "function": { "name": null, "arguments": "th\":\".\"}" } })),
        part(json!({ "index": 1, "id": "", "function": { "arguments": "path\":\"x\"}" } })),
        end("tool_calls"),
    ];
    let two = vec![call("a", "ls", "{\"path\":\".\"}"), call("b", "read", "{\"file_path\":\"x\"}")];
    assert_eq!(fold(&by_index).unwrap().1.calls, two);

    let by_id = [
        part(json!({ "id": "a", "function": { "name": "ls", "arguments": "{\"path\":" } })),
        part(json!({ "function": { "arguments": "\".\"}" } })),
        part(json!({ "id": "b", "function": { "name": "read", "arguments": { "file_path": "x" } } })),
        end("stop"),
    ];
    assert_eq!(fold(&by_id).unwrap().1.calls, two);

    let whole = json!({ "choices": [{ "finish_reason": "tool_calls", "message": { "content": null, "tool_calls": [
        { "id": "a", "function": { "name": "ls", "arguments": "{\"path\":\".\"}" } },
        { "id": "b", "function": { "name": "read", "arguments": "{\"file_path\":\"x\"}" } }] } }] });
    assert_eq!(fold(&[whole]).unwrap().1.calls, two);

    let nameless = [part(json!({ "index": 0, "function": { "name": "ls" } })), end("stop")];
    assert_eq!(fold(&nameless).unwrap().1.calls, [call("call_0", "ls", "")], "an id is given");
}

#[test]
fn what_is_no_whole_answer_is_told_apart() {
    let text = delta(&json!({ "content": "a" }));
    let overflow = json!({ "error": { "message": "too long", "code": 400 } });
    assert_eq!(fold(std::slice::from_ref(&text)).unwrap_err(), Fault::Cut);
    assert_eq!(fold(&[]).unwrap_err(), Fault::Cut);
    let said = Fault::Said { code: Some(400), message: "too long".to_owned() };
    assert_eq!(fold(&[text.clone(), overflow]).unwrap_err(), said);
    let said = Fault::Said { code: None, message: "out of memory".to_owned() };
    assert_eq!(fold(&[json!({ "error": "out of memory" })]).unwrap_err(), said);
    assert!(matches!(Fold::default().hear("<html>"), Err(Fault::Garbled(_))));
    assert_eq!(fold(&[text.clone(), end("length")]).unwrap().1.finish, Finish::Length);
    assert_eq!(fold(&[text, end("content_filter")]).unwrap().1.finish, Finish::Filtered);
}

#[test]
fn a_conversation_goes_back_as_servers_want_it() {
    let thinking = |text: &str, calls| Answer {
        text: text.to_owned(),
        thinking: "hm".to_owned(),
        thinking_field: Some("reasoning".to_owned()),
        calls,
        ..Answer::default()
    };
    let user = |text: &str| Message::User { text: text.to_owned() };
    let messages = [
        user("one"),
        Message::Assistant(thinking("1", Vec::new())),
        user("two"),
        Message::Assistant(thinking("", vec![call("a", "ls", "{broken")])),
        Message::Tool { call: "a".to_owned(), text: "error: …".to_owned() },
    ];
    let sent = body("be brief", &messages, &[json!({ "name": "ls" })]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&sent).unwrap());
}

/// A model's text, call arguments and thinking, cut into deltas of this many characters.
fn stream(text: &str, thinking: &str, calls: &[(String, String)], size: usize) -> Vec<Value> {
    let cut = |text: &str| -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        chars.chunks(size).map(|chunk| chunk.iter().collect()).collect()
    };
    let mut events: Vec<Value> =
        cut(thinking).iter().map(|part| delta(&json!({ "reasoning": part }))).collect();
    events.extend(cut(text).iter().map(|part| delta(&json!({ "content": part }))));
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let first = json!({ "index": index, "id": format!("id{index}"), "function": { "name": name, "arguments": "" } });
        events.push(delta(&json!({ "tool_calls": [first] })));
        events.extend(cut(arguments).iter().map(|part| {
            delta(&json!({ "tool_calls": [{ "index": index, "function": { "arguments": part } }] }))
        }));
    }
    events.push(end("stop"));
    events
}

proptest! {
    #[test]
    fn however_an_answer_is_cut_into_deltas_it_is_the_same(
        text in "(<think>[a-zü<]{0,9}</think>)?[a-zü \n<]{0,20}",
        thinking in "[a-zü]{0,9}",
        calls in proptest::collection::vec(("[a-z]{1,6}", "\\{\"[a-zü\"]{0,9}\\}"), 0..4),
        size in 1_usize..6,
    ) {
        let (pieces, answer) = fold(&stream(&text, &thinking, &calls, size)).unwrap();
        let (_, whole) = fold(&stream(&text, &thinking, &calls, 1000)).unwrap();
        prop_assert_eq!(&answer, &whole);
        prop_assert_eq!(answer.calls.len(), calls.len());
        let told: String = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Thinking(_) | Piece::Call(_) => "",
        }).collect();
        prop_assert_eq!(told, answer.text);
    }

    #[test]
    fn however_the_bytes_arrive_the_pieces_are_the_same(
        text in "[a-zü😀 ]{0,20}",
        calls in proptest::collection::vec(("[a-z]{1,6}", "[a-zü\"{}]{0,9}"), 0..3),
        cuts in proptest::collection::vec(any::<usize>(), 0..9),
    ) {
        let events = stream(&text, "", &calls, 3);
        let bytes: String = events.iter().map(|event| format!("data: {event}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect();
        let bytes = bytes.as_bytes();
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).chain([0, bytes.len()]).collect();
        places.sort_unstable();
        let (mut sse, mut parted, mut pieces) = (Sse::default(), Fold::default(), Vec::new());
        for pair in places.windows(2) {
            for data in sse.push(&bytes[pair[0]..pair[1]]).unwrap() {
                pieces.extend(parted.hear(&data).unwrap());
            }
        }
        let (rest, answer) = parted.end().unwrap();
        pieces.extend(rest);
        prop_assert_eq!((pieces, answer), fold(&events).unwrap());
    }
}

use super::*;
use proptest::prelude::*;
use std::time::Duration;

/// What stands on standard output, and on standard error.
fn streams(events: &[Event]) -> (String, String) {
    let mut conversation = Conversation::default();
    let (mut out, mut err) = (String::new(), String::new());
    let mut told: Vec<Told> = events.iter().flat_map(|event| conversation.hear(event)).collect();
    told.extend(conversation.pause());
    for text in told {
        match text {
            Told::Data(text) => out += &text,
            Told::Note(text) => err += &text,
        }
    }
    (out, anstream::adapter::strip_str(&err).to_string())
}

fn text(text: &str) -> Event {
    Event::Piece(Piece::Text(text.to_owned()))
}

fn thinking(text: &str) -> Event {
    Event::Piece(Piece::Thinking(text.to_owned()))
}

fn call(name: &str, arguments: &str) -> Call {
    Call { id: "a".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

fn result(text: Result<&str, &str>) -> Event {
    Event::Result { call: call("ls", "{}"), result: text.map(str::to_owned).map_err(str::to_owned) }
}

fn measured() -> Measured {
    Measured {
        turns: 2,
        usage: Some(Usage { input: 900, output: 42 }),
        first: Some(Duration::from_millis(210)),
        writing: Duration::from_secs(2),
        whole: Duration::from_millis(2430),
    }
}

#[test]
fn the_answer_is_data_and_the_rest_is_told_beside_it() {
    let many: Vec<String> = (1..=20).map(|number| format!("file{number}")).collect();
    let events = [
        thinking("\n\nI should "),
        thinking("look."),
        text("\n\nLet me see."),
        Event::Piece(Piece::Call(call("ls", "{\n \"path\": \".\"}"))),
        Event::Piece(Piece::Call(call("l\u{1b}[2Js", "{broken"))),
        Event::Turn(measured()),
        Event::Calling(call("ls", "{\n \"path\": \".\"}")),
        result(Ok(&many.join("\n"))),
        Event::Calling(call("l\u{1b}[2Js", "{broken")),
        result(Err("there is no tool `l\u{1b}[2Js`")),
        result(Ok(&"x".repeat(300))),
        text("There are "),
        text("20 \u{1b}]0;files\u{7}.\n"),
        Event::Turn(measured()),
    ];
    let (out, err) = streams(&events);
    insta::assert_snapshot!(format!("standard output:\n{out}\nstandard error:\n{err}"));
    let json: String = events.iter().map(event_json).collect();
    insta::assert_snapshot!(
        json + &begin_json("m", "http://h/v1", "/s") + &end_json(Ending::Answered, "20.", &measured())
    );
}

#[test]
fn numbers_are_told_where_they_are_known() {
    assert_eq!(
        stats(&measured()),
        "2 turns · 900 tokens read, 42 written · first token after 0.21 s · 20.0 tokens/s · 2.43 s in all"
    );
    let unknown = Measured { turns: 1, whole: Duration::from_secs(1), ..Measured::default() };
    assert_eq!(stats(&unknown), "1 turn · the server does not count tokens · 1.00 s in all");
}

proptest! {
    #[test]
    fn portions_of_text_change_nothing(words in "[a-z\n\r\u{1b}ü]{0,30}", size in 1_usize..5) {
        let chars: Vec<char> = words.chars().collect();
        let portions: Vec<Event> = chars.chunks(size).map(|chunk| text(&chunk.iter().collect::<String>())).collect();
        // new lines that begin an answer are left out, in one portion or in several
        prop_assert_eq!(streams(&portions), streams(&[text(&words)]));
    }
}

//! The language itself, in real bash.

use super::*;
use proptest::prelude::*;
use std::process::Command;

fn bash(script: &Script) -> Vec<u8> {
    let out = Command::new("bash").args(["--norc", "-c", &script.text]).output().unwrap();
    assert!(out.status.success(), "{}\n{}", String::from_utf8_lossy(&out.stderr), script.text);
    out.stdout
}

fn error(text: &'static str, values: &impl Serialize) -> String {
    let err = render(Template::of(text), values).unwrap_err();
    format!("{err}: {}", std::error::Error::source(&err).unwrap())
}

#[derive(Serialize)]
struct Some_<T> {
    value: T,
}

fn some<T>(value: T) -> Some_<T> {
    Some_ { value }
}

/// Strings as people, models and attackers write them.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<char>().prop_filter("NUL is refused", |c| *c != '\0').prop_map(String::from),
        4 => "[ -~]{1,4}",
        6 => prop::sample::select(vec![
            "'", "\"", "\\", "$", "$(", ")", "`", "\n", "\r", "\t", "{", "}", "{a,b}", "{{", "{%", "{##", "##}",
            "-", "--", "~", "*", "?", "!", "!!", "#", "&", ";", "|", "<", ">", "$HOME", "$(id)", "EOF", "é", "🦀",
            "\u{1b}", "\u{7f}", "\u{1}", "\u{85}", "\u{2028}", "=", " ", "''", "\\'", "%s", "\u{feff}",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_string_arrives_unchanged(list in prop::collection::vec(nasty(), 1..60)) {
        #[derive(Serialize)]
        struct Values<'a> { one: &'a str, at: &'a str, list: &'a [String] }
        let at = format!("/{}.", list[0]);
        let text = "one={{ one }}\nat={{ at | path }}\nlist=({{ list | words }})\n\
            printf '%s\\0' \"$one\" \"$at\" \"${list[@]}\"";
        let script = render(Template::of(text), &Values { one: &list[0], at: &at, list: &list }).unwrap();
        let printed = bash(&script);
        let got: Vec<_> = printed.strip_suffix(b"\0").unwrap().split(|byte| *byte == 0).collect();
        let want: Vec<_> = [&list[0], &at].into_iter().chain(&list).map(String::as_bytes).collect();
        prop_assert_eq!(got, want);
    }
}

#[test]
fn a_tilde_is_expanded_at_the_beginning_of_a_path_only() {
    #[derive(Serialize)]
    struct Values<'a> {
        at: &'a str,
    }
    let home = std::env::var("HOME").unwrap();
    let table = [
        ("~", home.clone()),
        ("~/a b", format!("{home}/a b")),
        ("/x/~", "/x/~".to_owned()),
        ("~x", "~x".to_owned()),
    ];
    for (at, expected) in table {
        let script = render(Template::of("at={{ at | path }}\nprintf %s \"$at\""), &Values { at }).unwrap();
        assert_eq!(String::from_utf8(bash(&script)).unwrap(), expected, "{at}");
    }
}

#[test]
fn what_is_no_word_is_refused() {
    let value = "x={{ value }}";
    let list = "x=({{ value | words }})";
    let table = [
        (error(value, &some("a\0b")), "bash has no strings with NUL in them"),
        (error(value, &some(true)), "a value of kind bool is no word of bash"),
        (error(value, &some(None::<u8>)), "a value of kind none is no word of bash"),
        (error(value, &some(1.5)), "a value of kind number is no word of bash"),
        (error(value, &some(vec!["a"])), "a value of kind sequence is no word of bash"),
        (error(value, &some(some("a"))), "a value of kind map is no word of bash"),
        (error("x={{ valeu }}", &some("a")), "undefined value"),
        (error("{% if valeu %}\n{% endif %}", &some("a")), "undefined value"),
        (error("x={{ value | safe }}", &some("a")), "unknown filter"),
        (error("x={{ value | path }}", &some(1)), "`path` takes a string, not a value of kind number"),
        (error("x={{ value | path }}", &some("a\n")), "`path` takes no path that ends with a line break"),
        (error(list, &some("a")), "`words` takes a list, not a value of kind string"),
        (error(list, &some(vec![vec!["a"]])), "a value of kind sequence is no word of bash"),
        (error(list, &some(vec!["a\0"])), "bash has no strings with NUL in them"),
    ];
    for (got, want) in table {
        assert!(got.starts_with("the script `test.sh` could not be written: "), "{got}");
        assert!(got.contains(want), "{got}\ndoes not say: {want}");
    }
}

#[test]
fn numbers_options_and_bash_braces_work() {
    #[derive(Serialize)]
    struct Values {
        value: i64,
        list: Vec<u32>,
        none: Option<String>,
    }
    let text = "n={{ value }}\na=({{ list | words }})\n{% if none %}\nn={{ none }}\n{% endif %}\n{## gone ##}\n\
                echo \"$n ${#a[@]}\"";
    let script = render(Template::of(text), &Values { value: -3, list: vec![], none: None }).unwrap();
    assert_eq!(bash(&script), b"-3 0\n");
}

#[test]
fn no_escape_hatch_is_open() {
    let text = "{% autoescape false %}\nx={{ value }}\n{% endautoescape %}\nprintf %s \"$x\"";
    let script = render(Template::of(text), &some("'; echo pwned; '")).unwrap();
    assert_eq!(bash(&script), b"'; echo pwned; '");
}

#[test]
fn a_script_cut_anywhere_does_nothing() {
    let script = wrap("t.sh", &[], "echo one\ncat\necho two");
    let called = script.text.trim_end().len() - "}".len();
    for cut in (0..=called).filter(|cut| script.text.is_char_boundary(*cut)) {
        let out = Command::new("bash").args(["-c", &script.text[..cut]]).output().unwrap();
        assert!(out.stdout.is_empty(), "{:?}", &script.text[..cut]);
    }
    assert_eq!(bash(&script), b"one\ntwo\n");
}

#[test]
fn the_prelude_says_dies_and_expands() {
    let body =
        "cd /\nsay 'a  b' c\nexpand '~'\nexpand '~/x y'\nexpand '/a/~'\ndie 'no more' || true\nsay never";
    let script = wrap("t.sh", &[], body);
    let out = Command::new("bash").args(["-c", &script.text]).env("HOME", "/h o").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "a  b c\n/h o\n/h o/x y\n/a/~\n");
    assert_eq!((String::from_utf8_lossy(&out.stderr).as_ref(), out.status.code()), ("no more\n", Some(1)));
}

#[test]
fn a_failing_line_ends_the_script() {
    let out = Command::new("bash").args(["-c", &wrap("t.sh", &[], "false\necho on").text]).output().unwrap();
    assert_eq!((out.stdout.as_slice(), out.status.code()), (&b""[..], Some(1)));
}

#[test]
fn functions_that_stand_around_a_step_are_sent_once() {
    let stop = wrap("stop_server.sh", Template::STOP_SERVER.parts(), "fence");
    let values = serde_json::json!({
        "pi": "/p", "deed": "", "owner": "", "project_id": "", "noted": "always", "limit": 1, "token": "",
    });
    let text = around(Template::JOURNAL, &values, stop).unwrap().text;
    for function in ["\nsay() {", "\nput() {", "\nlock_places() {", "\nfence() {", "\nend_session() {"] {
        assert_eq!(text.matches(function).count(), 1, "{function}");
    }
}

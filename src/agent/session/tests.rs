use super::*;
use crate::agent::message::{Answer, Call};
use std::os::unix::fs::PermissionsExt;

fn user(text: &str) -> Message {
    Message::User { text: text.to_owned() }
}

fn answer(text: &str) -> Message {
    Message::Assistant(Answer { text: text.to_owned(), ..Answer::default() })
}

fn calls() -> Message {
    let call = Call { id: "a".to_owned(), name: "ls".to_owned(), arguments: "{}".to_owned() };
    Message::Assistant(Answer { calls: vec![call], ..Answer::default() })
}

struct Place(tempfile::TempDir);

impl Place {
    fn config(&self) -> PathBuf {
        self.0.path().join("config")
    }

    fn new_session(&self) -> Session {
        Session::new(&self.config(), Path::new("/work/project"))
    }

    fn last(&self) -> Result<Option<Session>> {
        Session::last(&self.config(), Path::new("/work/project"))
    }
}

fn place() -> Place {
    Place(tempfile::tempdir().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_last_session_of_a_directory_goes_on_in_its_file() {
    let place = place();
    assert!(place.last().unwrap().is_none());
    let mut older = place.new_session();
    older.add(user("older"));
    older.write().unwrap();
    let mut session = place.new_session();
    session.write().unwrap();
    assert!(!session.path().exists(), "there is nothing to write yet");
    session.add(user("one\nline"));
    session.add(answer("1"));
    session.write().unwrap();
    session.write().unwrap();
    let mut again = place.last().unwrap().unwrap();
    assert_eq!(again.messages(), [user("one\nline"), answer("1")]);
    assert_eq!(again.path(), session.path());
    again.add(user("two"));
    again.write().unwrap();
    assert_eq!(place.last().unwrap().unwrap().messages().len(), 3);
    assert!(Session::last(&place.config(), Path::new("/other/project")).unwrap().is_none());
    for path in [session.path(), session.path().parent().unwrap(), &place.config().join("sessions")] {
        assert_eq!(mode(path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

#[test]
fn an_exchange_that_failed_is_taken_back_as_a_whole() {
    let mut session = place().new_session();
    session.add(user("one"));
    session.add(answer("1"));
    session.begin();
    session.add(user("two"));
    session.add(calls());
    assert!(!session.ends_with_answer());
    session.take_back();
    assert_eq!(session.messages(), [user("one"), answer("1")]);
}

#[test]
fn a_torn_line_is_left_out_and_what_is_no_session_stays_as_it_is() {
    let place = place();
    let mut session = place.new_session();
    session.add(user("one"));
    session.add(answer("1"));
    session.write().unwrap();
    let whole = fs::read_to_string(session.path()).unwrap();
    fs::write(session.path(), &whole[..whole.len() - 9]).unwrap();
    let mut torn = place.last().unwrap().unwrap();
    assert_eq!(torn.messages(), [user("one")]);
    torn.add(answer("2"));
    torn.write().unwrap();
    assert_eq!(place.last().unwrap().unwrap().messages(), [user("one"), answer("2")]);

    for (text, says) in [
        ("", "no session"),
        ("hello\n", "no session"),
        ("{\"format\":99,\"directory\":\"/\"}\n", "a newer pi"),
        ("{\"format\":1,\"directory\":\"/\"}\n{\"role\":\"king\"}\n", "line 2 is no message"),
    ] {
        fs::write(session.path(), text).unwrap();
        let error = place.last().unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(fs::read_to_string(session.path()).unwrap(), text);
    }
}

#[test]
fn lines_that_were_typed_are_offered_again() {
    let place = place();
    let directory = Path::new("/work/project");
    assert!(history(&place.config(), directory).is_empty());
    for line in ["one", "two\nlines", "three"] {
        remember_line(&place.config(), directory, line).unwrap();
    }
    assert_eq!(history(&place.config(), directory), ["one", "two\nlines", "three"]);
    assert_eq!(mode(&folder(&place.config(), directory).join(HISTORY)), 0o600);
}

#[test]
fn two_that_go_on_with_one_session_lose_nothing_of_each_other() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("here");
    let mut first = Session::new(place.path(), &directory);
    first.add(user("one"));
    first.write().unwrap();
    // killed just before the end of its line
    let text = fs::read_to_string(first.path()).unwrap();
    fs::write(first.path(), format!("{text}{}", text.lines().last().unwrap())).unwrap();
    let mut again = Session::last(place.path(), &directory).unwrap().unwrap();
    assert_eq!(again.messages().len(), 1);
    let mut other = Session::last(place.path(), &directory).unwrap().unwrap();
    again.add(user("two"));
    again.write().unwrap();
    other.add(user("three"));
    other.write().unwrap();
    let all = Session::last(place.path(), &directory).unwrap().unwrap();
    assert_eq!(all.messages(), [user("one"), user("two"), user("three")]);
}

#[test]
fn a_torn_line_takes_no_other_with_it() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("here");
    remember_line(place.path(), &directory, "one").unwrap();
    let file = folder(place.path(), &directory).join(HISTORY);
    fs::write(&file, fs::read_to_string(&file).unwrap() + "\"tor").unwrap();
    remember_line(place.path(), &directory, "two").unwrap();
    assert_eq!(history(place.path(), &directory), ["one", "two"]);
}

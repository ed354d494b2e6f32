//! Quoting: how a value becomes a word of bash.
//!
//! In: a template's values. Out: one shell word for a string or an integer, several for a list that went through
//! the filter `words`, an absolute path for one that went through `path`; everything else is an error, since it would
//! mean something else in bash than here.

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Output, State, Value};

/// Writes one value as one word. Only what a filter made goes in as it is.
pub(super) fn format(out: &mut Output, _: &mut State, value: &Value) -> Result<(), Error> {
    let text = if value.is_safe() { value.to_string() } else { word(value)? };
    out.write_str(&text).map_err(Error::from)
}

/// The filter `words`: a list of strings as words of their own, for `name=({{ list | words }})`.
pub(super) fn words(list: &Value) -> Result<Value, Error> {
    if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Err(refusal(format!("`words` takes a list, not a value of kind {}", list.kind())));
    }
    let words = list.try_iter()?.map(|item| word(&item)).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::from_safe_string(words.join(" ")))
}

/// The filter `path`: a path with its `~` expanded on the pod, for `name={{ path | path }}`.
pub(super) fn path(value: &Value) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return Err(refusal(format!("`path` takes a string, not a value of kind {}", value.kind())));
    };
    // the shell drops line breaks from the end of what a command prints
    if text.ends_with('\n') {
        return Err(refusal("`path` takes no path that ends with a line break".to_owned()));
    }
    // a quoted `~` is what shellcheck takes for a mistake
    let word = match text.strip_prefix('~') {
        Some(rest) => format!("\\~{}", word(&Value::from(rest))?),
        None => word(value)?,
    };
    Ok(Value::from_safe_string(format!("$(expand {word})")))
}

fn word(value: &Value) -> Result<String, Error> {
    if let Some(text) = value.as_str() {
        return quoted(text).ok_or_else(|| refusal("bash has no strings with NUL in them".to_owned()));
    }
    if value.is_integer() {
        return Ok(value.to_string());
    }
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    Err(refusal(format!("a value of kind {} is no word of bash", value.kind())))
}

/// The text in single quotes; none if it has a NUL in it.
///
/// Not `shlex`, which uses double quotes for some: inside `name=("…")`, bash 5.2 doubles up the characters 0x01
/// and 0x7f of a double-quoted word.
pub(crate) fn quoted(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| format!("'{}'", text.replace('\'', r"'\''")))
}

fn refusal(why: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

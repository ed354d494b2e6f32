//! Taking a table out of the text, with the comments that are about it.

use super::{block, document, not_there, unreadable};
use crate::name::{ModelName, PodName};
use std::ops::Range;
use toml_edit::{Document, Item};

/// Removes a pod. Models that name it are left as they are.
///
/// # Errors
/// The text is not TOML, or has no pod of this name.
pub fn remove_pod(text: &str, name: &PodName) -> miette::Result<String> {
    remove(text, "pods", name.as_str())
}

/// Removes a model.
///
/// # Errors
/// The text is not TOML, or has no model of this name.
pub fn remove_model(text: &str, name: &ModelName) -> miette::Result<String> {
    remove(text, "models", name.as_str())
}

fn remove(text: &str, kind: &str, name: &str) -> miette::Result<String> {
    let parsed = Document::parse(text).map_err(|error| unreadable(&error))?;
    let item = parsed.as_table().get(kind).and_then(|parent| parent.get(name));
    let mut tables = Vec::new();
    match item {
        None => return Err(not_there(kind.trim_end_matches('s'), name)),
        Some(Item::Table(table)) if !table.is_dotted() => block::with_headers(table, &mut tables),
        Some(_) => {}
    }
    if tables.is_empty() {
        return without_header(text, kind, name);
    }
    // from the end, so that the places of the others stay right
    tables.sort_by_key(|table| std::cmp::Reverse(table.start));
    Ok(tables.iter().fold(text.to_owned(), |text, table| cut(&text, table)))
}

/// `models.qwen = { … }` and dotted keys: the lines are the parent's.
fn without_header(text: &str, kind: &str, name: &str) -> miette::Result<String> {
    let mut document = document(text)?;
    if let Some(parent) = document.get_mut(kind).and_then(Item::as_table_like_mut) {
        parent.remove(name);
    }
    Ok(document.to_string())
}

/// The text without the table's lines and the blank line that set it apart.
fn cut(text: &str, table: &Range<usize>) -> String {
    let (above, below) = (&text[..block::start(text, table)], &text[block::end(text, table)..]);
    if below.trim().is_empty() {
        let above = above.trim_end();
        return if above.is_empty() { String::new() } else { format!("{above}\n") };
    }
    let apart = above.is_empty() || above.ends_with("\n\n") || above.ends_with("\n\r\n");
    match below.split_once('\n') {
        Some((line, rest)) if apart && line.trim().is_empty() => format!("{above}{rest}"),
        _ => format!("{above}{below}"),
    }
}

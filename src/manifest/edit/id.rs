//! Writing the project's id into the manifest, once.

use super::{block, insert, unreadable};
use crate::name::ProjectId;
use miette::miette;
use toml_edit::{Document, Item};

/// The line of the file that gives the project its id.
#[must_use]
pub fn id_line(id: &ProjectId) -> String {
    format!("project_id = \"{id}\"")
}

/// Adds the id behind the other keys of the top, else in front of the first table and the comments right above it.
///
/// # Errors
/// The text is not TOML, or has an id.
pub fn set_id(text: &str, id: &ProjectId) -> miette::Result<String> {
    let parsed = Document::parse(text).map_err(|error| unreadable(&error))?;
    let root = parsed.as_table();
    if root.contains_key("project_id") {
        return Err(miette!(help = "run the command again", "the manifest has a project_id by now"));
    }
    let line = format!("{}  # whose servers these are: made by pi, commit it", id_line(id));
    let values = root.get_values();
    let last = values.iter().filter_map(|(_, value)| value.span()).map(|span| span.end).max();
    if let Some(last) = last {
        let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline + 1);
        let (above, below) = text.split_at(end);
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let gap = if above.ends_with('\n') { "" } else { newline };
        return Ok(format!("{above}{gap}{line}{newline}{below}"));
    }
    let mut tables = Vec::new();
    for (_, item) in root {
        if let Item::Table(table) = item {
            block::with_headers(table, &mut tables);
        }
    }
    let first = tables.iter().min_by_key(|table| table.start);
    Ok(insert(text, first.map_or(text.len(), |first| block::start(text, first)), &line))
}

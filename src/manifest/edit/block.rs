//! Which lines of the text belong to a table: its header, its keys, and the comments that touch it.

use std::ops::Range;
use toml_edit::{Item, Table};

/// The tables at and below `table` that have a header: each from its header to the end of its last value.
pub(super) fn with_headers(table: &Table, found: &mut Vec<Range<usize>>) {
    if let Some(header) = table.span().filter(|_| !table.is_implicit() && !table.is_dotted()) {
        let values = table.get_values();
        let end = values.iter().filter_map(|(_, value)| value.span()).map(|span| span.end).max();
        found.push(header.start..end.unwrap_or(header.end).max(header.end));
    }
    for (_, below) in table {
        if let Item::Table(below) = below {
            with_headers(below, found);
        }
    }
}

/// Where the lines of a table begin, with the comments right above its header.
pub(super) fn start(text: &str, table: &Range<usize>) -> usize {
    let header = text[..table.start].rfind('\n').map_or(0, |newline| newline + 1);
    let above = text[..header].split_inclusive('\n').rev().take_while(|line| is_comment(line));
    header - above.map(str::len).sum::<usize>()
}

/// Where the lines of a table end, with the comments right below its last key: switched-off keys, mostly.
pub(super) fn end(text: &str, table: &Range<usize>) -> usize {
    let last = text[table.end..].find('\n').map_or(text.len(), |newline| table.end + newline + 1);
    let below = text[last..].split_inclusive('\n').take_while(|line| is_comment(line));
    let end = last + below.map(str::len).sum::<usize>();
    // comments that touch the next header are about that one
    if text[end..].trim_start_matches([' ', '\t']).starts_with('[') { last } else { end }
}

/// A line about what it touches; `#:schema` is about the file.
fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#') && !line.starts_with("#:schema")
}

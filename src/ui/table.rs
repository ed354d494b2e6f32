//! Tables: columns that line up, within the terminal's width. What has no room beside the rest stands below its row.

use crate::ui::layout::{columns, padded, width, wrapped};
use crate::ui::style::{FAINT, Styled};
use anstyle::Style;
use std::fmt::Write;

/// Between two columns.
const GAP: usize = 2;
/// Lines below a row begin under its second column, unless the first one is wider than this.
const NARROW: usize = 16;

/// What a column is called: at its head, and before a cell that stands below its row.
pub(super) struct Head(pub(super) &'static str, pub(super) &'static str);

/// A cell's text, and how it is shown.
pub(super) type Cell = (Style, String);

/// Where columns begin and which of them there is room for.
pub(super) struct Table<'a, const N: usize> {
    indent: usize,
    heads: &'a [Head; N],
    widths: [usize; N],
    beside: [bool; N],
}

impl<'a, const N: usize> Table<'a, N> {
    /// Columns for these rows. Those without any text are left out; the first `keys` stay beside each other, of the
    /// others the widest go below first.
    pub(super) fn new(indent: usize, (heads, keys): (&'a [Head; N], usize), rows: &[[Cell; N]]) -> Self {
        let widths: [usize; N] = std::array::from_fn(|at| {
            let widest = rows.iter().map(|row| width(&row[at].1)).max().unwrap_or(0);
            if widest == 0 { 0 } else { widest.max(width(heads[at].0)) }
        });
        let mut beside = widths.map(|width| width > 0);
        let room = columns().saturating_sub(indent);
        let taken = |beside: &[bool; N]| {
            let shown = (0..N).filter(|at| beside[*at]);
            shown.map(|at| widths[at] + GAP).sum::<usize>().saturating_sub(GAP)
        };
        while taken(&beside) > room {
            let Some(widest) = (keys..N).filter(|at| beside[*at]).max_by_key(|at| widths[*at]) else { break };
            beside[widest] = false;
        }
        Self { indent, heads, widths, beside }
    }

    /// The line above the rows.
    pub(super) fn head(&self) -> String {
        let cells: [Cell; N] = std::array::from_fn(|at| (Style::new(), self.heads[at].0.to_owned()));
        let line = anstream::adapter::strip_str(&self.line(&cells)).to_string();
        format!("{:1$}{2}\n", "", self.indent, Styled(FAINT, line))
    }

    /// A row, with the lines below it for what has no room in it.
    pub(super) fn row(&self, cells: &[Cell; N]) -> String {
        let mut text = format!("{:1$}{2}\n", "", self.indent, self.line(cells));
        let (indent, room) = (self.below(), self.room());
        let mut used = 0;
        for (at, (style, cell)) in cells.iter().enumerate() {
            if self.beside[at] || cell.is_empty() {
                continue;
            }
            let label = self.heads[at].1;
            let blank = if label.is_empty() { "" } else { " " };
            for (part, line) in wrapped(&format!("{label}{blank}{cell}"), room).into_iter().enumerate() {
                let fits = part == 0 && used > 0 && used + GAP + width(&line) <= room;
                let (gap, before) = if fits { (GAP, used) } else { (indent, 0) };
                if used > 0 && !fits {
                    text.push('\n');
                }
                used = before + if fits { GAP } else { 0 } + width(&line);
                let _ = write!(text, "{:gap$}{}", "", Styled(*style, line));
            }
        }
        if used > 0 {
            text.push('\n');
        }
        text
    }

    /// Where lines below a row begin.
    pub(super) fn below(&self) -> usize {
        let first = self.widths.first().copied().unwrap_or_default();
        self.indent + if first <= NARROW { first + GAP } else { GAP }
    }

    /// Columns for lines below a row.
    pub(super) fn room(&self) -> usize {
        columns().saturating_sub(self.below())
    }

    fn line(&self, cells: &[Cell; N]) -> String {
        let last = (0..N).rev().find(|at| self.beside[*at] && !cells[*at].1.is_empty());
        let mut line = String::new();
        for at in (0..=last.unwrap_or_default()).filter(|at| self.beside[*at]) {
            let (style, cell) = &cells[at];
            let blanks = padded("", (self.widths[at] + GAP).saturating_sub(width(cell)));
            line.push_str(&Styled(*style, cell).to_string());
            line.push_str(if Some(at) == last { "" } else { &blanks });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::layout::tests::at;
    use proptest::prelude::*;

    const HEADS: [Head; 4] = [Head("NAME", ""), Head("WHAT", ""), Head("GPU", "gpu"), Head("URL", "")];

    fn text(rows: &[[Cell; 4]]) -> String {
        let table = Table::new(2, (&HEADS, 1), rows);
        table.head() + &rows.iter().map(|row| table.row(row)).collect::<String>()
    }

    fn row(cells: [&str; 4]) -> [Cell; 4] {
        cells.map(|cell| (Style::new(), cell.to_owned()))
    }

    #[test]
    fn what_has_no_room_stands_below_its_row() {
        let rows = [row(["a", "is ready", "显卡 80GB", "http://a/v1"]), row(["bc", "", "CPU", ""])];
        let expected = "
  NAME  WHAT      GPU        URL
  a     is ready  显卡 80GB  http://a/v1
  bc              CPU
";
        assert_eq!(at(80, || format!("\n{}", text(&rows))), expected);
        let expected = "
  NAME  WHAT
  a     is ready
        gpu 显卡 80GB
        http://a/v1
  bc
        gpu CPU
";
        assert_eq!(at(24, || format!("\n{}", text(&rows))), expected);
        let expected = "
  NAME
  a
        is
        ready
        gpu
        显卡
        80GB
        http://a/v1
  bc
        gpu
        CPU
";
        assert_eq!(at(13, || format!("\n{}", text(&rows))), expected);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal_unless_a_word_is(
            // no backticks: what stands between two of them stays on one line
            cells in prop::collection::vec(["[a-z0-9-]{1,63}", "[ -_a-~显卡é🚀]{0,90}", "[A-Z0-9 ×]{0,20}", "(|[!-~]{4,60})"], 1..8),
            columns in prop::sample::select(vec![40_usize, 60, 80, 120, 200]),
        ) {
            let rows: Vec<[Cell; 4]> = cells.iter().map(|cells| row(cells.each_ref().map(|c| c.trim()))).collect();
            let text = at(columns, || text(&rows));
            for line in text.lines() {
                let word = line.split_whitespace().map(width).max().unwrap_or(0);
                // a word stands at most below its row, behind a name and a label
                prop_assert!(width(line) <= columns || word + 2 + NARROW + GAP + 4 > columns, "{}", line);
                prop_assert_eq!(line, line.trim_end());
            }
            for cell in cells.iter().flatten().flat_map(|cell| cell.split_whitespace()) {
                prop_assert!(text.contains(cell), "{} is lost in\n{}", cell, text);
            }
        }

        #[test]
        fn columns_line_up(cells in prop::collection::vec(("[a-z]{1,20}", "[a-z显卡🚀é]{0,9}"), 2..6)) {
            let rows: Vec<_> = cells.iter().map(|(name, gpu)| row([name, gpu, "|", ""])).collect();
            let text = at(200, || text(&rows));
            let mark = |line: &str| line.rsplit_once('|').map(|(before, _)| width(before));
            let marks: Vec<_> = text.lines().skip(1).map(mark).collect();
            prop_assert!(marks.iter().all(|at| at.is_some() && *at == marks[0]), "{}", text);
        }
    }
}

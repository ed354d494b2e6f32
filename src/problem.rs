//! Labeled problems in a source file.
//!
//! In: what is wrong, where, and what to do. Out: one report, sorted by position, nothing twice.

mod handler;

pub use handler::OneBelowTheOther;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use std::fmt;
use std::iter::repeat_n;
use std::ops::Range;
use std::sync::Arc;

type Source = Arc<File>;

/// A file's name and text, and where its lines begin.
#[derive(Debug)]
struct File {
    named: NamedSource<String>,
    lines: Vec<usize>,
}

/// How many problems are shown; of more than that the rest is counted.
const SHOWN: usize = 10;
/// How many are kept, for programs; of more than that the rest is counted.
const KEPT: usize = 10_000;
/// The widest line that is drawn, in bytes, and the most lines: what is wider no terminal shows, and miette cannot draw
/// what is wider than 65,535 columns.
const WIDEST: usize = 2000;
const HIGHEST: usize = 40;

/// One thing that is wrong in a file.
#[derive(Debug, Clone)]
pub struct Problem {
    message: String,
    labels: Vec<(Range<usize>, String)>,
    help: Option<String>,
    hidden: Option<Range<usize>>,
    source: Option<Source>,
}

impl Problem {
    /// What is wrong, the bytes of the file it is about, and a few words to stand under them.
    pub fn new(message: impl Into<String>, at: Range<usize>, label: impl Into<String>) -> Self {
        let labels = vec![(at, label.into())];
        Self { message: message.into(), labels, help: None, hidden: None, source: None }
    }

    /// Points at a second place too, unless it is the first one again.
    #[must_use]
    pub fn also(mut self, at: Range<usize>, label: impl Into<String>) -> Self {
        if self.labels.iter().all(|(known, _)| *known != at) {
            self.labels.push((at, label.into()));
        }
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do about it, if we know.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Shows stars for these bytes of the file: a secret may stand there.
    #[must_use]
    pub fn hiding(mut self, at: Range<usize>) -> Self {
        self.hidden = Some(at);
        self
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it is: first what it is about, then the other places that it points at. None before it is known in
    /// which file.
    pub fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let source = self.source.as_deref();
        let labels =
            source.map(|file| self.labels.iter().map(|(at, label)| Place::of(file, at.start, label)));
        labels.into_iter().flatten()
    }

    fn place(&self) -> (usize, usize) {
        self.labels.first().map_or((0, 0), |(at, _)| (at.start, at.end))
    }

    /// Ties the problem to its file; a label never points behind the file's end or into a character.
    fn in_file(mut self, source: &Source) -> Self {
        for (at, _) in &mut self.labels {
            *at = inside(at.clone(), source.named.inner());
        }
        self.source = Some(Arc::clone(source));
        self
    }

    /// The file, if the lines that the problem points at can be drawn.
    fn drawn(&self) -> Option<&File> {
        let file = self.source.as_deref()?;
        self.labels.iter().all(|(at, _)| file.is_drawable(at)).then_some(file)
    }
}

impl File {
    /// The number of the line, from 0, in which a byte is.
    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at).saturating_sub(1)
    }

    /// Whether these lines, and those around them that are drawn, too, are few and short.
    fn is_drawable(&self, at: &Range<usize>) -> bool {
        let (first, last) = (self.line_of(at.start).saturating_sub(1), self.line_of(at.end) + 2);
        let begin = |line: usize| self.lines.get(line).copied().unwrap_or(self.named.inner().len());
        last - first <= HIGHEST
            && (first..last).all(|line| begin(line + 1).saturating_sub(begin(line)) <= WIDEST)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (self.drawn(), self.places().next()) {
            (None, Some(Place { line, column, .. })) => write!(f, ", in line {line}, column {column}"),
            (_, _) => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.drawn().map(|file| &file.named as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = |(at, label): &(Range<usize>, String)| {
            LabeledSpan::new(Some(label.clone()), at.start, at.end - at.start)
        };
        Some(Box::new(self.labels.iter().map(span)))
    }
}

/// A place in a file, and what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// A few words.
    pub label: &'a str,
}

impl<'a> Place<'a> {
    fn of(file: &File, at: usize, label: &'a str) -> Self {
        let text = file.named.inner();
        let at = text.floor_char_boundary(at);
        let line = file.line_of(at);
        let before = text.get(file.lines.get(line).copied().unwrap_or_default()..at).unwrap_or_default();
        Self { line: line + 1, column: before.chars().count() + 1, label }
    }
}

/// Everything that is wrong in one file; never empty. One problem is shown as itself, several below a count.
#[derive(Debug, Clone)]
pub struct Problems {
    file: String,
    list: Vec<Problem>,
    more: usize,
    rest: Option<Rest>,
}

/// How many problems are not shown.
#[derive(Debug, Clone, Copy)]
struct Rest(usize);

impl Problems {
    /// Sorts the problems of the file `name` with content `text` by position and drops repetitions.
    #[must_use]
    pub fn new(name: &str, text: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by(|a, b| a.place().cmp(&b.place()).then_with(|| a.message.cmp(&b.message)));
        list.dedup_by(|a, b| a.place() == b.place() && a.message == b.message);
        let hidden = list.iter().filter_map(|problem| problem.hidden.clone());
        let named = NamedSource::new(name, starred(text, hidden)).with_language("TOML");
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        let source = Arc::new(File { named, lines });
        let all = list.len();
        let list: Vec<Problem> =
            list.into_iter().take(KEPT).map(|problem| problem.in_file(&source)).collect();
        let rest = (all > SHOWN).then(|| Rest(all - SHOWN));
        Self { file: name.to_owned(), more: all - list.len(), list, rest }
    }

    /// How many there are beyond those that were kept.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }

    /// One after the other, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    fn only(&self) -> Option<&Problem> {
        if let [only] = self.list.as_slice() { Some(only) } else { None }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.only() {
            Some(only) => only.fmt(f),
            None => write!(f, "{} has {} problems", self.file, self.list.len() + self.more),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.only().and_then(Diagnostic::help)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.only().and_then(Diagnostic::source_code)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.only().and_then(Diagnostic::labels)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.only().is_some() {
            return None;
        }
        let shown = self.list.iter().take(SHOWN).map(|problem| problem as _);
        Some(Box::new(shown.chain(self.rest.iter().map(|rest| rest as _))))
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "… and {} more", self.0)
    }
}

impl std::error::Error for Rest {}

impl Diagnostic for Rest {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("`pi check --json` has all of them"))
    }
}

/// The same range, moved and grown as little as possible to lie on whole characters of `text`.
fn inside(at: Range<usize>, text: &str) -> Range<usize> {
    let last = text.trim_end().char_indices().next_back().map_or(0, |(start, _)| start);
    let start = text.floor_char_boundary(if at.start >= text.len() { last } else { at.start });
    let end = text.ceil_char_boundary(at.end.max(start));
    start..end.min(text.len())
}

/// The text with stars in place of `hidden` bytes; lines and positions stay.
fn starred(text: &str, hidden: impl Iterator<Item = Range<usize>>) -> String {
    let mut stars = vec![false; text.len()];
    for range in hidden {
        stars.iter_mut().take(range.end).skip(range.start).for_each(|star| *star = true);
    }
    let shown = |(at, c): (usize, char)| match c {
        c if c != '\n' && stars.get(at) == Some(&true) => repeat_n('*', c.len_utf8()),
        c => repeat_n(c, 1),
    };
    text.char_indices().flat_map(shown).collect()
}

//! How a value of the file becomes one of ours.
//!
//! In: TOML with positions. Out: the value, or a problem for everything that is wrong in it; reading never stops
//! at the first. (serde would: that is why it is not used here.)

use crate::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value with its position.
pub(super) type At<'a> = &'a Spanned<DeValue<'a>>;

/// Tables and their keys, to tell where a misplaced key belongs.
pub(super) type Tables = &'static [(&'static str, &'static [&'static str])];

/// Where a value stands: the table and the key in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    table: String,
    key: String,
    /// Those of the whole file.
    pub(super) tables: Tables,
}

impl Place {
    /// The file itself.
    pub(super) fn file(tables: Tables) -> Self {
        Self { tables, ..Self::default() }
    }

    /// The place of `key` in the table that stands here.
    pub(super) fn inside(&self, key: &str) -> Self {
        Self { table: self.as_table(), key: key.to_owned(), tables: self.tables }
    }

    /// This place as the header of a table: `pods.dc1`; empty for the whole file.
    pub(super) fn as_table(&self) -> String {
        if self.table.is_empty() { self.key.clone() } else { format!("{}.{}", self.table, self.key) }
    }
}

impl fmt::Display for Place {
    /// `` `ssh` of [pods.dc1] ``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.key)?;
        if self.table.is_empty() { Ok(()) } else { write!(f, " of [{}]", self.table) }
    }
}

/// What a key of the manifest takes.
pub(super) trait Value: Sized {
    /// Whether it is a table of its own, with a header.
    const TABLE: bool = false;

    /// The value at `at`; `None` if it cannot be used, and then `problems` has grown.
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self>;

    /// This value, given where `base` is inherited.
    #[must_use]
    fn over(self, _base: &Self) -> Self {
        self
    }
}

/// A value without parts.
pub(super) trait Scalar: Sized {
    /// Completes "expected …".
    const EXPECTED: &'static str;

    /// The value, or why it is none.
    fn parse(value: &DeValue) -> Result<Self, Refusal>;
}

/// Why a value was not taken.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// In one sentence; "expected …, found …" if absent.
    pub(super) message: Option<String>,
    /// What to write instead.
    pub(super) help: Option<String>,
}

impl Refusal {
    /// Another kind of value was expected.
    pub(super) fn mismatch() -> Self {
        Self::default()
    }

    /// The right kind, but not a right one.
    pub(super) fn because(message: impl fmt::Display) -> Self {
        Self { message: Some(message.to_string()), help: None }
    }

    /// Says what to write instead.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl<T: Scalar> Value for T {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        T::parse(at.get_ref()).map_err(|refusal| problems.push(refused(T::EXPECTED, at, place, refusal))).ok()
    }
}

/// The problem of a value that was not taken.
pub(super) fn refused(expected: &str, at: At, place: &Place, refusal: Refusal) -> Problem {
    let standard = || format!("expected {expected}, found {}", found(at.get_ref()));
    let message = refusal.message.unwrap_or_else(standard);
    Problem::new(message, at.span(), place.to_string()).maybe_help(refusal.help)
}

impl<T: Scalar> Value for Vec<T> {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        let DeValue::Array(items) = at.get_ref() else {
            let help = string(at.get_ref()).map(|text| format!("write it as {}", as_list(text)));
            let refusal = Refusal { message: None, help };
            problems.push(refused(r#"a list such as ["…", "…"]"#, at, place, refusal));
            return None;
        };
        let all: Vec<_> = items.iter().map(|item| T::read(item, place, problems)).collect();
        all.into_iter().collect()
    }
}

impl<T: Scalar + Ord> Value for BTreeSet<T> {
    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        Vec::read(at, place, problems).map(|list| list.into_iter().collect())
    }
}

/// Several words in one text, as the list they should be.
fn as_list(text: &str) -> String {
    let words = shlex::split(text).unwrap_or_else(|| vec![text.to_owned()]);
    format!("[{}]", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", "))
}

/// The text in `value`, if it is one.
pub(super) fn string<'a>(value: &'a DeValue) -> Option<&'a str> {
    if let DeValue::String(text) = value { Some(text) } else { None }
}

/// The table at `at`; anything else is a problem.
pub(super) fn entries<'a>(at: At<'a>, place: &Place, problems: &mut Vec<Problem>) -> Option<&'a DeTable<'a>> {
    if let DeValue::Table(table) = at.get_ref() {
        return Some(table);
    }
    problems.push(refused("a table", at, place, Refusal::mismatch()));
    None
}

/// Tables (or values) by name, each with the position of its name.
#[derive(Debug, Clone)]
pub(super) struct Named<N, T> {
    pub(super) entries: BTreeMap<N, Spanned<T>>,
    /// Names whose entry cannot be used: what refers to them is not a problem of its own.
    pub(super) refused: BTreeSet<String>,
}

impl<N, T> Default for Named<N, T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), refused: BTreeSet::new() }
    }
}

impl<N: FromStr<Err: fmt::Display> + Ord, T: Value> Value for Named<N, T> {
    const TABLE: bool = true;

    fn read(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut named = Self::default();
        let DeValue::Table(table) = at.get_ref() else {
            let help = format!("each has a table of its own: [{}.NAME]", place.key);
            let refusal = if T::TABLE { Refusal::mismatch().help(help) } else { Refusal::mismatch() };
            problems.push(refused("a table", at, place, refusal));
            return None;
        };
        for (key, value) in table {
            let name = key.get_ref().parse().map_err(|bad: N::Err| {
                problems.push(Problem::new(
                    bad.to_string(),
                    key.span(),
                    format!("in [{}]", place.as_table()),
                ));
            });
            let entry = entry(value, &place.inside(key.get_ref()), problems);
            match (name, entry) {
                (Ok(name), Some(entry)) => {
                    named.entries.insert(name, Spanned::new(key.span(), entry));
                }
                _ => {
                    named.refused.insert(key.get_ref().to_string());
                }
            }
        }
        Some(named)
    }
}

/// One entry of a table of names; a plain value where a table belongs is usually a header without the name.
fn entry<T: Value>(at: At, place: &Place, problems: &mut Vec<Problem>) -> Option<T> {
    if T::TABLE && !matches!(at.get_ref(), DeValue::Table(_)) {
        let help = format!("its keys belong below a header with a name: [{}.NAME]", place.table);
        problems.push(refused("a table", at, place, Refusal::mismatch().help(help)));
        return None;
    }
    T::read(at, place, problems)
}

/// A value as a message names it.
pub(super) fn found(value: &DeValue) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > 24 => "text".to_owned(),
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

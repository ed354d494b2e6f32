//! The rows of `data/failures.toml`: what a line of a log means.

use super::exceptions::Told;
use super::prefix::Level;
use crate::manifest::EngineKind;
use regex::{Captures, Regex, RegexSet};
use serde::Deserialize;
use std::sync::LazyLock;

const TEXT: &str = include_str!("../../data/failures.toml");

/// The rows for one kind of engine, the first ones first.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    /// All their patterns at once: a line is read once, however many rows there are.
    patterns: RegexSet,
    echoes: RegexSet,
    stops: RegexSet,
}

/// What one pattern means.
pub(super) struct Row {
    /// Its short name.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
    /// What to do, the best first.
    pub(super) help: Vec<String>,
    /// The codes of vaguer rows that it explains, wherever its line stands.
    explains: Vec<String>,
    level: Level,
    pattern: Regex,
    clarity: Clarity,
    serving: bool,
}

/// Whether a row's lines may be echoes or forerunners of clearer ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clarity {
    Clear,
    Vague,
}

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Why a start failed.
    Start,
    /// Why a server that had come up ended.
    Death,
}

/// Whether a line belongs to an exception that was raised while the one before was handled.
fn goes_on_from(first: &Told, told: &Told) -> bool {
    told.exception.is_some() && told.exception == first.exception && told.link > first.link
}

#[derive(Default, Deserialize)]
struct Written {
    echoes: Vec<String>,
    stops: Vec<String>,
    failure: Vec<WrittenRow>,
}

#[derive(Deserialize)]
struct WrittenRow {
    code: String,
    engines: Option<Vec<EngineKind>>,
    pattern: String,
    #[serde(default)]
    level: WrittenLevel,
    #[serde(default)]
    explains: Vec<String>,
    #[serde(default)]
    vague: bool,
    #[serde(default)]
    serving: bool,
    message: String,
    help: Vec<String>,
}

/// The quietest lines that a row is made for.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenLevel {
    Warning,
    #[default]
    Unsaid,
    Error,
}

static VLLM: LazyLock<Table> = LazyLock::new(|| Table::read(EngineKind::Vllm).unwrap_or_default());
static LLAMA_CPP: LazyLock<Table> = LazyLock::new(|| Table::read(EngineKind::LlamaCpp).unwrap_or_default());
static COMMAND: LazyLock<Table> = LazyLock::new(|| Table::read(EngineKind::Command).unwrap_or_default());

impl Table {
    /// The rows for a kind of engine; compiled when first asked for, which is when a start has failed.
    pub(super) fn of(kind: EngineKind) -> &'static Self {
        match kind {
            EngineKind::Vllm => &VLLM,
            EngineKind::LlamaCpp => &LLAMA_CPP,
            EngineKind::Command => &COMMAND,
        }
    }

    /// The earliest line that a clear row explains, else the earliest that any row does; within one exception what was
    /// raised last, because Python came to that only while it handled what it prints before.
    pub(super) fn find<'a>(&'a self, told: &[&'a Told], asked: Asked) -> Option<(&'a Row, &'a Told)> {
        let (mut clear, mut vague) = (None, None);
        for &told in told {
            let Some(row) = self.rows_for(told).find(|row| asked == Asked::Start || row.serving) else {
                continue;
            };
            let found = Some((row, told));
            match row.clarity {
                Clarity::Vague => vague = vague.or(found),
                Clarity::Clear if clear.is_none_or(|(_, first)| goes_on_from(first, told)) => clear = found,
                Clarity::Clear => {}
            }
        }
        clear.or(vague)
    }

    /// The earliest line that says more of what a vague row found, or no row.
    pub(super) fn more_of<'a>(&'a self, code: &str, told: &'a [Told]) -> Option<(&'a Row, &'a Told)> {
        let explains = |row: &&Row| row.explains.iter().any(|explained| explained == code);
        told.iter().find_map(|told| Some((self.rows_for(told).find(explains)?, told)))
    }

    /// The rows that match a line and are made for as loud ones.
    fn rows_for<'t>(&'t self, told: &'t Told) -> impl Iterator<Item = &'t Row> {
        let matching = self.patterns.matches(&told.line.text).into_iter();
        matching.filter_map(|index| self.rows.get(index)).filter(|row| told.may_explain(row.level))
    }

    /// Whether a text only repeats an earlier error.
    pub(super) fn is_echo(&self, text: &str) -> bool {
        self.echoes.is_match(text)
    }

    /// Whether a text says that the server was told to stop.
    pub(super) fn is_stop(&self, text: &str) -> bool {
        self.stops.is_match(text)
    }

    /// A test says that nothing here fails: neither the file nor a pattern.
    fn read(kind: EngineKind) -> Option<Self> {
        let written: Written = toml::from_str(TEXT).ok()?;
        let concerns = |row: &WrittenRow| row.engines.as_ref().is_none_or(|engines| engines.contains(&kind));
        let written_rows: Vec<_> = written.failure.into_iter().filter(concerns).collect();
        let patterns = RegexSet::new(written_rows.iter().map(|row| &row.pattern)).ok()?;
        let echoes = RegexSet::new(&written.echoes).ok()?;
        let stops = RegexSet::new(&written.stops).ok()?;
        let rows = written_rows.into_iter().map(Row::read).collect::<Option<_>>()?;
        Some(Self { rows, patterns, echoes, stops })
    }
}

impl Row {
    /// Whether a clearer line may say more.
    pub(super) fn is_vague(&self) -> bool {
        self.clarity == Clarity::Vague
    }

    /// Whether its lines may be the end of a server that had come up.
    pub(super) fn may_end_a_server(&self) -> bool {
        self.serving
    }

    /// The named parts of a text that its pattern matches.
    pub(super) fn captures<'t>(&self, text: &'t str) -> Vec<(&str, &'t str)> {
        let found: Option<Captures<'t>> = self.pattern.captures(text);
        let part = |name| Some((name, found.as_ref()?.name(name)?.as_str()));
        self.pattern.capture_names().flatten().filter_map(part).collect()
    }

    fn read(written: WrittenRow) -> Option<Self> {
        let WrittenRow { code, engines: _, pattern, level, explains, vague, serving, message, help } =
            written;
        let pattern = Regex::new(&pattern).ok()?;
        let clarity = if vague { Clarity::Vague } else { Clarity::Clear };
        let level = match level {
            WrittenLevel::Warning => Level::Warning,
            WrittenLevel::Unsaid => Level::Unsaid,
            WrittenLevel::Error => Level::Error,
        };
        Some(Self { code, message, help, explains, level, pattern, clarity, serving })
    }
}

#[cfg(test)]
mod tests;

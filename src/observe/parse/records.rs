//! In: text. Out: its records, by key, each field without anything a terminal would obey.

use crate::observe::facts::{Part, ProbeFailure, Section};
use std::collections::BTreeMap;

/// What the first line of a probe that we understand says.
const HEADER: &str = "pi-probe\t1";

/// One record's fields, behind its key.
pub(super) type Row = Vec<String>;

/// All records of a probe.
pub(super) struct Records {
    rows: BTreeMap<String, Vec<Row>>,
    began: bool,
    ended: bool,
}

impl Records {
    /// Takes what stands between the header and `end`: `~/.bashrc` may have printed something before.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = text.lines();
        let began = lines.any(|line| line == HEADER);
        let mut records = Self { rows: BTreeMap::new(), began, ended: false };
        for line in lines {
            if line == "end" {
                records.ended = true;
                break;
            }
            let mut fields = line.split('\t').map(clean);
            let key = fields.next().unwrap_or_default();
            if !key.is_empty() {
                records.rows.entry(key).or_default().push(fields.collect());
            }
        }
        records
    }

    /// The records with this key, in order.
    pub(super) fn rows(&self, key: &str) -> &[Row] {
        self.rows.get(key).map_or(&[], Vec::as_slice)
    }

    /// The records with this key whose first field is `name`: what follows it.
    pub(super) fn named<'a>(&'a self, key: &str, name: &'a str) -> impl Iterator<Item = &'a [String]> {
        self.rows(key).iter().filter_map(move |row| match row.as_slice() {
            [first, rest @ ..] if first == name => Some(rest),
            _ => None,
        })
    }

    /// The field behind `name` in the last record with this key that has it; else nothing.
    pub(super) fn value(&self, key: &str, name: &str) -> String {
        self.named(key, name).filter_map(|rest| rest.first()).last().cloned().unwrap_or_default()
    }

    /// Why a section is not whole, if it is not: it hung, was ended, or died in the middle.
    pub(super) fn torn(&self, section: Section) -> Option<String> {
        let name = section.as_str();
        if self.rows("done").iter().any(|row| row.first().is_some_and(|done| done == name)) {
            return None;
        }
        let told = self.named("gap", name).find_map(|rest| rest.first()).cloned();
        Some(told.unwrap_or_else(|| self.cut().unwrap_or("it ended before it was done").to_owned()))
    }

    /// What its section told, if that is whole; else a gap says why not.
    pub(super) fn part<T>(
        &self,
        section: Section,
        gaps: &mut Vec<ProbeFailure>,
        read: impl FnOnce(&Self, &mut Vec<ProbeFailure>) -> T,
    ) -> Part<T> {
        let Some(why) = self.torn(section) else { return Part::Seen(read(self, gaps)) };
        // that of the GPUs themselves is the cause
        let told = section == Section::GpuProcesses && self.torn(Section::Gpus).is_some();
        let gap = gap(section, &why);
        if !told && !gaps.contains(&gap) {
            gaps.push(gap);
        }
        Part::Unknown
    }

    /// What is wrong with the text as a whole.
    fn cut(&self) -> Option<&'static str> {
        if !self.began {
            Some("its answer does not begin as one, or it is of another version")
        } else if !self.ended {
            Some("its answer was cut off")
        } else {
            None
        }
    }

    /// The gaps that the probe itself told, and those of the text as a whole.
    pub(super) fn gaps(&self) -> Vec<ProbeFailure> {
        let told = self.rows("gap").iter().map(|row| match row.as_slice() {
            [section, why, ..] => gap(Section::named(section), why),
            _ => gap(Section::Probe, "it told of a gap, and not which"),
        });
        let mut gaps: Vec<ProbeFailure> = told.collect();
        gaps.extend(self.cut().map(|why| gap(Section::Probe, why)));
        gaps
    }
}

/// The gap for a record that cannot be read.
pub(super) fn odd(section: Section, row: &[String]) -> ProbeFailure {
    let shown: String = row.join(" ").chars().take(80).collect();
    gap(section, &format!("cannot read `{}`", shown.trim_end()))
}

/// The text without characters that a terminal would obey, or that would turn around how it reads.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a terminal would obey this character: control characters, and Unicode's marks of direction.
pub(super) fn obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A part that could not be looked at.
pub(super) fn gap(section: Section, why: &str) -> ProbeFailure {
    ProbeFailure { section, why: why.to_owned() }
}

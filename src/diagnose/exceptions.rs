//! The exceptions of a log: which lines belong to one, and what its process says that it ended.

use super::line::Line;
use super::prefix::Level;
use std::collections::HashMap;

/// One line of a log.
pub(super) struct Told {
    pub(super) line: Line,
    pub(super) part: Part,
    /// Which exception it belongs to: those that Python prints one after another as a chain are one.
    pub(super) exception: Option<usize>,
    /// Grows where a chain goes on after `During handling of the above exception, another exception occurred`.
    pub(super) link: usize,
    /// Whether the process went on after it.
    pub(super) survived: bool,
}

/// What a line is within an exception.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It belongs to none.
    Alone,
    /// `Traceback (most recent call last):`
    Header,
    /// A frame, with the source that it quotes: that may contain any error's text.
    Frame,
    /// The exception's own line.
    Raised,
    /// What its message goes on with.
    Rest,
}

impl Told {
    /// Whether it may be a cause as such: not quoted source, and not said to be harmless.
    pub(super) fn is_telling(&self) -> bool {
        self.line.level >= Level::Unsaid && self.part != Part::Frame && !self.line.text.trim().is_empty()
    }

    /// Whether a row may explain it that was made for such a level.
    pub(super) fn may_explain(&self, level: Level) -> bool {
        let whole = !matches!(self.part, Part::Frame | Part::Header);
        whole && self.line.level >= level && !self.line.text.trim().is_empty()
    }
}

/// How an exception ended.
#[derive(Clone, Copy)]
pub(super) struct End {
    /// The number of its last line.
    pub(super) line: usize,
    pub(super) fate: Fate,
}

/// What an exception ended.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The log does not say.
    #[default]
    Unknown,
    /// Its process.
    Final,
    /// A thread at most.
    Aside,
}

/// Finds them; each is known by its place among the ends.
pub(super) fn arrange(lines: Vec<Line>) -> (Vec<Told>, Vec<End>) {
    let mut voices: HashMap<(String, bool), Voice> = HashMap::new();
    let mut ends: Vec<End> = Vec::new();
    let mut told = Vec::with_capacity(lines.len());
    for mut line in lines {
        let plain = voices.entry((line.process.clone(), false)).or_default();
        if plain.still_warns(&line) {
            line.level = Level::Warning;
        }
        if line.level < Level::Unsaid {
            for loud in [false, true] {
                voices.entry((line.process.clone(), loud)).or_default().is_interrupted();
            }
            told.push(Told { line, part: Part::Alone, exception: None, link: 0, survived: true });
            continue;
        }
        let voice = voices.entry((line.process.clone(), line.level == Level::Error)).or_default();
        let (part, of_one) = voice.goes_on(&line, &mut ends);
        let exception = of_one.then_some(voice.exception);
        if let Some(end) = exception.and_then(|at| ends.get_mut(at)) {
            end.line = line.number;
        }
        told.push(Told { line, part, exception, link: voice.link, survived: false });
    }
    (told, ends)
}

impl Voice {
    /// Whether a line is the text of a warning of Python's that began with an empty line:
    /// `…/torch/cuda/__init__.py:287: UserWarning: `.
    fn still_warns(&mut self, line: &Line) -> bool {
        let goes_on = self.warns && line.level == Level::Unsaid && !line.text.starts_with(' ');
        let begins = line.level == Level::Warning && line.library && line.text.is_empty();
        self.warns = begins || goes_on && !names_an_exception(&line.text);
        goes_on && self.warns
    }

    /// Something else was said in between.
    fn is_interrupted(&mut self) {
        self.fate = Fate::Unknown;
        if self.state == State::AfterException {
            self.state = State::Outside;
        }
    }

    /// What the next line is, and whether it belongs to this voice's exception.
    fn goes_on(&mut self, line: &Line, ends: &mut Vec<End>) -> (Part, bool) {
        let text = line.text.as_str();
        if text.trim_end().ends_with(HEADER) {
            self.begins(line, ends);
            let alone = text.trim() == HEADER;
            return (if alone { Part::Header } else { Part::Rest }, true);
        }
        match self.state {
            State::InFrames if text.starts_with(' ') || text.is_empty() => (Part::Frame, true),
            State::InFrames => {
                self.state = State::AfterException;
                (Part::Raised, true)
            }
            State::AfterException => self.says_more(text),
            // a log may begin within a traceback: its first part was rotated away
            State::Outside if names_an_exception(text) => {
                self.begins(line, ends);
                self.state = State::AfterException;
                (Part::Raised, true)
            }
            State::Outside => {
                self.listens(text);
                let quoted = ["    ", "  File \"", "raise "].iter().any(|start| text.starts_with(start));
                (if quoted { Part::Frame } else { Part::Alone }, false)
            }
        }
    }

    fn begins(&mut self, line: &Line, ends: &mut Vec<End>) {
        self.listens(&line.text);
        if !self.chained {
            self.exception = ends.len();
            self.link = 0;
            ends.push(End { line: line.number, fate: self.fate });
        }
        (self.chained, self.fate, self.state) = (false, Fate::Unknown, State::InFrames);
    }

    fn says_more(&mut self, text: &str) -> (Part, bool) {
        match text.trim() {
            "" => (Part::Frame, true),
            CAUSED | HANDLED => {
                self.chained = true;
                self.link += usize::from(text.trim() == HANDLED);
                (Part::Frame, true)
            }
            _ if fate_told_by(text).is_some() => {
                self.state = State::Outside;
                self.listens(text);
                (Part::Alone, false)
            }
            _ => (Part::Rest, true),
        }
    }

    /// Notes what a line says of the exception behind it.
    fn listens(&mut self, text: &str) {
        self.fate = fate_told_by(text).unwrap_or(self.fate);
    }
}

/// Where a process is in what it writes.
#[derive(Default)]
struct Voice {
    state: State,
    exception: usize,
    link: usize,
    /// Whether another traceback belongs to the same chain.
    chained: bool,
    /// What it has said of the exception that follows.
    fate: Fate,
    /// Whether its last line was a warning whose text stands on the next lines.
    warns: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    InFrames,
    AfterException,
}

const HEADER: &str = "Traceback (most recent call last):";
const CAUSED: &str = "The above exception was the direct cause of the following exception:";
const HANDLED: &str = "During handling of the above exception, another exception occurred:";

/// What an engine says before it prints what ended it.
const ENDINGS: [&str; 5] = [
    "failed to start",
    "hit an exception",
    "encountered a fatal error",
    "encountered an issue",
    "background task failed",
];

/// What Python says before an exception that ends no process.
const ASIDES: [&str; 4] =
    ["Exception in thread", "Exception ignored", "exception was never retrieved", "Exception in callback"];

/// What a line says of the exception that follows it.
fn fate_told_by(text: &str) -> Option<Fate> {
    if has_any(text, &ASIDES) {
        Some(Fate::Aside)
    } else if has_any(text, &ENDINGS) || is_child(text) {
        Some(Fate::Final)
    } else {
        None
    }
}

/// `torch.OutOfMemoryError: …`, `SystemExit: 1`
fn names_an_exception(text: &str) -> bool {
    let name = text.split_once(':').map_or(text, |(name, _)| name);
    let spelled = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'));
    spelled && ["Error", "Exception", "Interrupt", "Exit"].iter().any(|kind| name.ends_with(kind))
}

/// `Process EngineCore_0:`, as Python says it before what ended a child.
fn is_child(text: &str) -> bool {
    text.strip_prefix("Process ")
        .and_then(|rest| rest.strip_suffix(':'))
        .is_some_and(|name| !name.contains(' '))
}

/// Whether a text has one of these in it.
pub(super) fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

//! Progress: what happens while a plan is applied, as one moving line per pod on a terminal, as plain lines
//! elsewhere, or as one JSON object a line.

use crate::apply::{Event, Failure, Outcome, Starting};
use crate::plan::{Plan, Step, StepId};
use crate::ui::canvas::Canvas;
use crate::ui::json::step_json;
use crate::ui::layout::{cut, width};
use crate::ui::outcome::{sentence, step_title};
use crate::ui::output;
use crate::ui::progress::{Line, Progress};
use crate::ui::rate::Rates;
use crate::ui::style::{ADD, FAINT, REMOVE, Styled};
use crate::ui::visible::json_line;
use crate::units::Seconds;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::watch::{self, Receiver};
use tokio::time::Instant;

/// Who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// A person at a terminal.
    Terminal,
    /// A person reading a log later.
    Lines,
    /// A person who wants to see all that scripts and engines print.
    Everything,
    /// A machine.
    Json,
}

/// Tells events as they come.
pub struct Reporter<'a> {
    steps: BTreeMap<StepId, &'a Step>,
    showing: Showing,
    bars: Vec<ProgressBar>,
    screen: MultiProgress,
    rates: Mutex<Rates>,
    progress: Mutex<Progress<'a>>,
    /// What shall become of servers that are still starting, once it was asked.
    wish: OnceLock<Receiver<Option<Starting>>>,
}

impl<'a> Reporter<'a> {
    /// A reporter of one plan's events.
    #[must_use]
    pub fn new(plan: &'a Plan, showing: Showing) -> Self {
        // as often as indicatif draws by itself
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(Canvas), 20);
        let screen = MultiProgress::with_draw_target(target);
        let pods: BTreeSet<_> = plan.steps.iter().map(|step| &step.pod).collect();
        let count = if showing == Showing::Terminal { pods.len().min(rows()) } else { 0 };
        let bars = (0..count).map(|_| bar(&screen)).collect();
        Self {
            steps: plan.steps.iter().map(|step| (step.id, step)).collect(),
            showing,
            bars,
            screen,
            rates: Mutex::default(),
            progress: Mutex::new(Progress::new(&plan.steps)),
            wish: OnceLock::new(),
        }
    }

    /// Tells one event.
    pub fn tell(&self, event: &Event) {
        match self.showing {
            Showing::Json => drop(output::data(&json_line(&self.json(event)))),
            Showing::Lines => self.line(event),
            Showing::Everything => self.everything(event),
            Showing::Terminal => self.screen(event),
        }
    }

    /// Takes the moving lines away; what was done stays on the screen.
    pub fn close(&self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
        drop(self.screen.clear());
    }

    /// What shall become of servers that are still starting: asked once at a terminal, elsewhere they are stopped.
    pub fn ask_starting(&self) -> Receiver<Option<Starting>> {
        let ask = || {
            if self.showing == Showing::Json || !output::is_terminal() {
                return watch::channel(Some(Starting::Stop)).1;
            }
            self.close();
            let (tell, answer) = watch::channel(None);
            // a read of the terminal waits for its line: not on a thread that others need
            drop(tokio::task::spawn_blocking(move || tell.send(Some(ask_starting()))));
            answer
        };
        self.wish.get_or_init(ask).clone()
    }

    fn json(&self, event: &Event) -> Value {
        let step = |id: StepId| self.steps.get(&id).map_or(Value::Null, |step| step_json(step));
        match event {
            Event::Began(id) => json!({ "event": "began", "step": step(*id) }),
            Event::Said(id, text) => json!({ "event": "said", "id": id, "text": text }),
            Event::Progress { id, done, total } => {
                json!({ "event": "progress", "id": id, "done": done, "total": total })
            }
            Event::Log(id, text) => json!({ "event": "log", "id": id, "text": text }),
            Event::Phase { id, name, percent } => {
                json!({ "event": "phase", "id": id, "phase": name, "percent": percent })
            }
            Event::Warned(id, text) => json!({ "event": "warning", "id": id, "text": text }),
            Event::Ended(id, outcome) => {
                let mut value = json!({ "event": "ended", "id": id });
                merge(&mut value, outcome_json(outcome));
                value
            }
        }
    }

    fn everything(&self, event: &Event) {
        match event {
            Event::Said(id, text) | Event::Log(id, text) => {
                if let Some(step) = self.steps.get(id) {
                    output::note(&Styled(FAINT, format!("    {}  {text}", step.pod)).to_string());
                }
            }
            Event::Began(_)
            | Event::Phase { .. }
            | Event::Progress { .. }
            | Event::Warned(..)
            | Event::Ended(..) => self.line(event),
        }
    }

    fn line(&self, event: &Event) {
        match event {
            Event::Began(id) => self.note(*id, "…", ""),
            // what scripts and engines print is kept for failures: a log of thousands of lines helps nobody; what is
            // to be warned of stands in the report at the end
            Event::Said(..)
            | Event::Log(..)
            | Event::Phase { .. }
            | Event::Progress { .. }
            | Event::Warned(..) => {}
            Event::Ended(id, outcome) => self.ended(*id, outcome),
        }
    }

    fn screen(&self, event: &Event) {
        if let Event::Ended(id, outcome) = event {
            self.screen.suspend(|| self.ended(*id, outcome));
        }
        let measured = match event {
            Event::Progress { id, done, total } => {
                let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
                Some(rates.tell(*id, Instant::now(), *done, *total))
            }
            Event::Began(_)
            | Event::Said(..)
            | Event::Log(..)
            | Event::Phase { .. }
            | Event::Warned(..)
            | Event::Ended(..) => None,
        };
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.take(event, measured);
        let lines = progress.lines(self.bars.len());
        for (at, bar) in self.bars.iter().enumerate() {
            match lines.get(at) {
                Some(line) => show(bar, line),
                None => bar.finish_and_clear(),
            }
        }
    }

    fn ended(&self, id: StepId, outcome: &Outcome) {
        match outcome {
            Outcome::Done { took } => {
                let took = if took.as_secs() == 0 { String::new() } else { format!("  {}", rounded(*took)) };
                self.note(id, &Styled(ADD, "✓").to_string(), &Styled(FAINT, took).to_string());
            }
            Outcome::Failed(_) => self.note(id, &Styled(REMOVE, "✗").to_string(), &sentence(outcome)),
            Outcome::Stopped => self.note(id, "·", &sentence(outcome)),
            // the report at the end counts them
            Outcome::Skipped(_) | Outcome::Left => {}
        }
    }

    fn note(&self, id: StepId, sign: &str, text: &str) {
        if let Some(step) = self.steps.get(&id) {
            output::note(&format!("  {sign} {}  {}{text}", step.pod, step_title(step)));
        }
    }
}

fn ask_starting() -> Starting {
    let question = "A server is still starting: [k]eep it starting, or [s]top it?";
    match output::ask_letter(question, &['k', 's']) {
        Some('k') => Starting::Leave,
        Some(_) | None => Starting::Stop,
    }
}

fn bar(screen: &MultiProgress) -> ProgressBar {
    let bar = screen.add(ProgressBar::new_spinner());
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix}  {msg} {elapsed:.dim}") {
        bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Brings a line to its place; its clock tells how long the step has been waited for.
fn show(bar: &ProgressBar, Line { head, text }: &Line) {
    let step = |text: &str| text.split(':').next().unwrap_or_default().to_owned();
    if bar.prefix() != *head || step(&bar.message()) != step(text) {
        bar.reset_elapsed();
    }
    // the sign, the gaps and the clock, which may come to hours
    let room = terminal().0.saturating_sub(16 + width(head)).max(8);
    bar.set_prefix(head.clone());
    bar.set_message(cut(text, room));
}

/// Lines for pods on this terminal: the rest is for what was done.
fn rows() -> usize {
    terminal().1.saturating_sub(4).max(1)
}

/// Columns and rows of the terminal that standard error is.
fn terminal() -> (usize, usize) {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    size.map_or((80, 24), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)))
}

/// To the nearest second.
fn rounded(took: Duration) -> Seconds {
    Seconds((took + Duration::from_millis(500)).as_secs())
}

fn outcome_json(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Done { took } => json!({ "outcome": "done", "seconds": took.as_secs_f64() }),
        Outcome::Failed(Failure { kind: _, code, message, help, lines }) => {
            json!({ "outcome": "failed", "code": code, "message": message, "help": help, "lines": lines })
        }
        Outcome::Stopped => json!({ "outcome": "stopped" }),
        Outcome::Skipped(because) => json!({ "outcome": "skipped", "because": because }),
        Outcome::Left => json!({ "outcome": "left" }),
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

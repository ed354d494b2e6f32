//! Rows, and the table of what became of them.

use super::bench::Bench;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A fault at a moment.
pub(super) struct Row {
    fault: &'static str,
    moment: String,
    /// What many rows have as one moment in the table.
    among: Option<&'static str>,
    story: Box<dyn Fn(&Bench)>,
}

/// What became of it: how it was told by `pi`, or why the test failed.
pub(super) struct Ran {
    fault: &'static str,
    moment: String,
    among: Option<&'static str>,
    outcome: Result<Vec<String>, String>,
    took: Duration,
}

impl Row {
    pub(super) fn new(
        fault: &'static str,
        moment: impl Into<String>,
        story: impl Fn(&Bench) + 'static,
    ) -> Self {
        Self { fault, moment: moment.into(), among: None, story: Box::new(story) }
    }

    /// The same, which the table tells of together with others.
    pub(super) fn among(self, all: &'static str) -> Self {
        Self { among: Some(all), ..self }
    }

    pub(super) fn fault(&self) -> &'static str {
        self.fault
    }

    pub(super) fn is_called(&self, wanted: &str) -> bool {
        format!("{}, {}", self.fault, self.moment).contains(wanted)
    }

    /// Runs it on a pod without servers.
    pub(super) fn run(self, bench: &Bench) -> Ran {
        let Self { fault, moment, among, story } = self;
        let began = Instant::now();
        let told = catch_unwind(AssertUnwindSafe(|| {
            bench.clear();
            story(bench);
        }));
        let outcome = match told {
            Ok(()) => Ok(bench.told()),
            Err(why) => Err(why
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| why.downcast_ref::<&str>().map(|why| (*why).to_owned()))
                .unwrap_or_default()),
        };
        let ran = Ran { fault, moment, among, outcome, took: began.elapsed() };
        eprintln!("{}", ran.line());
        ran
    }
}

impl Ran {
    fn line(&self) -> String {
        let Self { fault, moment, among: _, outcome, took } = self;
        let outcome = match outcome {
            Ok(told) => told.join("; "),
            Err(why) => format!("FAILED: {why}"),
        };
        format!("{fault} | {moment} | {outcome} | {} s", took.as_secs())
    }
}

/// The table, moments of one fault with one outcome in one line, and how many rows failed.
pub(super) fn table(ran: &[Ran]) -> (String, usize) {
    let mut lines: Vec<(&str, String, Vec<&str>)> = Vec::new();
    for Ran { fault, moment, among, outcome, took: _ } in ran {
        let moment = among.unwrap_or(moment);
        let outcome = match outcome {
            Ok(told) => told.join("; "),
            Err(_) => "**failed**".to_owned(),
        };
        match lines.iter_mut().find(|(one, other, _)| one == fault && *other == outcome) {
            Some((.., moments)) if moments.contains(&moment) => {}
            Some((.., moments)) => moments.push(moment),
            None => lines.push((fault, outcome, vec![moment])),
        }
    }
    let mut text = "| fault | when | what becomes of it |\n|---|---|---|\n".to_owned();
    for (fault, outcome, moments) in lines {
        let _ = writeln!(text, "| {fault} | {} | {outcome} |", moments.join(", "));
    }
    (text, ran.iter().filter(|ran| ran.outcome.is_err()).count())
}

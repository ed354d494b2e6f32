//! How far an apply is, one line for each pod: how many of its steps have ended, and what is waited for.
//!
//! In: events. Out: lines, at most as many as there is room for. Nothing is written here.

use crate::apply::Event;
use crate::name::PodName;
use crate::plan::{Step, StepId};
use crate::ui::layout::Count;
use crate::ui::outcome::step_title;
use std::collections::{BTreeMap, BTreeSet};

/// Every step of a plan and how far it is.
pub(super) struct Progress<'a> {
    pods: BTreeMap<&'a PodName, Vec<&'a Step>>,
    steps: BTreeMap<StepId, &'a Step>,
    /// Steps that run, and what each said last.
    running: BTreeMap<StepId, String>,
    /// Those of which it is known what the engine is doing: lines of its log say less.
    phases: BTreeSet<StepId>,
    ended: BTreeSet<StepId>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// What it is about: a pod, or those for which there is no room.
    pub(super) head: String,
    /// How far that is.
    pub(super) text: String,
}

impl<'a> Progress<'a> {
    /// Nothing has begun.
    pub(super) fn new(steps: &'a [Step]) -> Self {
        let mut pods: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in steps {
            pods.entry(&step.pod).or_default().push(step);
        }
        let steps = steps.iter().map(|step| (step.id, step)).collect();
        let (running, phases, ended) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { pods, steps, running, phases, ended }
    }

    /// Takes an event in; `measured` is what it says of a download.
    pub(super) fn take(&mut self, event: &Event, measured: Option<String>) {
        let (id, said) = match event {
            Event::Began(id) => return drop(self.running.insert(*id, String::new())),
            Event::Ended(id, _) => {
                self.running.remove(id);
                self.ended.insert(*id);
                return;
            }
            // the report at the end tells them
            Event::Warned(..) => return,
            Event::Log(id, _) if self.phases.contains(id) => return,
            Event::Said(id, text) | Event::Log(id, text) => (id, text.clone()),
            Event::Phase { id, name, percent } => {
                self.phases.insert(*id);
                (id, percent.map_or_else(|| name.clone(), |percent| format!("{name} {percent} %")))
            }
            Event::Progress { id, .. } => (id, measured.unwrap_or_default()),
        };
        if let Some(last) = self.running.get_mut(id) {
            *last = said;
        }
    }

    /// A line for each pod that is not done, those where something runs first; if there are more than `room`, the
    /// last line sums up the rest.
    pub(super) fn lines(&self, room: usize) -> Vec<Line> {
        let open = |steps: &[&Step]| steps.iter().filter(|step| !self.ended.contains(&step.id)).count();
        let runs = |steps: &[&Step]| steps.iter().any(|step| self.running.contains_key(&step.id));
        let mut pods: Vec<_> = self.pods.iter().filter(|(_, steps)| open(steps) > 0).collect();
        if pods.len() > room {
            pods.sort_by_key(|(_, steps)| !runs(steps));
        }
        let shown = if pods.len() > room { room.saturating_sub(1) } else { pods.len() };
        let line = |(pod, steps): &(&&PodName, &Vec<&Step>)| Line {
            head: pod.to_string(),
            text: format!("{}/{} {}", steps.len() - open(steps), steps.len(), self.waited_for(steps)),
        };
        let mut lines: Vec<Line> = pods[..shown].iter().map(line).collect();
        let rest = &pods[shown..];
        if !rest.is_empty() {
            let left = rest.iter().map(|(_, steps)| open(steps)).sum::<usize>();
            let head = format!("and {}", Count(rest.len(), "more pod"));
            lines.push(Line { head, text: format!("{} left", Count(left, "step")) });
        }
        lines
    }

    /// What a pod waits for: the oldest step that runs there, else what its next one needs.
    fn waited_for(&self, steps: &[&Step]) -> String {
        let mut running = steps.iter().filter(|step| self.running.contains_key(&step.id));
        if let Some(first) = running.next() {
            let said = self.running.get(&first.id).filter(|said| !said.is_empty());
            let said = said.map(|said| format!(": {said}")).unwrap_or_default();
            let beside = match running.count() {
                0 => String::new(),
                more => format!(" (and {})", Count(more, "more step")),
            };
            return format!("{}{beside}{said}", step_title(first));
        }
        let next = steps.iter().find(|step| !self.ended.contains(&step.id));
        let needed = next.and_then(|next| {
            let mut open = next.after.iter().filter(|id| !self.ended.contains(*id));
            open.find_map(|id| self.steps.get(id))
        });
        match (next, needed) {
            (Some(next), Some(needed)) if needed.pod != next.pod => {
                format!("waits for {}: {}", needed.pod, step_title(needed))
            }
            (_, Some(needed)) => format!("waits for: {}", step_title(needed)),
            (Some(next), None) => format!("waits for its turn: {}", step_title(next)),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Outcome;
    use crate::plan::Action;
    use crate::plan::Reason;
    use std::time::Duration;

    fn step(id: StepId, pod: &str, name: &str, after: &[StepId]) -> Step {
        let action = Action::StopServer(name.parse().unwrap());
        Step { id, pod: pod.parse().unwrap(), action, reason: Reason::Missing, after: after.to_vec() }
    }

    fn text(progress: &Progress<'_>, room: usize) -> Vec<String> {
        progress.lines(room).into_iter().map(|line| format!("{}  {}", line.head, line.text)).collect()
    }

    fn done(id: StepId) -> Event {
        Event::Ended(id, Outcome::Done { took: Duration::ZERO })
    }

    #[test]
    fn a_pod_tells_what_it_waits_for_and_how_much_is_left() {
        let steps = [
            step(1, "dc1", "a", &[]),
            step(2, "dc1", "b", &[]),
            step(3, "dc1", "c", &[1, 2]),
            step(4, "dc2", "d", &[3]),
        ];
        let mut progress = Progress::new(&steps);
        let mut after = |events: &[Event]| {
            for event in events {
                progress.take(event, None);
            }
            text(&progress, 24)
        };
        let waits = "dc2  0/1 waits for dc1: stop server c";
        assert_eq!(after(&[]), ["dc1  0/3 waits for its turn: stop server a", waits]);
        let phase = |id, percent| Event::Phase { id, name: "loading weights".to_owned(), percent };
        assert_eq!(
            after(&[
                Event::Began(1),
                Event::Began(2),
                Event::Said(2, "b says".to_owned()),
                phase(1, Some(25))
            ]),
            ["dc1  0/3 stop server a (and 1 more step): loading weights 25 %", waits]
        );
        // a line of the log says less than the phase
        assert_eq!(after(&[Event::Log(1, "x".to_owned())])[0], after(&[])[0]);
        // what ended is not told any more, what runs is
        assert_eq!(after(&[done(1)])[0], "dc1  1/3 stop server b: b says");
        assert_eq!(after(&[phase(1, None), done(2)])[0], "dc1  2/3 waits for its turn: stop server c");
        assert_eq!(after(&[Event::Began(3), done(3)]), ["dc2  0/1 waits for its turn: stop server d"]);
        assert_eq!(after(&[Event::Began(4), done(4)]), Vec::<String>::new());
    }

    #[test]
    fn thirty_pods_fit_a_low_terminal() {
        let steps: Vec<Step> = (1..=30)
            .flat_map(|pod| {
                let name = format!("pod-{pod}");
                [step(2 * pod - 1, &name, "a", &[]), step(2 * pod, &name, "b", &[2 * pod - 1])]
            })
            .collect();
        let mut progress = Progress::new(&steps);
        progress.take(&Event::Began(59), None);
        let lines = text(&progress, 20);
        assert_eq!(lines.len(), 20);
        assert_eq!(lines[0], "pod-30  0/2 stop server a");
        assert_eq!(lines[1], "pod-1  0/2 waits for its turn: stop server a");
        assert_eq!(lines[19], "and 11 more pods  22 steps left");
    }
}

//! What a step runs on its pod: scripts, typed by what each of them is for.
//!
//! In: an action and its pod. Out: a [`Program`]. Whoever runs it needs to know nothing of the action.

use crate::name::SecretName;
use crate::script::{RenderError, Script, Template, render};
use crate::spec::ServerSpec;
use crate::units::Seconds;
use serde::Serialize;

/// What a step runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Program {
    /// One script.
    Run(Part, Input),
    /// A silent server is asked once more, and restarted if it stays silent.
    AskThenRestart {
        /// Ends with [`crate::script::ExitCode::Answers`] if it answers.
        ask: Part,
        /// Stops it and starts it.
        start: Part,
    },
    /// A server is stopped and started as it should be; where that does not begin, it is started as it was.
    Replace {
        /// Stops it and starts the new one. Ends with [`crate::script::ExitCode::NotBegun`] if only the stop was done.
        start: Part,
        /// Starts it as it was.
        again: Part,
    },
    /// A server is waited for.
    Await {
        /// Which, and how.
        server: Box<Awaited>,
        /// Notes that it did not come up; the reason is its input.
        failed: Part,
        /// What is done then.
        fallback: Fallback,
    },
}

/// A server that was started.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// As it was started.
    pub spec: ServerSpec,
    /// How long it may make no progress.
    pub stall: Seconds,
    /// Whether another one serves in its place meanwhile.
    pub standing: Standing,
    /// Ends when its `/health` answers, or can't any more.
    pub wait: Part,
    /// Notes that it has answered; what is to be said of it all the same is its input.
    pub answered: Part,
    /// Stops it, where it must not go on, and brings back what it replaces.
    pub stop: Part,
}

/// Whether another server serves while one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// None does.
    Alone,
    /// The one that it is to replace does.
    Beside,
    /// None does: the one that it replaces was stopped for it, and is started again if it must not go on.
    Recreated,
}

/// What is done if a server does not come up.
#[derive(Debug, Clone, PartialEq)]
pub enum Fallback {
    /// Nothing.
    Nothing,
    /// The one that answered last is started again.
    StartPrevious {
        /// Starts it, as a run of its own.
        start: Part,
        /// It is waited for as well.
        then: Box<Awaited>,
    },
    /// It was started beside one that runs, and is stopped again.
    StopRun(Part),
}

/// A script of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What is run.
    pub script: Script,
    /// What its end leaves in the pod's journal.
    pub noted: Noted,
    /// Whether it builds or brings something, and nothing else.
    pub takes_time: bool,
    /// How long it may say nothing new before it counts as stuck; without a limit where the script has one of its own.
    pub quiet: Option<Seconds>,
}

/// What the end of a script leaves in the pod's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// What became of its step.
    Step,
    /// Only that its step was interrupted: it changes nothing, and another script notes how that ended.
    Interruption,
    /// That its step has failed, which it is there for.
    Failure,
    /// An action of its own, which is not its step's.
    Other {
        /// By its name in journals.
        action: &'static str,
        /// Why.
        reason: &'static str,
    },
}

/// What a script reads on its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    Nothing,
    /// `name=value` lines of these secrets.
    Secrets(Vec<SecretName>),
}

impl Program {
    /// Whether it only takes time, so that an interruption may end it at once. What changes servers is finished.
    #[must_use]
    pub fn may_be_interrupted(&self) -> bool {
        match self {
            Self::Run(part, _) => part.takes_time,
            Self::Await { .. } => true,
            Self::AskThenRestart { .. } | Self::Replace { .. } => false,
        }
    }

    /// Its scripts, in the order in which they may run.
    #[must_use]
    pub fn scripts(self) -> Vec<Script> {
        let parts = match self {
            Self::Run(part, _) => vec![part],
            Self::AskThenRestart { ask, start } => vec![ask, start],
            Self::Replace { start, again } => vec![start, again],
            Self::Await { server, failed, fallback } => {
                let mut parts = vec![server.wait, server.answered, failed];
                match fallback {
                    Fallback::Nothing => {}
                    Fallback::StartPrevious { start, then } => {
                        parts.extend([start, then.wait, then.answered]);
                    }
                    Fallback::StopRun(stop) => parts.push(stop),
                }
                parts
            }
        };
        parts.into_iter().map(|part| part.script).collect()
    }
}

impl Part {
    /// A template with its values.
    pub(in crate::plan) fn new(template: Template, values: &impl Serialize) -> Result<Self, RenderError> {
        let noted = match template {
            Template::AWAIT_READY | Template::ASK_AGAIN => Noted::Interruption,
            Template::MARK_FAILED => Noted::Failure,
            _ => Noted::Step,
        };
        let takes_time = matches!(template, Template::INSTALL_ENGINE | Template::FETCH_WEIGHTS);
        Ok(Self { script: render(template, values)?, noted, takes_time, quiet: quiet(template) })
    }

    /// The same, for another reason, where it is an action of its own.
    #[must_use]
    pub fn because(&self, why: &'static str) -> Self {
        let noted = match self.noted {
            Noted::Other { action, reason: _ } => Noted::Other { action, reason: why },
            noted @ (Noted::Step | Noted::Interruption | Noted::Failure) => noted,
        };
        Self { noted, ..self.clone() }
    }

    /// The same, as an action of its own.
    pub(in crate::plan) fn into_other(self, action: &'static str, reason: &'static str) -> Self {
        Self { noted: Noted::Other { action, reason }, ..self }
    }
}

/// How long a script may say nothing new: minutes by default, since a driver takes its time to give memory back.
fn quiet(template: Template) -> Option<Seconds> {
    let minutes = match template {
        // `ready_stall` is its limit, which the pod keeps
        Template::AWAIT_READY => return None,
        // kernels that are compiled say nothing meanwhile
        Template::INSTALL_ENGINE => 30,
        // apt-get waits 5 min for its lock
        Template::INSTALL_PACKAGES | Template::FETCH_WEIGHTS => 15,
        // thousands of files, perhaps on network storage
        Template::REMOVE_ENGINE | Template::REMOVE_WEIGHTS | Template::REMOVE_REST => 10,
        Template::ASK_AGAIN => 2,
        Template::WRITE_SECRETS | Template::MARK_ANSWERED | Template::MARK_FAILED => 1,
        _ => 5,
    };
    Some(Seconds(minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_has_an_end_or_a_rule_of_its_own() {
        for template in Template::ALL {
            assert_eq!(quiet(*template).is_none(), *template == Template::AWAIT_READY, "{template:?}");
        }
    }
}

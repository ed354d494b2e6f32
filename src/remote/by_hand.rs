//! The user's own ssh, for what a person does on a pod: a shell, a command.
//!
//! In: a pod's line, and what to run. Out: a command that goes over the connection that pi keeps, with standard
//! input, output and errors as they are. It knows nothing of the runner.

use super::local::home;
use super::master::Master;
use super::runner_command::EXEC;
use crate::name::EnvName;
use crate::script::quote::quoted;
use std::process::Command;

/// What a person runs on a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandsOn<'a> {
    /// A shell, with a terminal if this process has one.
    Shell,
    /// These words, at a terminal.
    AtTerminal(&'a [String]),
    /// These words, without one. The mark stands in the command line of the process that passes signals on.
    Plain(&'a [String], &'a str),
}

/// Runs the words as a job of its own, and passes signals on to all of it. What bash says of jobs that were killed is
/// nobody's business.
const JOB: &str = r#"exec 5>&2 2>/dev/null
set -m
"$@" <&0 2>&5 5>&- &
job=$!
for signal in HUP INT TERM; do trap "passed=1; kill -s $signal -- -$job" "$signal"; done
while :; do passed=; wait "$job"; code=$?; [[ $passed ]] || break; done
exit "$code""#;

impl HandsOn<'_> {
    /// Words for bash; none for a shell.
    fn words(self) -> Option<Vec<String>> {
        let (script, mark, words) = match self {
            Self::Shell => return None,
            Self::AtTerminal(words) => ("\"$@\"", "pi-ssh", words),
            Self::Plain(words, mark) => (JOB, mark, words),
        };
        let start = ["bash", "--norc", "-c", script, mark].map(str::to_owned);
        Some(start.into_iter().chain(words.iter().cloned()).collect())
    }
}

/// On this machine: in the home directory, without the `hidden` variables.
pub(super) fn here(errand: HandsOn<'_>, hidden: &[EnvName]) -> Command {
    let words = errand.words().unwrap_or_default();
    let shell =
        || std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "bash".into());
    let mut command = Command::new(words.first().map_or_else(shell, Into::into));
    command.args(words.iter().skip(1)).current_dir(home());
    for name in hidden {
        command.env_remove(name.as_str());
    }
    command
}

/// Over ssh; none if a word has a NUL in it.
pub(super) fn there(errand: HandsOn<'_>, master: &Master) -> Option<Command> {
    let mut command = master.client();
    let terminal = match errand {
        HandsOn::Shell => None,
        HandsOn::AtTerminal(_) => Some("-t"),
        HandsOn::Plain(..) => Some("-T"),
    };
    command.args(terminal).arg("--").arg(master.destination());
    if let Some(words) = errand.words() {
        let words = words.iter().map(|word| quoted(word)).collect::<Option<Vec<_>>>()?;
        command.arg(format!("{EXEC} {}", words.join(" ")));
    }
    Some(command)
}

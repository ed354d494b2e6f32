//! Exit codes, which scripts depend on.

use crate::name::PodName;
use crate::problem::Problems;
use miette::Report;
use std::process::ExitCode;
use thiserror::Error;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Failed.
    Failed,
    /// `plan --detailed-exitcode` found changes.
    Changes,
    /// Wrong usage, or a manifest with mistakes.
    Usage,
    /// A pod could not be reached.
    Unreachable,
    /// Somebody else holds the lock.
    Locked,
    /// Interrupted.
    Interrupted,
    /// Nobody reads what it prints any more: 128 and the number of SIGPIPE, as of any command in a pipe.
    Unread,
    /// A bug.
    Bug,
    /// As the command on the pod did: `pi ssh`.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Exit {
    pub(in crate::cli) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Changes => 2,
            Self::Usage => 64,
            Self::Unreachable => 69,
            Self::Locked => 75,
            Self::Interrupted => 130,
            Self::Unread => 141,
            Self::Bug => 70,
            Self::Of(code) => code,
        }
    }
}

/// A mistake of the person at the keyboard.
#[derive(Debug, Error, miette::Diagnostic)]
#[error("{message}")]
pub(in crate::cli) struct Usage {
    pub(in crate::cli) message: String,
    #[help]
    pub(in crate::cli) help: Option<String>,
}

/// A [`Usage`] error.
pub(in crate::cli) fn usage(message: impl Into<String>, help: impl Into<String>) -> Report {
    Usage { message: message.into(), help: Some(help.into()) }.into()
}

/// A pod that could not be reached.
#[derive(Debug, Error, miette::Diagnostic)]
#[error("{message}")]
pub(in crate::cli) struct Away {
    message: String,
    #[help]
    help: Option<String>,
}

/// An [`Away`] error.
pub(in crate::cli) fn away(pod: &PodName, why: &str, help: Option<String>) -> Report {
    Away { message: format!("{pod}: {why}"), help }.into()
}

/// The same error, as a mistake of the person at the keyboard.
pub(in crate::cli) fn as_usage(report: &Report) -> Report {
    Usage { message: report.to_string(), help: report.help().map(|help| help.to_string()) }.into()
}

/// The exit code of an error.
pub(in crate::cli) fn of(report: &Report) -> Exit {
    if report.downcast_ref::<Problems>().is_some() || report.downcast_ref::<Usage>().is_some() {
        return Exit::Usage;
    }
    if report.downcast_ref::<Away>().is_some() {
        return Exit::Unreachable;
    }
    Exit::Failed
}

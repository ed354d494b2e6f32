//! Why a pod could not be spoken to.
//!
//! Out: what happened in one sentence, a code for programs, and what to do next. No secret ever is in it: it is
//! made of what ssh says of the connection and of what a login shell prints before anything of ours runs.

use crate::units::Bytes;
use std::path::PathBuf;
use thiserror::Error;

/// A script did not run to its end, or it is not known whether it did.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "`at` is the pod's address as people write it, in each variant")]
pub enum RemoteError {
    /// Nothing listens there.
    #[error("{at} refuses the connection")]
    Refused { at: String },
    /// No answer.
    #[error("{at} does not answer")]
    TimedOut { at: String },
    /// No way there from this network.
    #[error("{at} can't be reached from here: {why}")]
    NoRoute { at: String, why: String },
    /// The name means nothing.
    #[error("no machine is called `{host}` ({at})")]
    NoHost { at: String, host: String },
    /// None of the keys opens the door.
    #[error("{at} does not let `{user}` in: {why}")]
    NoLogin { at: String, user: String, why: String },
    /// Another machine answers than the one known under this address.
    #[error("another machine than last time answers at {at}: its host key has changed{}", now(.fingerprint.as_ref()))]
    HostKeyChanged { at: String, fingerprint: Option<String>, accept: String },
    /// The user's own ssh configuration wants each host key to be known beforehand.
    #[error("the host key of {at} is not known, and the ssh configuration asks for known ones only")]
    HostKeyUnknown { at: String, ask: String },
    /// No ssh on this machine.
    #[error("there is no `ssh` program on this machine")]
    NoSsh,
    /// The login script of the pod's user lets no command run.
    #[error("{at} answers, but its login script {does}")]
    LoginScript { at: String, does: String },
    /// No bash on the pod.
    #[error("{at} has no bash")]
    NoBash { at: String },
    /// A proxy that only gives terminals.
    #[error("{at} gives terminals only, it runs no plain commands")]
    NoPlainCommands { at: String },
    /// The directory of the connections' sockets can't be trusted.
    #[error("`{dir}` can't hold pi's connections: {why}", dir = .dir.display())]
    BadSocketDir { dir: PathBuf, why: String },
    /// The connection ended before the script's exit code came.
    #[error("the connection to {at} was lost; what became of the script is not known")]
    Lost { at: String },
    /// It prints more than it may.
    #[error("{at} says more than {most} where it may not")]
    TooLong { at: String, most: Bytes },
    /// It was to stop, and did.
    #[error("stopped on {at}")]
    Stopped { at: String },
    /// Something else, in ssh's own words.
    #[error("{at}: {text}")]
    Other { at: String, text: String },
}

fn now(fingerprint: Option<&String>) -> String {
    fingerprint.map(|print| format!(" (now {print})")).unwrap_or_default()
}

impl RemoteError {
    /// One word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::TimedOut { .. } => "timed-out",
            Self::NoRoute { .. } => "no-route",
            Self::NoHost { .. } => "no-host",
            Self::NoLogin { .. } => "no-login",
            Self::HostKeyChanged { .. } => "host-key-changed",
            Self::HostKeyUnknown { .. } => "host-key-unknown",
            Self::NoSsh => "no-ssh",
            Self::LoginScript { .. } => "login-script",
            Self::NoBash { .. } => "no-bash",
            Self::NoPlainCommands { .. } => "no-plain-commands",
            Self::BadSocketDir { .. } => "bad-socket-dir",
            Self::Lost { .. } => "lost",
            Self::TooLong { .. } => "too-long",
            Self::Stopped { .. } => "stopped",
            Self::Other { .. } => "other",
        }
    }

    /// What to do next, where there is something to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Refused { .. } => Some(
                "is the pod running? Its ssh port may have changed with a restart: compare the provider's ssh line"
                    .to_owned(),
            ),
            Self::TimedOut { .. } | Self::NoRoute { .. } => {
                Some("is the pod running, and is its ssh line still the provider's?".to_owned())
            }
            Self::NoHost { host, .. } => {
                Some(format!("check the spelling of `{host}`, or declare it as a Host in ~/.ssh/config"))
            }
            Self::NoLogin { .. } => Some(
                "give the key with `-i`, or load it with `ssh-add`; pi never asks for passwords or passphrases"
                    .to_owned(),
            ),
            Self::HostKeyChanged { accept, .. } => {
                Some(format!("if the pod was replaced, accept the new one: {accept}"))
            }
            Self::HostKeyUnknown { ask, .. } => Some(format!("look at the key once and accept it: {ask}")),
            Self::NoSsh => Some("install OpenSSH's client (Debian: apt-get install openssh-client)".to_owned()),
            Self::LoginScript { .. } => Some(
                "let it do that for people alone: in ~/.bashrc there, put `[[ $- == *i* ]] || return` above the line that does it"
                    .to_owned(),
            ),
            Self::NoBash { .. } => {
                Some("install it there, let the login's PATH name its directory, or choose an image that has it".to_owned())
            }
            Self::NoPlainCommands { .. } => {
                Some("use the provider's other ssh line (RunPod: “SSH over exposed TCP”)".to_owned())
            }
            Self::BadSocketDir { dir, .. } => {
                Some(format!("remove `{}`, or set XDG_RUNTIME_DIR to a directory of your own", dir.display()))
            }
            Self::Lost { .. } => Some("run it again: pi looks at the pod anew".to_owned()),
            Self::TooLong { .. } => Some("log in and look what is there; pi takes no more of it at once".to_owned()),
            Self::Stopped { .. } | Self::Other { .. } => None,
        }
    }

    /// Whether the script may have begun; all else happened before.
    #[must_use]
    pub fn began(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::TooLong { .. } | Self::Stopped { .. })
    }
}

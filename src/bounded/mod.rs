//! The one reader: whatever comes from outside is read with a limit in bytes and one in time.
//!
//! In: a file, a program, an answer over HTTP, and a [`Limit`]. Out: what it holds, or which limit it went over.
//! Pods speak through `remote`, which has limits of its own.

mod body;
mod file;
mod limits;
mod program;

pub use body::{BodyError, body, whole_after};
pub use file::{at_most, bytes, text};
pub use limits::*;
pub use program::{Ran, output};

use std::fmt;
use std::time::Duration;

/// How much is read of something, and for how long it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What it is for, behind "the limit for": `a manifest`.
    pub of: &'static str,
    /// The most bytes.
    pub bytes: u64,
    /// The longest wait, from the first try to the last byte.
    pub time: Duration,
}

/// Which limit something went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// There is more of it.
    Bytes(Limit),
    /// It was not whole in time.
    Time(Limit),
    /// There are more than so many of these.
    Count(usize, &'static str),
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(limit) => {
                write!(f, "it is longer than {}, the limit for {}", Size(limit.bytes), limit.of)
            }
            Self::Time(limit) => {
                write!(f, "it did not end within {} s, the limit for {}", limit.time.as_secs(), limit.of)
            }
            Self::Count(most, of) => write!(f, "there are more than {most}, the limit for {of}"),
        }
    }
}

impl std::error::Error for Over {}

impl From<Over> for std::io::Error {
    fn from(over: Over) -> Self {
        Self::other(over)
    }
}

/// `64 KiB`, `4 MiB`
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 20 => write!(f, "{} MiB", bytes >> 20),
            bytes => write!(f, "{} KiB", bytes >> 10),
        }
    }
}

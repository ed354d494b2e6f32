//! Why a step is done.

use std::borrow::Cow;
use std::fmt;

/// Why a step is done, as the end of a sentence: ``its context changes from 32k to 64k``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing of it yet.
    Missing,
    /// There is nothing of several things yet.
    MissingAll,
    /// Anything else, in words.
    Because(Cow<'static, str>),
}

impl Reason {
    /// Whether it is merely that there is nothing yet.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing | Self::MissingAll)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "it is not there yet",
            Self::MissingAll => "they are not there yet",
            Self::Because(words) => words,
        })
    }
}

impl From<&'static str> for Reason {
    fn from(words: &'static str) -> Self {
        Self::Because(Cow::Borrowed(words))
    }
}

impl From<String> for Reason {
    fn from(words: String) -> Self {
        Self::Because(Cow::Owned(words))
    }
}

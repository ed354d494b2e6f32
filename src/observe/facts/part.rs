//! A part of a pod that may not have been seen.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What was seen of a part of a pod. Unknown is not empty: whoever needs the part has to say what becomes of it where
/// nobody can tell. Why that is so stands in the gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T> {
    /// All of it.
    Seen(T),
    /// Not all of it, and so nothing.
    Unknown,
}

impl<T> Part<T> {
    /// What was seen, if it was.
    pub fn seen(&self) -> Option<&T> {
        match self {
            Self::Seen(what) => Some(what),
            Self::Unknown => None,
        }
    }

    /// The same, to be changed.
    pub fn seen_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Seen(what) => Some(what),
            Self::Unknown => None,
        }
    }

    /// Whether nobody can tell.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Empty, and seen to be so.
impl<T: Default> Default for Part<T> {
    fn default() -> Self {
        Self::Seen(T::default())
    }
}

impl<A, T: FromIterator<A>> FromIterator<A> for Part<T> {
    fn from_iter<I: IntoIterator<Item = A>>(items: I) -> Self {
        Self::Seen(items.into_iter().collect())
    }
}

/// As the thing itself; `null` where nobody can tell.
impl<T: Serialize> Serialize for Part<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.seen().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Unknown, Self::Seen))
    }
}

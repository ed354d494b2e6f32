//! How a changed server replaces the one that runs.

/// How a server gets to its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::plan) enum Rollout {
    /// What is there is stopped first; why, where the new one could have been started beside it.
    Recreate(Option<String>),
    /// It is started beside the one that runs.
    SideBySide,
    /// It was started beside the one that runs before this plan was made.
    Resumed,
}

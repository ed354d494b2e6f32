//! The scripts of every step.

pub(super) mod program;
pub(super) mod shown;
pub(super) mod render;

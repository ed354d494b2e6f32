//! A plan's rows, as people see and count them.

use crate::plan::step::{Sign, Step};

/// One row of a plan, as people see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// What is done.
    pub step: &'a Step,
    /// Whether that adds, changes or removes.
    pub sign: Sign,
    /// Whether a server goes away and comes back.
    pub restarts: bool,
    /// Why.
    pub reason: &'a str,
}

/// Rows of a plan, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// `+`
    pub add: usize,
    /// `~`
    pub change: usize,
    /// `-`
    pub remove: usize,
}

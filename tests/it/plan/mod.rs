//! The planner's laws, over every folder of `tests/cases` and over what a generator thinks of.

mod case;
mod check;
mod former;
mod golden;
mod hidden;
mod laws;
mod random;
mod scratch;
mod scripts;
mod shuffle;
mod twice;

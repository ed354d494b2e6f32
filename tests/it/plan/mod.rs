//! The planner's laws, over every folder of `tests/cases` and over what a generator thinks of.

mod blocked;
pub(crate) mod case;
mod check;
mod ends;
mod left_of_pi;
mod gpu_memory;
pub(crate) mod golden;
mod guard;
mod hidden;
mod laws;
mod many;
mod open;
mod packages;
mod random;
mod recipes;
mod runs;
mod scratch;
mod scripts;
mod shuffle;
mod tools;
mod trial;
mod twice;
mod waits;

//! 1. What the team wants: `pi.toml`, parsed once into types that cannot be wrong.
//!
//! In: the file's text. Out: a [`Manifest`], or every problem in it at once. In reading order: what the types are
//! (`types`), what the file looks like (`raw`), how it is read (`value`, `table`) and checked (`check`), who puts
//! that together (`load`).

mod types;
mod suggest;
mod value;
mod scalar;
mod choice;
mod secrets;
mod table;
mod mount;
mod shapes;
mod raw;
mod schema;
mod check;
mod syntax;
mod load;
mod find;
mod starter;
pub mod edit;

pub use find::{By, Found, Surroundings, find};
pub use load::{load, parse};
pub use schema::schema;
pub use starter::{starter, starter_local};
pub use suggest::near;
pub use types::*;

//! 1. What the team wants: `pi.toml`, parsed once into types that cannot be wrong.

mod types;

pub use types::*;

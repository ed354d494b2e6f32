//! What `pi init` writes.

/// For a rented GPU machine: everything that matters, most of it as comments.
#[must_use]
pub fn starter() -> &'static str {
    include_str!("starter.toml")
}

/// For this machine: a small real model, on the CPU.
#[must_use]
pub fn starter_local() -> &'static str {
    include_str!("starter_local.toml")
}

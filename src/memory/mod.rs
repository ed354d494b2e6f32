//! `pods.json`: what pi last knew. A cache that makes choices stick and commands fast; the pod itself is the truth.
//!
//! In: the file of `$PI_CONFIG_DIR`. Out: [`Memory`]; written whole, atomically, 0600, under a file lock.

mod types;
mod pods_file;
mod file;

pub use file::{Store, is_older};
pub use types::{Memory, PodMemory, ServerMemory};

//! What is known of the world before anything is observed: GPUs, models, engine versions and the words they know.
//!
//! In: data files of `data/`, embedded and read when first asked for, each with its sources. Out: look-ups, and
//! [`recipe::choose`], which turns a model, a GPU kind and an engine version into a command line.

pub mod version;
pub mod gpus;
pub mod engines;
pub mod wheel;
pub mod flags;
pub mod kv;
pub mod models;
pub mod args;
pub mod recipe;

pub use gpus::Gpu;
pub use models::Recipe;
pub use version::Version;

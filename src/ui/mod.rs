//! Telling: everything that people and machines read. Data comes in, text goes out; nothing is decided here.
//!
//! Data goes to standard output; progress, questions and errors go to standard error.

mod env;
mod error;
mod events;
mod findings;
mod fit;
mod json;
mod layout;
mod list;
mod list_json;
mod outcome;
mod output;
mod plan_text;
mod rate;
mod refusal;
mod rows;
mod screen;
mod scripts;
mod style;

pub use env::{ClientEnv, Shell, env_json, env_text};
pub use error::{error, manifest_is_right, set_error_style};
pub use events::{Reporter, Showing};
pub use fit::{FitHeading, fit_json, fit_overview, fit_text};
pub use json::plan_json;
pub use list::list_text;
pub use list_json::list_json;
pub use outcome::outcome;
pub use output::{Color, ask_yes, data, is_terminal, note, still_read, use_color};
pub use plan_text::plan_text;
pub use refusal::refusal;
pub use screen::Screen;
pub use scripts::script_diffs;

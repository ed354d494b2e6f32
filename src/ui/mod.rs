//! Telling: everything that people and machines read. Data comes in, text goes out; nothing is decided here.
//!
//! Data goes to standard output; progress, questions and errors go to standard error.

mod command;
mod env;
mod error;
mod events;
mod findings;
mod fit;
mod history;
mod json;
mod known;
mod layout;
mod manifest_diff;
mod list;
mod list_json;
mod outcome;
mod output;
mod plan_text;
mod pods;
mod prompt;
mod rate;
mod refusal;
mod rows;
mod screen;
mod scripts;
mod serving;
mod style;
mod typing;
mod visible;

pub use env::{ClientEnv, Shell, env_json, env_text};
pub use error::{error, manifest_is_right, set_error_style};
pub use events::{Reporter, Showing};
pub use fit::{FitHeading, FitLine, fit_json, fit_overview, fit_text};
pub use history::{history_json, history_text, no_journal, unread};
pub use json::plan_json;
pub use known::{Free, known_json, known_text};
pub use list::list_text;
pub use list_json::list_json;
pub use manifest_diff::manifest_diff;
pub use outcome::outcome;
pub use output::{Color, Reader, after_interrupt, ask_yes, data, is_terminal, note, stream, use_color};
pub use plan_text::plan_text;
pub use pods::{PodLine, pods_json, pods_text};
pub use prompt::{Conversation, Told, begin_json, end_json, ending, event_json, stats, tell, trouble_json};
pub use refusal::{lock, lock_broken, not_broken, refusal, unreachable, waiting};
pub use screen::Screen;
pub use scripts::script_diffs;
pub use serving::{Serving, serving_json, serving_text};
pub use typing::{Typed, Typing};
pub use visible::visible;

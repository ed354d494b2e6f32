//! Telling: everything that people and machines read. Data comes in, text goes out; nothing is decided here.
//!
//! Data goes to standard output; progress, questions and errors go to standard error.

mod canvas;
mod check_json;
mod command;
mod edit_json;
mod env;
mod error;
mod events;
mod findings;
mod fit;
mod found_json;
mod history;
mod json;
mod known;
mod layout;
mod manifest_diff;
mod list;
mod list_json;
mod lock_json;
mod outcome;
mod output;
mod plan_text;
mod pods;
mod progress;
mod prompt;
mod rate;
mod refusal;
mod rows;
mod screen;
mod scripts;
mod serving;
mod style;
mod table;
mod tunnel_json;
mod typing;
mod visible;

pub use check_json::{problems_json, right_json};
pub use edit_json::{edit_json, written_json};
pub use env::{ClientEnv, Shell, env_json, env_text};
pub use error::{error, manifest_is_right, set_error_style};
pub use events::{Reporter, Showing};
pub use fit::{FitHeading, FitLine, FitPod, fit_json, fit_overview, fit_overview_json, fit_text, of_kind};
pub use found_json::found_json;
pub use history::{history_json, history_text, no_journal, unread};
pub use json::plan_json;
pub use known::{Free, known_json, known_text};
pub use layout::use_terminal_width;
pub use list::{list_text, watch_text};
pub use list_json::list_json;
pub use lock_json::{lock_json, unlocked_json};
pub use manifest_diff::manifest_diff;
pub use outcome::{outcome, plan_written};
pub use output::{
    Color, Gone, Reader, after_interrupt, ask_yes, data, gone, is_terminal, nobody, note, stream, unwritten,
    use_color,
};
pub use plan_text::plan_text;
pub use pods::{PodLine, active_json, pods_json, pods_text, ready_json, removed_json};
pub use prompt::{Conversation, Told, begin_json, end_json, ending, event_json, stats, tell, trouble_json};
pub use refusal::{lock, lock_lost, not_broken, refusal, unreachable, waiting};
pub use screen::Screen;
pub use scripts::script_diffs;
pub use serving::{Serving, serving_json, serving_text, stopped_json};
pub use tunnel_json::{Closed, closed_json, tunnel_json, tunnel_url};
pub use typing::{Typed, Typing};
pub use visible::{json_line, json_page, visible};

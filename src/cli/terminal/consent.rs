//! Asking the person at the terminal.

use crate::cli::terminal::exit::usage;
use crate::ui;
use miette::Result;

/// Whether the person says yes.
///
/// # Errors
/// There is nobody to ask.
pub(in crate::cli) fn agreed(question: &str) -> Result<bool> {
    if ui::is_terminal() {
        return ui::ask_yes(question);
    }
    Err(usage("nobody can be asked here: this is no terminal", "look at what is shown, then run with --yes"))
}

//! What the model is told about where it is.

use crate::agent::tools::Toolbox;
use std::fmt::Write;

const ROLE: &str = "You are an assistant in a terminal. Answer briefly, in plain text.";

/// The system prompt: the person's own words or ours, and what the tools are for.
#[must_use]
pub fn system(own: Option<&str>, toolbox: Option<&Toolbox>) -> String {
    let role = own.unwrap_or(ROLE);
    let Some(toolbox) = toolbox else { return role.to_owned() };
    let grounds = toolbox.grounds();
    let mut text = format!(
        "{role}\nThe working directory is {}. The tools look at files in it and below; they change nothing.",
        grounds.root().display()
    );
    for directory in grounds.allowed() {
        let _ = write!(text, " They may look into {} too.", directory.display());
    }
    text
}

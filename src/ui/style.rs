//! Color, with restraint. Every text is readable without: output that is not a terminal gets none.

use anstyle::{AnsiColor, Style};
use std::fmt;

/// For signs and words of what is added.
pub(super) const ADD: Style = AnsiColor::Green.on_default();
/// For signs and words of what is changed.
pub(super) const CHANGE: Style = AnsiColor::Yellow.on_default();
/// For signs and words of what is removed, and for errors.
pub(super) const REMOVE: Style = AnsiColor::Red.on_default();
/// For what stands out.
pub(super) const STRONG: Style = Style::new().bold();
/// For what may be passed over.
pub(super) const FAINT: Style = Style::new().dimmed();

/// A text in a style.
pub(super) struct Styled<T>(pub(super) Style, pub(super) T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.0.render(), self.1, self.0.render_reset())
    }
}

//! Errors that end a command.

use crate::problem::OneBelowTheOther;
use crate::ui::layout::Count;
use crate::ui::layout::prose;
use crate::ui::output::{Color, note};
use miette::{GraphicalReportHandler, GraphicalTheme, Report};
use std::io::IsTerminal;
use std::path::Path;

/// Sets how error reports look, for the rest of the run: plain text at 80 columns, color as elsewhere.
pub fn set_error_style(color: Color) {
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    let hook = miette::set_hook(Box::new(move |_| {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(prose());
        Box::new(OneBelowTheOther::new(handler))
    }));
    // a second call in one process changes nothing
    drop(hook);
}

/// Shows the error that ends a command.
pub fn error(report: &Report) {
    note(&format!("{report:?}"));
}

/// What `pi check` says of a manifest without mistakes.
#[must_use]
pub fn manifest_is_right(path: &Path, pods: usize, models: usize) -> String {
    format!("{}: {}, {}, no mistakes.\n", path.display(), Count(pods, "pod"), Count(models, "model"))
}

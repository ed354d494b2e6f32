//! How a report looks: as miette draws it, but several problems stand one below the other without a word before
//! each of them.

use miette::{Diagnostic, GraphicalReportHandler, ReportHandler};
use std::fmt;
use textwrap::{WordSeparator, WordSplitter};

/// Draws reports; `main` hands it to [`miette::set_hook`], around a handler that knows width and color.
#[derive(Debug)]
pub struct OneBelowTheOther(GraphicalReportHandler);

impl OneBelowTheOther {
    /// Draws with `handler`, but breaks lines at spaces only: commands and paths stay in one piece.
    #[must_use]
    pub fn new(handler: GraphicalReportHandler) -> Self {
        let handler = handler.with_word_separator(WordSeparator::AsciiSpace);
        Self(handler.with_word_splitter(WordSplitter::NoHyphenation))
    }

    /// The report as text.
    ///
    /// # Errors
    /// As `f` fails.
    pub fn render(&self, diagnostic: &dyn Diagnostic, f: &mut impl fmt::Write) -> fmt::Result {
        let Some(related) = diagnostic.related() else { return self.0.render_report(f, diagnostic) };
        self.0.render_report(f, &Heading(diagnostic))?;
        for one in related {
            writeln!(f)?;
            self.0.render_report(f, one)?;
        }
        Ok(())
    }
}

impl ReportHandler for OneBelowTheOther {
    fn debug(&self, diagnostic: &dyn Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        self.render(diagnostic, f)
    }
}

/// A diagnostic without those related to it.
#[derive(Debug)]
struct Heading<'a>(&'a dyn Diagnostic);

impl fmt::Display for Heading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl std::error::Error for Heading<'_> {}

impl Diagnostic for Heading<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help()
    }
}

//! For whom a command prints.

/// Who reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Form {
    /// People.
    Text,
    /// Machines: `--json`.
    Json,
}

impl From<bool> for Form {
    /// As `--json` says.
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

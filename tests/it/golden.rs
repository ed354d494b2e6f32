//! What is written down, to the byte, and how a change of it is accepted: with `PI_ACCEPT=1`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// What differs from what is written down, of all files of a test.
#[derive(Default)]
pub(crate) struct Golden {
    differences: String,
}

impl Golden {
    /// Compares one file; with `PI_ACCEPT=1` what is now is written down.
    pub(crate) fn compare(&mut self, file: &Path, now: &str) {
        let expected = fs::read_to_string(file).unwrap_or_default();
        if expected == now {
            return;
        }
        if std::env::var_os("PI_ACCEPT").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            return fs::write(file, now).unwrap();
        }
        let diff = similar::TextDiff::from_lines(expected.as_str(), now);
        let mut diff = diff.unified_diff();
        write!(self.differences, "{}", diff.header(&file.display().to_string(), "now")).unwrap();
    }

    /// Fails the test if any file differs.
    #[track_caller]
    pub(crate) fn all_as_written(&self) {
        assert!(self.differences.is_empty(), "{}\naccept with PI_ACCEPT=1", self.differences);
    }
}

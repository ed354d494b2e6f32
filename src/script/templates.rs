//! The templates, one file each, named after the action that uses them.
//!
//! In: the files of `/templates`. Out: one constant each, so that a missing file does not compile.

/// A bash template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    name: &'static str,
    text: &'static str,
}

impl Template {
    /// Its file name: `start_server.sh`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Its text, as it stands in the file.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.text
    }

    /// Any text, for tests of the language itself.
    #[cfg(test)]
    pub(super) const fn of(text: &'static str) -> Self {
        Self { name: "test.sh", text }
    }
}

/// `PROBE = "probe.sh";` declares `Template::PROBE`, the text of `/templates/probe.sh`.
macro_rules! templates {
    ($($name:ident = $file:literal;)*) => {
        impl Template {
            $(
                #[doc = concat!("`templates/", $file, "`")]
                pub const $name: Self =
                    Self { name: $file, text: include_str!(concat!("../../templates/", $file)) };
            )*

            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

templates! {}

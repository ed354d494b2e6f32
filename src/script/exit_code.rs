//! What scripts end with, for those who run them. `templates/lib/exit_codes.sh` is the same for bash.

/// What a script says by its exit code, besides 0 (done) and 1 (failed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ExitCode {
    /// The server's process, or its log, is not there.
    Gone = 3,
    /// The server's start makes no progress.
    Stalled = 4,
    /// Another process has the server's port.
    PortTaken = 5,
    /// The server answers after all.
    Answers = 6,
    /// The server answers on another address.
    Elsewhere = 8,
    /// A server was stopped, and what was to replace it did not begin.
    NotBegun = 9,
    /// Somebody else has the pod's lock: `EX_TEMPFAIL` of sysexits.h.
    Held = 75,
    /// The pod's lock is not the one under which the script was begun.
    LockLost = 76,
}

impl ExitCode {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Gone,
        Self::Stalled,
        Self::PortTaken,
        Self::Answers,
        Self::Elsewhere,
        Self::NotBegun,
        Self::Held,
        Self::LockLost,
    ];

    /// What this code says, if it says more than "done" or "failed".
    #[must_use]
    pub fn of(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as i32 == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_and_rust_have_the_same_exit_codes() {
        let text = include_str!("../../templates/lib/exit_codes.sh");
        let lines = text.lines().filter_map(|line| line.trim().split_once(' '));
        let bash: Vec<&str> = lines.map(|(word, _)| word).filter(|word| word.starts_with("EXIT_")).collect();
        let name = |code: ExitCode| {
            let words = format!("{code:?}").chars().fold(String::new(), |mut name, letter| {
                if letter.is_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
                name
            });
            format!("EXIT{words}={}", code as i32)
        };
        assert_eq!(bash, ExitCode::ALL.map(name));
    }

    #[test]
    fn no_script_ends_with_a_bare_code_that_has_a_name() {
        for template in super::super::Template::ALL {
            for part in template.parts().iter().chain([&template.text()]) {
                for code in ExitCode::ALL {
                    let bare = format!("exit {}", code as i32);
                    let found = part
                        .lines()
                        .any(|line| line.trim_end().ends_with(&bare) || line.contains(&format!("{bare};")));
                    assert!(!found, "{}: {bare}", template.name());
                }
            }
        }
    }
}

//! The configuration that pi's ssh reads: the user's own, and behind it what holds where the user says nothing.
//!
//! In: the options of an ssh line. Out: the text of a file for `ssh -F` and the options without their own `-F`.
//!
//! ssh takes the first value it meets. So a `StrictHostKeyChecking` of the user's wins, and only without one are
//! new host keys accepted (never changed ones): pi can't ask, it may be run by a machine.
//!
//! The user's configuration is `$HOME/.ssh/config` (`~` is `$HOME` here, as in a shell); keys and known hosts
//! are ssh's business, which takes the home directory from the password file.

use super::RemoteError;
use crate::bounded::{self, SSH_CONFIG};
use crate::ssh_target::SshLine;
use std::path::{Path, PathBuf};

/// Where the user says nothing. Jump hosts see only this, not what stands in our command line: without `BatchMode`
/// theirs would ask for a password, at a terminal that is not theirs.
const FALLBACK: &str =
    "Match all\n  StrictHostKeyChecking accept-new\n  BatchMode yes\n  ConnectTimeout 10\n";

/// What ssh is started with.
pub(super) struct Config {
    /// For `-F`.
    pub(super) text: String,
    /// What the file includes, as it is now: with it, the connection changes.
    pub(super) included: String,
    /// The line's other options.
    pub(super) options: Vec<String>,
}

/// Reads the user's configuration; `base` is the directory from which a relative `-F` counts.
pub(super) fn config(line: &SshLine, base: &Path, at: &str) -> Result<Config, RemoteError> {
    let home = std::env::home_dir().unwrap_or_default();
    let (own, options) = split(&line.options);
    let Some(own) = own else {
        let user = home.join(".ssh/config");
        let include = [user.as_path(), Path::new("/etc/ssh/ssh_config")].map(include).concat();
        let included = bounded::text(&user, SSH_CONFIG).unwrap_or_default();
        return Ok(Config { text: include + FALLBACK, included, options });
    };
    if own == "none" {
        return Ok(Config { text: FALLBACK.to_owned(), included: String::new(), options });
    }
    let path = own.strip_prefix("~/").map_or_else(|| base.join(&own), |rest| home.join(rest));
    // Copied: ssh is stricter about the permissions of what is included than about `-F` itself.
    let text = bounded::text(&path, SSH_CONFIG).map_err(|err| RemoteError::Other {
        at: at.to_owned(),
        text: format!("cannot read the ssh configuration `{}`: {err}", path.display()),
    })?;
    Ok(Config { text: format!("{text}\n{FALLBACK}"), included: String::new(), options })
}

/// A file that is not there is no error for ssh; a space needs quotes, and `*?[` would match other files.
fn include(path: &Path) -> String {
    let path = path.to_string_lossy();
    if path.contains(['"', '\n']) {
        return String::new();
    }
    let literal: String = path
        .chars()
        .flat_map(|c| matches!(c, '*' | '?' | '[').then_some('\\').into_iter().chain([c]))
        .collect();
    format!("Include \"{literal}\"\n")
}

/// The value of the last `-F`, and the other options.
fn split(options: &[String]) -> (Option<String>, Vec<String>) {
    let (mut own, mut others) = (None, Vec::new());
    let mut words = options.iter();
    while let Some(word) = words.next() {
        if word == "-F" {
            own = words.next().cloned();
            continue;
        }
        others.push(word.clone());
        if word.len() == 2 && !matches!(word.as_str(), "-4" | "-6" | "-A" | "-C") {
            others.extend(words.next().cloned());
        }
    }
    (own, others)
}

/// The directory from which relative paths in ssh lines count.
pub(super) fn base_of(manifest: &Path) -> PathBuf {
    match manifest.parent() {
        Some(dir) if dir != Path::new("") => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh_target::SshTarget;

    fn line(text: &str) -> SshLine {
        let Ok(SshTarget::Ssh(line)) = SshTarget::parse(text) else { panic!("{text}") };
        line
    }

    #[test]
    fn the_users_own_comes_first() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("my.conf"), "Host a\n  User b").unwrap();
        let config = |text: &str| config(&line(text), temp.path(), "h");

        let plain = config("ssh -p 1 -4 h").unwrap();
        assert_eq!(plain.options, ["-p", "1", "-4"]);
        assert!(plain.text.starts_with("Include \"/"), "{}", plain.text);
        assert!(
            plain.text.contains("/.ssh/config\"\nInclude \"/etc/ssh/ssh_config\"\nMatch all\n"),
            "{}",
            plain.text
        );

        let own = config("ssh -C -F my.conf -i -F h").unwrap();
        assert_eq!(own.options, ["-C", "-i", "-F"]);
        assert_eq!(own.text, format!("Host a\n  User b\n{FALLBACK}"));

        assert_eq!(config("ssh -F none h").unwrap().text, FALLBACK);
        let Err(error) = config("ssh -F missing h") else { panic!("read a file that is not there") };
        assert!(error.to_string().contains("/missing`: No such file"), "{error}");
        assert_eq!(include(Path::new("/a b/[x]*")), "Include \"/a b/\\[x]\\*\"\n");
    }
}

//! From the words of ssh and of a login shell to a [`RemoteError`].
//!
//! In: the log of a connection that failed, or what a pod said instead of running the script. Out: the reason.

use super::RemoteError;
use super::lines::clean;
use crate::ssh_target::SshLine;

/// How the process itself ended, which is not how the script did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this exit code.
    With(i32),
    /// Killed, or the line is dead.
    Somehow,
}

/// Why no connection came about.
pub(super) fn connection(log: &str, at: &str, line: &SshLine) -> RemoteError {
    let at = at.to_owned();
    // a pod's own words are in it, too
    let log = log.lines().map(|line| clean(line.as_bytes())).collect::<Vec<_>>().join("\n");
    let log = log.as_str();
    let has = |needle: &str| log.contains(needle);
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        return changed_key(log, at, line);
    }
    if has("Host key verification failed") {
        return RemoteError::HostKeyUnknown { at, ask: by_hand(&["-o", "StrictHostKeyChecking=ask"], line) };
    }
    if let Some(host) = between(log, "Could not resolve hostname ", ":") {
        return RemoteError::NoHost { at, host: host.to_owned() };
    }
    if let Some(said) = log.lines().find(|l| l.contains("Permission denied (")) {
        return no_login(log, said.trim(), at, line);
    }
    if has("Too many authentication failures") {
        let why = "too many keys were offered; name the one with `-i` and `-o IdentitiesOnly=yes`".to_owned();
        let user = line.destination.split_once('@').map_or("?", |(user, _)| user).to_owned();
        return RemoteError::NoLogin { at, user, why };
    }
    if has("Connection refused") {
        return RemoteError::Refused { at };
    }
    if ["timed out", "not responding"].iter().any(|text| has(text)) {
        return RemoteError::TimedOut { at };
    }
    for why in ["No route to host", "Network is unreachable"] {
        if has(why) {
            return RemoteError::NoRoute { at, why: lower(why) };
        }
    }
    if has("UNKNOWN port 65535") {
        // what the proxy itself said, ssh throws away for connections that are kept
        let text = format!("no way through its jump host or proxy; to see why: {}", by_hand(&[], line));
        return RemoteError::Other { at, text };
    }
    RemoteError::Other { at, text: last_words(log, "ssh ended without saying why").to_owned() }
}

/// What a login script does instead of letting the script begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instead {
    /// What stands in its place read standard input to the end, and then ended.
    Replaces,
    /// It went on only when standard input had ended.
    Reads,
    /// It took standard input away.
    ClosesInput,
    /// It printed and printed.
    Prints,
    /// It ended the session.
    Ends,
    /// It has disabled the command that starts others.
    NoExec,
    /// It did not come to its end.
    Hangs,
}

/// Why the script did not begin, by what the login script does. The last thing it said is told, too.
pub(super) fn instead(how: Instead, said: &str, at: &str) -> RemoteError {
    let does = match how {
        Instead::Replaces => "replaces the shell: another program runs in place of the command",
        Instead::Reads => "waits for input before a command may run",
        Instead::ClosesInput => "takes standard input away from the command",
        Instead::Prints => "prints without end",
        Instead::Ends => "ends the session, or takes its output away, before a command may run",
        Instead::NoExec => "leaves a shell that has no `exec`, with which every command begins",
        Instead::Hangs => "does not let a command run within 30 s",
    };
    let said = last_words(said, "");
    let short: String = said.chars().take(SHOWN).collect();
    let said = if short.is_empty() { String::new() } else { format!(" (it says: {short})") };
    RemoteError::LoginScript { at: at.to_owned(), does: format!("{does}{said}") }
}

/// Characters that are told of what a login script says.
const SHOWN: usize = 120;

/// What programs say that want a terminal and get none: tmux, screen, and others.
const NO_TERMINAL: [&str; 3] = ["not a terminal", "connected to a terminal", "not a tty"];

/// Why the script did not begin, although a connection was there: how its process ended, if it did, and what was
/// said.
pub(super) fn no_start(ended: Option<Ended>, said: &str, at: &str) -> RemoteError {
    let at = at.to_owned();
    if said.to_ascii_lowercase().contains("support pty") || said.contains("PTY allocation") {
        return RemoteError::NoPlainCommands { at };
    }
    let Some(ended) = ended else { return instead(Instead::Hangs, said, &at) };
    if ["exec: command not found", "command not found: exec"].iter().any(|words| said.contains(words)) {
        return instead(Instead::NoExec, said, &at);
    }
    if ended == Ended::With(127) || said.contains("bash: not found") || said.contains("bash: No such file") {
        return RemoteError::NoBash { at };
    }
    let wants_terminal =
        |line: &&str| NO_TERMINAL.iter().any(|words| line.to_ascii_lowercase().contains(words));
    if let Some(line) = said.lines().find(wants_terminal) {
        return instead(Instead::Replaces, line, &at);
    }
    match (ended, last_words(said, "")) {
        (Ended::With(0), _) | (Ended::With(_), "") => instead(Instead::Ends, said, &at),
        (Ended::Somehow, "") => {
            RemoteError::Other { at, text: "it ended the session before the script could begin".to_owned() }
        }
        (Ended::With(_) | Ended::Somehow, text) => RemoteError::Other { at, text: text.to_owned() },
    }
}

/// `said` is `user@host: Permission denied (publickey).`; a reason that ssh told before is a better one.
fn no_login(log: &str, said: &str, at: String, line: &SshLine) -> RemoteError {
    let (who, why) = said.split_once(": ").unwrap_or(("", said));
    let (user, host) = who.rsplit_once('@').unwrap_or(("?", who));
    let open = between(log, "Permissions ", "' are too open").and_then(|text| text.split_once('\''));
    let why = if let Some(file) = between(log, "no such identity: ", ": No such") {
        format!("there is no key `{file}`")
    } else if let Some((_, file)) = open {
        format!("ssh ignores the key `{file}`, which others may read (chmod 600 it)")
    } else {
        lower(why)
    };
    // a jump host, or what a Host of the configuration stands for
    let why = if host == line.host() { why } else { format!("{why}, says {host}") };
    RemoteError::NoLogin { at, user: user.to_owned(), why }
}

fn changed_key(log: &str, at: String, line: &SshLine) -> RemoteError {
    let fingerprint = log.lines().map(str::trim).find(|l| l.starts_with("SHA256:"));
    let fingerprint = fingerprint.map(|print| print.trim_end_matches('.').to_owned());
    let host = between(log, "ost key for ", " has changed").map(str::to_owned);
    let host = host.unwrap_or_else(|| match line.port() {
        Some(port) if port != "22" => format!("[{}]:{port}", line.host()),
        _ => line.host().to_owned(),
    });
    // `Offending ED25519 key in /root/.ssh/known_hosts:3`; without a file, ssh-keygen takes the user's own
    let file = log
        .lines()
        .find_map(|l| l.trim().strip_prefix("Offending ")?.split_once(" key in "))
        .and_then(|(_, place)| place.rsplit_once(':'))
        .map(|(file, _)| format!("-f {} ", shown(file)))
        .unwrap_or_default();
    RemoteError::HostKeyChanged { at, fingerprint, accept: format!("ssh-keygen {file}-R '{host}'") }
}

/// The command by which a person sees what ssh has to say.
fn by_hand(options: &[&str], line: &SshLine) -> String {
    let options = options.iter().copied().chain(line.options.iter().map(String::as_str));
    let words = ["ssh"].into_iter().chain(options).chain([&*line.destination, "true"]);
    words.map(shown).collect::<Vec<_>>().join(" ")
}

/// A word of a command line, as a person would type it.
fn shown(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| String::new(), std::borrow::Cow::into_owned)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0.trim())
}

fn lower(text: &str) -> String {
    let text = text.trim().trim_end_matches('.');
    let mut chars = text.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// The last line that says something.
fn last_words<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    let mut lines =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("Warning: Permanently"));
    lines.next_back().unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh_target::SshTarget;

    fn line() -> SshLine {
        let Ok(SshTarget::Ssh(line)) = SshTarget::parse("ssh -p 2222 root@1.2.3.4") else { panic!() };
        line
    }

    const CHANGED: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc/def.\r
Offending ED25519 key in /home/me/known hosts:3\r
Host key for [1.2.3.4]:2222 has changed and you have requested strict checking.\r
Host key verification failed.\r
";

    /// What ssh says, the error's code, and what a person is told.
    const REASONS: &[(&str, &str, &str)] = &[
        (
            "ssh: connect to host 1.2.3.4 port 2222: Connection refused",
            "refused",
            "root@1.2.3.4:2222 refuses",
        ),
        ("ssh: connect to host h port 22: Connection timed out", "timed-out", "does not answer"),
        ("Connection timed out during banner exchange", "timed-out", "does not answer"),
        ("ssh: connect to host h port 22: No route to host", "no-route", "no route to host"),
        ("ssh: Could not resolve hostname nohost: Name or service not known", "no-host", "`nohost`"),
        (
            "root@1.2.3.4: Permission denied (publickey).",
            "no-login",
            "`root` in: permission denied (publickey)",
        ),
        (
            "Warning: Permanently added 'h'\nReceived disconnect: 2: Too many authentication failures",
            "no-login",
            "too many keys",
        ),
        ("root@bastion: Permission denied (publickey).", "no-login", "denied (publickey), says bastion"),
        (
            "no such identity: /x: No such file or directory\nroot@1.2.3.4: Permission denied (a).",
            "no-login",
            "no key `/x`",
        ),
        (
            "Permissions 0644 for '/k' are too open.\nIt is\nroot@1.2.3.4: Permission denied (a).",
            "no-login",
            "ignores the key `/k`",
        ),
        (CHANGED, "host-key-changed", "(now SHA256:abc/def)"),
        (
            "No ED25519 host key is known for h and you have requested strict checking.\nHost key verification failed.",
            "host-key-unknown",
            "not known",
        ),
        ("/x: line 3: Bad configuration option: foo\n/x: terminating", "other", "terminating"),
        (
            "Connection closed by UNKNOWN port 65535",
            "other",
            "proxy; to see why: ssh -p 2222 root@1.2.3.4 true",
        ),
        ("", "other", "without saying why"),
    ];

    #[test]
    fn each_reason_is_known_by_its_words() {
        let line = line();
        for (log, code, says) in REASONS {
            let error = connection(log, "root@1.2.3.4:2222", &line);
            assert_eq!(error.code(), *code, "{log}");
            assert!(error.to_string().contains(says), "{error}\ndoes not say: {says}");
        }
    }

    #[test]
    fn what_to_do_is_a_command() {
        let line = line();
        let help = connection(CHANGED, "x", &line).help().unwrap();
        assert!(help.ends_with("ssh-keygen -f '/home/me/known hosts' -R '[1.2.3.4]:2222'"), "{help}");
        let help = connection("Host key verification failed.", "x", &line).help().unwrap();
        assert!(help.ends_with(": ssh -o 'StrictHostKeyChecking=ask' -p 2222 root@1.2.3.4 true"), "{help}");
    }

    #[test]
    fn what_a_pod_says_instead_of_running_the_script() {
        let table = [
            (Ended::With(127), "sh: 1: exec: bash: not found", "no-bash"),
            (Ended::With(127), "/usr/bin/env: 'bash': No such file or directory", "no-bash"),
            (Ended::With(127), "bash: line 1: exec: command not found", "login-script"),
            (Ended::With(127), "zsh:1: command not found: exec", "login-script"),
            (Ended::With(1), "Error: Your SSH client doesn't support PTY", "no-plain-commands"),
            (Ended::With(1), "This account is currently not available.", "other"),
            (Ended::Somehow, "", "other"),
            (Ended::With(1), "Welcome\nopen terminal failed: not a terminal", "login-script"),
            (Ended::With(1), "Must be connected to a terminal.", "login-script"),
            (Ended::With(0), "", "login-script"),
        ];
        for (ended, said, expected) in table {
            assert_eq!(no_start(Some(ended), said, "h").code(), expected, "{said}");
        }
        let hangs = no_start(None, "Welcome!", "h").to_string();
        assert_eq!(
            hangs,
            "h answers, but its login script does not let a command run within 30 s (it says: Welcome!)"
        );
    }
}

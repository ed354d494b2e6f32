//! How a pod is reached: the ssh line a provider prints, a Host of `~/.ssh/config`, or this machine.

use std::num::NonZeroU16;
use thiserror::Error;

/// Where a pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SshTarget {
    /// This machine, without an sshd.
    Local,
    /// Another machine, through the user's own OpenSSH.
    Ssh(SshLine),
}

/// An ssh command line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshLine {
    /// `user@host`, a Host of `~/.ssh/config`, or `ssh://user@host:port`; never begins with `-`.
    pub destination: String,
    /// Options that go before the destination, each as ssh wants it: `["-p", "2222", "-i", "~/.ssh/id"]`.
    pub options: Vec<String>,
}

/// What is wrong with an ssh line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadTarget {
    /// Quotes that do not close.
    #[error("its quotes do not close")]
    Quotes,
    /// No host anywhere.
    #[error("no host in it")]
    NoHost,
    /// More words behind the host: a command.
    #[error("`{0}` stands behind the host: pi runs its own commands there")]
    Command(String),
    /// An option that pi does not pass on.
    #[error("the option `{0}` is not one that pi passes on (-p, -i, -J, -l, -F, -o, -4, -6, -A, -C are)")]
    Option(String),
    /// An option without its value.
    #[error("the option `{0}` lacks its value")]
    NoValue(String),
    /// A port that is none.
    #[error("`{0}` is not a port")]
    Port(String),
    /// An `-o` that would take the connection out of pi's hands.
    #[error("`-o {0}` is pi's own to set")]
    Reserved(String),
}

/// `-o` keys on which pi's connection rests.
const RESERVED: [&str; 9] = [
    "controlmaster",
    "controlpath",
    "controlpersist",
    "batchmode",
    "remotecommand",
    "requesttty",
    "stricthostkeychecking",
    "sessiontype",
    "forkafterauthentication",
];

impl SshTarget {
    /// Reads `local`, `ssh -p 2222 root@1.2.3.4 -i ~/.ssh/id`, `root@1.2.3.4`, `root@1.2.3.4:2222` or a Host name.
    ///
    /// Port forwards (`-L`, `-R`, `-D`) and flags about the terminal are dropped: providers print them, pi has
    /// no use for them.
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        if text.trim() == "local" {
            return Ok(Self::Local);
        }
        let mut words = shlex::split(text).ok_or(BadTarget::Quotes)?.into_iter().peekable();
        words.next_if(|word| word == "ssh");
        let mut options = Vec::new();
        let mut destination = None;
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some(flag) if !flag.is_empty() => option(flag, &mut words, &mut options)?,
                _ if destination.is_some() => return Err(BadTarget::Command(word)),
                _ => destination = Some(word),
            }
        }
        let destination =
            destination.filter(|d| !d.trim().is_empty() && d != "-").ok_or(BadTarget::NoHost)?;
        let line = SshLine { destination, options };
        Ok(Self::Ssh(match line.port() {
            Some(_) => line,
            None => line.with_port_as_printed(),
        }))
    }
}

impl SshLine {
    /// The host alone, without user and port: where clients look for the pod's ports unless told otherwise.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.destination.strip_prefix("ssh://").unwrap_or(&self.destination);
        let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((v6, _)) => v6,
            None if self.destination.starts_with("ssh://") => rest.split(':').next().unwrap_or(rest),
            None => rest,
        }
    }

    /// `root@1.2.3.4:2222`, as pods are listed, means `-p 2222`: to ssh it is the name of no host. An IPv6 address has
    /// more colons, and stays as it is.
    fn with_port_as_printed(mut self) -> Self {
        let split =
            self.destination.rsplit_once(':').filter(|(host, _)| !host.contains(':') && !host.is_empty());
        let port = split.and_then(|(host, port)| Some((host.to_owned(), port.parse::<NonZeroU16>().ok()?)));
        if let Some((host, port)) = port {
            self.destination = host;
            self.options.extend(["-p".to_owned(), port.to_string()]);
        }
        self
    }

    /// The value of `-p`, if given.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        let at = self.options.iter().position(|o| o == "-p")?;
        self.options.get(at + 1).map(String::as_str)
    }
}

impl std::fmt::Display for SshTarget {
    /// Short, for people: `local`, `root@1.2.3.4:2222`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Ssh(line) => match line.port() {
                Some(port) => write!(f, "{}:{port}", line.destination),
                None => f.write_str(&line.destination),
            },
        }
    }
}

/// One option word, without its dash; what pi passes on lands in `options`.
fn option(
    flag: &str,
    words: &mut impl Iterator<Item = String>,
    options: &mut Vec<String>,
) -> Result<(), BadTarget> {
    let mut letters = flag.chars();
    while let Some(letter) = letters.next() {
        let name = format!("-{letter}");
        match letter {
            '4' | '6' | 'A' | 'C' => options.push(name),
            't' | 'T' | 'n' | 'N' | 'q' | 'v' | 'x' | 'X' | 'Y' | 'f' => {}
            'p' | 'i' | 'J' | 'l' | 'F' | 'o' | 'L' | 'R' | 'D' => {
                let rest: String = letters.collect();
                let value = if rest.is_empty() { words.next() } else { Some(rest) };
                let value = value.ok_or_else(|| BadTarget::NoValue(name.clone()))?;
                return pass_on(name, value, options);
            }
            _ => return Err(BadTarget::Option(name)),
        }
    }
    Ok(())
}

fn pass_on(name: String, value: String, options: &mut Vec<String>) -> Result<(), BadTarget> {
    match name.as_str() {
        "-L" | "-R" | "-D" => return Ok(()),
        "-p" if value.parse::<u16>().ok().is_none_or(|port| port == 0) => return Err(BadTarget::Port(value)),
        "-o" => {
            let key = value.split(['=', ' ']).next().unwrap_or_default().to_ascii_lowercase();
            if RESERVED.contains(&key.as_str()) {
                return Err(BadTarget::Reserved(value));
            }
        }
        _ => {}
    }
    options.extend([name, value]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_providers_print_them() {
        let table = [
            ("local", "local"),
            (
                "ssh root@1.2.3.4 -p 40022 -i ~/.ssh/id_ed25519",
                "root@1.2.3.4 | -p 40022 -i ~/.ssh/id_ed25519",
            ),
            ("ssh -p 2222 root@1.2.3.4 -L 8080:localhost:8080", "root@1.2.3.4 | -p 2222"),
            (
                "ssh -tt -p22 -J jump@bastion -o 'IdentitiesOnly yes' h",
                "h | -p 22 -J jump@bastion -o IdentitiesOnly yes",
            ),
            ("gpu-box", "gpu-box | "),
            ("ssh://root@h:2222", "ssh://root@h:2222 | "),
            ("root@1.2.3.4:2222", "root@1.2.3.4 | -p 2222"),
            ("box:2222", "box | -p 2222"),
            ("ssh -p 22 root@h:2222", "root@h:2222 | -p 22"),
            ("root@fe80::1", "root@fe80::1 | "),
            ("root@h:0", "root@h:0 | "),
            ("root@h:70000", "root@h:70000 | "),
            ("ssh root@h nvidia-smi", "`nvidia-smi` stands behind the host: pi runs its own commands there"),
            ("ssh -p 0 h", "`0` is not a port"),
            ("ssh -p", "the option `-p` lacks its value"),
            (
                "ssh -w 0 h",
                "the option `-w` is not one that pi passes on (-p, -i, -J, -l, -F, -o, -4, -6, -A, -C are)",
            ),
            ("ssh -oStrictHostKeyChecking=no h", "`-o StrictHostKeyChecking=no` is pi's own to set"),
            ("ssh -oProxyCommand=x", "no host in it"),
            ("ssh 'h", "its quotes do not close"),
            ("", "no host in it"),
        ];
        for (text, expected) in table {
            let got = match SshTarget::parse(text) {
                Ok(SshTarget::Local) => "local".to_owned(),
                Ok(SshTarget::Ssh(line)) => format!("{} | {}", line.destination, line.options.join(" ")),
                Err(bad) => bad.to_string(),
            };
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn the_host_is_what_clients_reach() {
        for (text, host) in
            [("root@1.2.3.4", "1.2.3.4"), ("ssh://u@h:22", "h"), ("ssh://u@[::1]:22", "::1"), ("box", "box")]
        {
            let SshTarget::Ssh(line) = SshTarget::parse(text).unwrap() else { panic!("{text} is not local") };
            assert_eq!(line.host(), host);
        }
    }
}

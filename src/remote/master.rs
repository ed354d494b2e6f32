//! One connection to one pod, kept by an ssh process of its own (a `ControlMaster`).
//!
//! In: an ssh line. Out: a [`Live`] connection: the one that an earlier run has left, or a new one.
//!
//! Why not `openssh`'s own builder: it takes no options of the user's, leaves a process behind when pi is killed,
//! and can't find the connection of an earlier run.

use super::options::{Options, Persist};
use super::ssh_config::Config;
use super::{RemoteError, diagnose, ssh_config};
use crate::bounded::{self, SSH_LOG};
use crate::name::EnvName;
use crate::secret::BY_CUSTOM;
use crate::spec::short_digest;
use crate::ssh_target::SshLine;
use crate::whole::{self, Readers};
use openssh::Session;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// ssh's own `ConnectTimeout` covers one host; this covers jump hosts, name servers and slow logins, too.
const PATIENCE: Duration = Duration::from_mins(1);
/// What pi insists on, whatever the configuration says.
const FIRST: [&str; 7] = [
    "ControlMaster=yes",
    "BatchMode=yes",
    // without these words there is no reason to show
    "LogLevel=INFO",
    "RemoteCommand=none",
    "RequestTTY=no",
    // forwards are asked for one by one
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
];
/// What a person's ssh over the connection is told. Without its farewell (`Shared connection to … closed.`).
const CLIENT: [&str; 5] =
    ["ControlMaster=no", "BatchMode=yes", "LogLevel=ERROR", "RemoteCommand=none", "ClearAllForwardings=yes"];
/// What holds unless the ssh line says otherwise.
const LAST: [&str; 3] = ["ConnectTimeout=10", "ServerAliveInterval=5", "ServerAliveCountMax=3"];

/// How to get a connection to one pod.
#[derive(Debug)]
pub(super) struct Master {
    pub(super) at: String,
    line: SshLine,
    options: Vec<String>,
    base: PathBuf,
    persist: Persist,
    hidden: Vec<EnvName>,
    config: String,
    /// `….sock` in the socket directory; the lock, the log and the configuration stand beside it.
    pub(super) socket: PathBuf,
}

/// A connection that is there, as far as this machine knows.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) session: Arc<Session>,
    pub(super) age: Age,
    /// The socket's file number: it tells whether somebody else has replaced it.
    file: Option<u64>,
    /// As long as somebody holds it, a connection that is not to be kept stays.
    _hold: Option<Arc<UnixStream>>,
}

/// How far a connection may be trusted to be alive.
#[derive(Debug, Clone, Copy)]
pub(super) enum Age {
    /// Left by another run, some time ago.
    Kept,
    /// Opened just now.
    Fresh,
}

impl Master {
    pub(super) fn new(
        line: &SshLine,
        at: &str,
        base: &Path,
        (dir, kept): (&Path, &Options),
    ) -> Result<Self, RemoteError> {
        let Options { persist, hidden, .. } = kept.clone();
        let Config { text, included, options } = ssh_config::config(line, base, at)?;
        let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
        let identity = (&line.destination, &options, &text, &included, &base, persist == Persist::No);
        let socket = dir.join(short_digest(&format!("{identity:?}"))).with_extension("sock");
        Ok(Self {
            at: at.to_owned(),
            line: line.clone(),
            options,
            base,
            persist,
            hidden,
            config: text,
            socket,
        })
    }

    /// The connection that an earlier run has left, if there is a trace of one; it may be dead.
    pub(super) async fn resume(&self) -> Option<Live> {
        if self.file().is_some() { Some(self.live(Age::Kept).await) } else { None }
    }

    /// A connection that is not `dead`; made anew unless another pi has done so meanwhile.
    pub(super) async fn open(&self, dead: Option<&Live>) -> Result<Live, RemoteError> {
        // Two at once: the second ssh would find the socket taken and stay for ever, connected and unused.
        let lock = self.lock().await?;
        if self.file().is_some() {
            let live = self.live(Age::Kept).await;
            if dead.is_none_or(|dead| dead.file != live.file) && live.session.check().await.is_ok() {
                return Ok(live);
            }
            // its line may be dead while it still listens; what runs over it may end in peace
            drop(Session::resume_mux(self.socket.clone().into(), None).close().await);
        }
        drop(std::fs::remove_file(&self.socket));
        let started = timeout(PATIENCE, self.start()).await;
        drop(lock);
        started.unwrap_or_else(|_| Err(RemoteError::TimedOut { at: self.at.clone() }))?;
        Ok(self.live(Age::Fresh).await)
    }

    /// An ssh that goes over this connection; if that is gone, over one of its own. What runs there is not said yet.
    pub(super) fn client(&self) -> std::process::Command {
        let mut ssh = std::process::Command::new("ssh");
        ssh.arg("-F").arg(self.socket.with_extension("conf")).arg("-S").arg(&self.socket);
        ssh.args(CLIENT.iter().flat_map(|option| ["-o", *option])).args(&self.options);
        ssh.args(LAST.iter().flat_map(|option| ["-o", *option])).current_dir(&self.base);
        ssh
    }

    /// As the ssh line writes it.
    pub(super) fn destination(&self) -> &str {
        &self.line.destination
    }

    /// The machine that ssh connects to, by the configuration; what the line says, if ssh does not tell in time.
    pub(super) async fn host(&self) -> String {
        let told = self.line.host();
        if told.parse::<std::net::IpAddr>().is_ok() {
            return told.to_owned();
        }
        let config = self.socket.with_extension("conf");
        if whole::replace(&config, &self.config, Readers::Owner).is_err() {
            return told.to_owned();
        }
        let mut ssh = Command::new("ssh");
        ssh.arg("-G").arg("-F").arg(config).args(&self.options).arg("--").arg(&self.line.destination);
        ssh.current_dir(&self.base).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let asked = timeout(Duration::from_secs(2), ssh.output()).await;
        let said = asked.ok().and_then(Result::ok).map(|output| output.stdout).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        said.lines().find_map(|line| line.strip_prefix("hostname ")).unwrap_or(told).to_owned()
    }

    /// No more sessions over it; it ends with the last one.
    pub(super) async fn close(&self, live: &Live) {
        if live.file == self.file() {
            drop(Session::resume_mux(self.socket.clone().into(), None).close().await);
        }
    }

    async fn start(&self) -> Result<(), RemoteError> {
        let (config, log) = (self.socket.with_extension("conf"), self.socket.with_extension("log"));
        let cannot = |what: &str, err: std::io::Error| self.other(format!("cannot {what}: {err}"));
        whole::replace(&config, &self.config, Readers::Owner)
            .map_err(|err| cannot("write pi's ssh configuration", err))?;
        drop(std::fs::remove_file(&log));
        let stderr = OpenOptions::new().create(true).append(true).mode(0o600).open(&log);
        let stderr = stderr.map_err(|err| cannot("write ssh's log", err))?;
        let persist = match self.persist {
            Persist::Yes => "ControlPersist=600",
            // only until pi holds it, and when pi no longer does: even if it is killed
            Persist::No => "ControlPersist=3",
        };
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg(config).args(["-f", "-N", "-E"]).arg(&log).arg("-S").arg(&self.socket);
        ssh.args(FIRST.iter().chain([&persist]).flat_map(|option| ["-o", *option]));
        ssh.args(&self.options).args(LAST.iter().flat_map(|option| ["-o", *option]));
        ssh.arg("--").arg(&self.line.destination).current_dir(&self.base);
        // it stays for ten minutes, and its environment can be read as long; the rest a ProxyCommand may need
        for name in BY_CUSTOM.into_iter().chain(self.hidden.iter().map(EnvName::as_str)) {
            ssh.env_remove(name);
        }
        // Ctrl-C is for pi alone; a pipe for stderr would never close, since the connection keeps it
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).process_group(0).kill_on_drop(true);
        let status = ssh.status().await.map_err(|err| {
            let missing = err.kind() == std::io::ErrorKind::NotFound && self.base.is_dir();
            if missing { RemoteError::NoSsh } else { cannot("start ssh", err) }
        })?;
        if status.success() {
            return Ok(());
        }
        let said = bounded::bytes(&log, SSH_LOG).unwrap_or_default();
        Err(diagnose::connection(&String::from_utf8_lossy(&said), &self.at, &self.line))
    }

    /// One pi at a time; waits as long as the other may need.
    async fn lock(&self) -> Result<File, RemoteError> {
        let path = self.socket.with_extension("lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(|err| self.other(format!("cannot open `{}`: {err}", path.display())))?;
        let until = Instant::now() + PATIENCE;
        // asked again and again, since a thread that waits for a lock can't be cancelled
        while file.try_lock().is_err() {
            if Instant::now() > until {
                return Err(self.other("another pi has been connecting to it for a minute".to_owned()));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(file)
    }

    async fn live(&self, age: Age) -> Live {
        let file = self.file();
        let hold = match self.persist {
            Persist::Yes => None,
            Persist::No => UnixStream::connect(&self.socket).await.ok().map(Arc::new),
        };
        let session = Session::resume_mux(self.socket.clone().into(), None);
        Live { session: Arc::new(session), age, file, _hold: hold }
    }

    fn file(&self) -> Option<u64> {
        self.socket.symlink_metadata().ok().map(|found| found.ino())
    }

    fn other(&self, text: String) -> RemoteError {
        RemoteError::Other { at: self.at.clone(), text }
    }
}

impl Live {
    /// Whether both are one and the same connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.session, &other.session)
    }
}

//! A pod: a real sshd on a loopback port, with keys and a home directory of its own. It dies with the value.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = "/usr/sbin/sshd";

/// A running sshd.
pub(crate) struct Sshd {
    dir: tempfile::TempDir,
    port: u16,
    more: String,
    process: Option<Child>,
}

impl Sshd {
    /// Starts one; panics with the way out if there is none on this machine.
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// Starts one with more lines of `sshd_config`, which win over the usual ones.
    pub(crate) fn with(more: &str) -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "these tests need a real sshd: apt-get update && apt-get install -y openssh-server"
        );
        // as root it refuses to start without
        drop(fs::create_dir_all("/run/sshd"));
        let dir = tempfile::Builder::new().prefix("pi-it-").tempdir_in("/tmp").unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        fs::create_dir(dir.path().join("s")).unwrap();
        fs::set_permissions(dir.path().join("s"), fs::Permissions::from_mode(0o700)).unwrap();
        keygen(&dir.path().join("host"));
        keygen(&dir.path().join("user"));
        let mut sshd = Self { dir, port: 0, more: more.to_owned(), process: None };
        sshd.launch();
        eventually("the first connection has gone", || sshd.connections() == 0);
        sshd
    }

    /// What `ssh = "…"` in a manifest would be.
    pub(crate) fn ssh_line(&self) -> String {
        format!("ssh -F none {}", self.options())
    }

    /// The same without the `-F`.
    pub(crate) fn options(&self) -> String {
        let (dir, port) = (self.dir.path().display(), self.port);
        format!(
            "-p {port} -i {dir}/user -o IdentitiesOnly=yes -o IdentityAgent=none \
             -o UserKnownHostsFile={dir}/known_hosts {}@127.0.0.1",
            user()
        )
    }

    /// The pod's `$HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A directory for whatever the test needs besides; gone with the value.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A short directory for pi's sockets.
    pub(crate) fn sockets(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Another machine answers at the same address: new host key, same port.
    pub(crate) fn rekey(&mut self) {
        self.stop();
        for name in ["host", "host.pub"] {
            fs::remove_file(self.dir.path().join(name)).unwrap();
        }
        keygen(&self.dir.path().join("host"));
        self.launch();
    }

    /// The machine is gone: the listener and all its connections.
    pub(crate) fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let listener = process.id();
        let connections = children(listener);
        drop(process.kill());
        drop(process.wait());
        for connection in connections {
            for child in children(connection) {
                // an unprivileged half, if there is one
                if name(child).starts_with("sshd") {
                    kill("KILL", child);
                }
            }
            kill("KILL", connection);
        }
    }

    /// The machine is back, as it was.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.launch();
    }

    /// The process that holds the only connection.
    pub(crate) fn connection(&self) -> u32 {
        children(self.process.as_ref().unwrap().id())[0]
    }

    /// How many connections there are now.
    pub(crate) fn connections(&self) -> usize {
        self.process.as_ref().map_or(0, |process| children(process.id()).len())
    }

    /// Starts it; the connection by which that is seen may still be there.
    fn launch(&mut self) {
        for _ in 0..20 {
            if self.port == 0 {
                self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            }
            let config = self.dir.path().join("sshd_config");
            fs::write(&config, self.config()).unwrap();
            let log = fs::File::create(self.dir.path().join("sshd.log")).unwrap();
            let mut process = Command::new(PROGRAM)
                .args(["-D", "-e", "-f"])
                .arg(config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .unwrap();
            let until = Instant::now() + Duration::from_secs(10);
            while Instant::now() < until && process.try_wait().unwrap().is_none() {
                if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                    // its first byte, so that its process is there, and can be waited for
                    stream.read_exact(&mut [0]).unwrap();
                    drop(stream);
                    self.process = Some(process);
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            drop(process.kill());
            drop(process.wait());
            self.port = 0; // somebody else was faster
        }
        panic!("sshd does not start: {}", fs::read_to_string(self.dir.path().join("sshd.log")).unwrap());
    }

    fn config(&self) -> String {
        let dir = self.dir.path().display();
        format!(
            "{}\nListenAddress 127.0.0.1:{}\nHostKey {dir}/host\nPidFile none\nAuthorizedKeysFile {dir}/user.pub\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nMaxStartups 100\nLogLevel INFO\nSetEnv HOME={dir}/home\n",
            self.more, self.port
        )
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until something is so, for a generous while.
#[track_caller]
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < until, "not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal.
pub(crate) fn kill(signal: &str, process: u32) {
    drop(Command::new("kill").args(["-s", signal, &process.to_string()]).stderr(Stdio::null()).status());
}

/// All processes with this word in their command line.
pub(crate) fn processes_with(word: &str) -> Vec<u32> {
    all().filter(|pid| command_line(*pid).contains(word)).collect()
}

/// All processes with this word in their environment.
pub(crate) fn environment(word: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        let found = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&found).contains(word)
    };
    all().filter(has).collect()
}

/// A process's command line, its words parted by spaces; empty for a zombie.
fn command_line(process: u32) -> String {
    let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}

fn name(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default()
}

fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn children(parent: u32) -> Vec<u32> {
    let parent_of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    all().filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// Who logs in, at both ends.
pub(crate) fn user() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

fn keygen(path: &Path) {
    let done = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(done.unwrap().success(), "ssh-keygen");
}

//! The commands that look, over a real sshd and on this machine, with a server that runs.

mod env;
mod list;
mod logs;
mod screens;
mod ssh;
mod tunnel;

use crate::sshd::Sshd;
use crate::workplace::Workplace;
use std::fs;
use std::net::TcpListener;

/// A directory whose manifest has a pod `far` behind a real sshd, and one server there.
struct Site {
    place: Workplace,
    sshd: Sshd,
    port: u16,
}

impl Site {
    /// The server listens on `listen`, and calls its model `served`. It is not started yet.
    fn new(listen: &str, served: &str) -> Self {
        let site = Self { place: Workplace::new(), sshd: Sshd::start(), port: free_port() };
        fs::write(site.place.path().join("server.py"), include_str!("server.py")).unwrap();
        site.place.write(&site.manifest(listen, served));
        site
    }

    fn manifest(&self, listen: &str, served: &str) -> String {
        let (line, port) = (self.sshd.ssh_line(), self.port);
        format!(
            r#"
[pods.far]
ssh = "{line}"
pi_path = "{{dir}}/pod"

[models.echo]
model = "{{dir}}/pi.toml"
engine = "command"
command = ["python3", "{{dir}}/server.py", "{listen}", "{{port}}", "{served}"]
listen = "{listen}"
port = {port}
"#
        )
    }

    /// The same with its server running.
    fn running(listen: &str, served: &str) -> Self {
        let site = Self::new(listen, served);
        site.place.pi("apply --yes").exits(0);
        site
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.place.pi("destroy --yes");
    }
}

/// A port that nobody has now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

//! A server has ended when all of it is seen gone: its session, what left that, its port, its GPU memory.

use super::scratch::{Scratch, bash, first_run, wait_until};
use pi::name::Port;
use pi::plan::{Action, scripts};
use pi::script::Script;
use pi::spec::ServerSpec;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// Listens; a process leaves its session by two forks and inherits the socket, with the environment or without.
const LEAVES: &str = r#"
import os, socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
s.set_inheritable(True)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    open(sys.argv[2], "w").write(str(os.getpid()))
    environment = dict(os.environ) if sys.argv[3] == "marked" else {}
    if sys.argv[3] == "deaf":
        s.close()
    os.execve("/bin/sleep", ["a stray (of\nit)", "600"], environment)
os.wait()
time.sleep(600)
"#;

struct Stage {
    scratch: Scratch,
    port: u16,
    server: Box<ServerSpec>,
}

impl Stage {
    fn new(how: &str, gpus: &[u32]) -> Self {
        let scratch = Scratch::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(scratch.path("leaves.py"), LEAVES).unwrap();
        let text = |path: &str| scratch.path(path).display().to_string();
        let words = ["python3", &text("leaves.py"), &port.to_string(), &text("stray"), how];
        let command = words.map(str::to_owned).to_vec();
        let (gpus, on) = (gpus.to_vec(), Port::new(port).unwrap());
        let server = Box::new(ServerSpec { command, gpus, port: on, ..*scratch.server() });
        Self { scratch, port, server }
    }

    /// Starts it; the process that left it.
    fn start(&self) -> u32 {
        self.scratch.act(&first_run(self.server.clone()), "");
        let stray = self.scratch.path("stray");
        wait_until(|| fs::read_to_string(&stray).is_ok_and(|pid| !pid.is_empty()));
        let pid = fs::read_to_string(stray).unwrap().parse().unwrap();
        wait_until(|| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n"));
        pid
    }

    fn script(&self, action: &Action) -> Script {
        scripts(action, self.scratch.pod()).unwrap().remove(0)
    }

    fn stop(&self) -> Output {
        bash(&self.script(&Action::StopServer("sleeper".parse().unwrap())), "")
    }

    fn remove(&self) -> Output {
        bash(&self.script(&Action::RemoveServer("sleeper".parse().unwrap())), "")
    }

    fn record(&self, file: &str) -> PathBuf {
        self.scratch.path("pi/servers/sleeper/current").join(file)
    }
}

fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    wait_until(|| !lives(pid));
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn what_left_the_session_and_is_known_by_what_it_inherited_is_ended() {
    let stage = Stage::new("marked", &[]);
    let stray = stage.start();
    let out = stage.stop();
    assert!(out.status.success(), "{}", said(&out));
    assert!(!lives(stray) && TcpListener::bind(("127.0.0.1", stage.port)).is_ok());
    assert!(!stage.record("left").exists());
}

#[test]
fn what_may_have_left_it_without_a_trace_is_named_until_it_is_gone() {
    let stage = Stage::new("bare", &[]);
    let stray = stage.start();
    let wanted = format!("PID {stray} listens on port {} (a stray (of it) 600)", stage.port);
    for out in [stage.stop(), stage.stop(), stage.remove(), stage.remove()] {
        let said = said(&out);
        assert!(!out.status.success() && said.contains(&wanted), "{said}");
        assert!(said.contains(&format!("End it on the pod: kill {stray};")), "{said}");
        assert!(lives(stray), "it may be somebody else's");
        assert!(stage.record("spec.json").exists() && stage.record("../../stopped").exists());
    }
    let start = bash(&stage.script(&first_run(stage.server.clone())), "");
    assert!(!start.status.success() && said(&start).contains(&wanted), "{}", said(&start));
    kill(stray);
    let out = stage.stop();
    assert!(out.status.success(), "{}", said(&out));
    assert!(!stage.record("left").exists());
    assert!(stage.remove().status.success());
    assert!(!stage.scratch.path("pi/servers/sleeper").exists());
}

#[test]
fn who_has_the_port_since_before_the_server_or_is_another_server_is_none_of_it() {
    // one that listened before it, on another address
    let stage = Stage::new("marked", &[]);
    let mut before = listening(&format!("('127.0.0.2', {})", stage.port));
    stage.start();
    let out = stage.stop();
    assert!(out.status.success(), "{}", said(&out));
    drop((before.kill(), before.wait()));

    // one that another record names, and one that another session of pi's started
    let stage = Stage::new("marked", &[]);
    stage.start();
    let mut other = listening(&format!("('127.0.0.2', {})", stage.port));
    let record = stage.scratch.path("pi/servers/other");
    fs::create_dir(&record).unwrap();
    fs::write(record.join("pid"), format!("{} 1 x\n", other.id())).unwrap();
    let mut inherits = Command::new("python3");
    inherits.args(["-c", &listener(&format!("('127.0.0.3', {})", stage.port))]);
    let mut inherits = inherits.env("PI_SESSION", "1 2 3").stdout(Stdio::piped()).spawn().unwrap();
    wait_until(|| TcpListener::bind(("127.0.0.3", stage.port)).is_err());
    let out = stage.stop();
    assert!(out.status.success(), "{}", said(&out));
    assert!(lives(other.id()) && lives(inherits.id()));
    for child in [&mut other, &mut inherits] {
        drop((child.kill(), child.wait()));
    }
}

fn listener(at: &str) -> String {
    format!("import os, socket, time\ns = socket.socket()\ns.bind({at})\ns.listen()\ntime.sleep(600)")
}

/// A process in a session of its own that listens.
fn listening(at: &str) -> Child {
    let child = Command::new("setsid").args(["python3", "-c", &listener(at)]).spawn().unwrap();
    let (host, port) = at.trim_matches(['(', ')']).split_once(", ").unwrap();
    let at = format!("{}:{port}", host.trim_matches('\''));
    wait_until(|| TcpListener::bind(&at).is_err());
    child
}

#[test]
fn what_holds_its_gpu_memory_is_named_too() {
    // the GPU, whether the server has it, whether the process is one of those that count
    for (gpu, counts) in [(1, true), (0, false)] {
        let stage = Stage::new("deaf", &[1, 2]);
        let stray = stage.start();
        let bin = stage.scratch.path("bin");
        fs::create_dir(&bin).unwrap();
        let smi = format!(
            "#!/bin/bash\ncase $1 in\n  *gpu=*) printf '%s, GPU-%s\\n' 0 a 1 b 2 c ;;\n  *gpu_uuid*) echo 'GPU-{}, {stray}, 40960' ;;\nesac\n",
            ["a", "b"][gpu]
        );
        fs::write(bin.join("nvidia-smi"), smi).unwrap();
        fs::set_permissions(bin.join("nvidia-smi"), Permissions::from_mode(0o755)).unwrap();
        let script = stage.script(&Action::StopServer("sleeper".parse().unwrap()));
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let out =
            Command::new("bash").args(["--norc", "-c", &script.text]).env("PATH", path).output().unwrap();
        assert_eq!(out.status.success(), !counts, "{}", said(&out));
        let wanted = format!("PID {stray} holds 40960 MiB of GPU 1 (a stray");
        assert_eq!(said(&out).contains(&wanted), counts, "{}", said(&out));
        kill(stray);
    }
}

#[test]
fn a_server_that_cannot_be_seen_has_not_ended() {
    let stage = Stage::new("marked", &[]);
    let stray = stage.start();
    let script = stage.script(&Action::RemoveServer("sleeper".parse().unwrap()));
    // no /proc at all, and one that shows nothing but what is asked for by name
    for hide in [
        "mount -t tmpfs none /proc",
        "mkdir -p /run/few/$$/fd /run/few/sys/kernel/random && cp /proc/sys/kernel/random/boot_id /run/few/sys/kernel/random/ \
         && mount --bind /run/few /proc",
    ] {
        let hidden = format!("mount -t tmpfs none /run && {hide} && exec bash --norc -c \"$0\"");
        let out = Command::new("unshare").args(["-m", "bash", "-c", &hidden, &script.text]).output().unwrap();
        if said(&out).contains("unshare failed") {
            return;
        }
        assert!(
            !out.status.success() && said(&out).contains("is not known: /proc"),
            "{hide}: {}",
            said(&out)
        );
        assert!(lives(stray) && stage.record("pid").exists());
    }
    assert!(stage.remove().status.success());
    assert!(!lives(stray));
}

#[test]
fn a_number_that_another_process_has_now_is_not_ended() {
    let stage = Stage::new("marked", &[]);
    let mut stranger = Command::new("setsid").args(["sleep", "600"]).spawn().unwrap();
    fs::create_dir_all(stage.record("")).unwrap();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::write(stage.record("pid"), format!("{} 1 {boot}", stranger.id())).unwrap();
    let out = stage.remove();
    assert!(out.status.success(), "{}", said(&out));
    assert!(lives(stranger.id()));
    drop((stranger.kill(), stranger.wait()));
}

//! What stays when pi has ended: its environment holds no secret. And what stands in the way of a step: it is named.

use crate::sshd::{Sshd, environment, eventually, processes_with};
use crate::workplace::Workplace;
use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

/// A manifest with a pod behind a real sshd and one small server there.
fn site() -> (Workplace, Sshd) {
    let sshd = Sshd::start();
    fs::write(sshd.home().join("weights"), "weights").unwrap();
    fs::write(sshd.home().join("server.py"), include_str!("../eyes/server.py")).unwrap();
    let (line, home) = (sshd.ssh_line(), sshd.home().display().to_string());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&format!(
        "[pods.far]\nssh = \"{line}\"\n[secrets]\nown = {{ env = \"OWN_TOKEN\" }}\n[models.echo]\nmodel = \"{home}/weights\"\n\
         engine = \"command\"\ncommand = [\"python3\", \"{home}/server.py\", \"127.0.0.1\", \"{{port}}\", \"echo\"]\n\
         listen = \"127.0.0.1\"\nport = {port}\n"
    ));
    (place, sshd)
}

#[test]
fn what_stays_when_pi_has_ended_knows_no_secret() {
    let (place, sshd) = site();
    let id = std::process::id();
    let planted = ["PI_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OWN_TOKEN"];
    let planted = planted.map(|name| (name, format!("planted-{}-{id}", name.to_lowercase())));
    let pi = |args: &str| {
        let mut pi = place.command(args);
        pi.envs(planted.iter().map(|(name, value)| (name, value))).env("LC_PLAIN", format!("plain-{id}"));
        let output = pi.output().unwrap();
        assert!(output.status.success(), "{args}: {output:?}");
    };
    let masters = || processes_with(&format!("{}/", place.path().join("run").display()));
    pi("plan");
    assert_eq!(masters().len(), 1, "the connection stays");
    pi("apply --yes");
    pi("tunnel echo --background");
    eventually("the tunnel's own process is there", || {
        masters().iter().any(|pid| environment(&format!("plain-{id}")).contains(pid))
    });
    let server = processes_with(sshd.home().join("server.py").to_str().unwrap());
    for (name, value) in &planted {
        let known: Vec<u32> = environment(value).into_iter().filter(|pid| !server.contains(pid)).collect();
        assert!(known.is_empty(), "{known:?}: {name} is in the environment of what stays");
    }
    assert!(
        environment(&format!("plain-{id}")).len() >= 2,
        "what is no secret stays: a proxy command may need it"
    );
    pi("tunnel echo --close");
    pi("destroy --yes");
}

#[test]
fn a_fifo_in_the_place_of_a_file_is_named_in_no_time() {
    let files = [
        ("journal.jsonl", "is a FIFO or a device"),
        ("env", "which secrets are there could not be looked at"),
        ("servers/echo/runs/1/server.log", "is a FIFO or a device"),
        ("servers/echo/runs/1/spec.json", "is a FIFO or a device"),
        ("servers/echo/runs/1/secrets", "is a FIFO or a device"),
        ("servers/echo/stopped", "is a FIFO or a device"),
        ("servers/echo/runs/1/pid", "its servers could not be looked at"),
    ];
    for (file, says) in files {
        let (place, sshd) = site();
        let path = sshd.home().join(".pi").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let began = Instant::now();
        let ran = place.pi("apply --yes --no-persist");
        assert!(began.elapsed() < Duration::from_secs(30), "{file}: {:?}", began.elapsed());
        assert!(matches!(ran.code, Some(1 | 69)), "{file}: {ran:?}");
        let said = format!("{}\n{}", ran.out, ran.err).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{file}: {said}");
        fs::remove_file(&path).unwrap();
        place.pi("apply --yes --no-persist").exits(0);
        place.pi("destroy --yes --no-persist").exits(0);
    }
}

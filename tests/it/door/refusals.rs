//! Pods that do not open, and what a person is told.

use super::{doors, doors_to, options, run};
use crate::sshd::Sshd;
use pi::remote::{Exit, Options, RemoteError};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

/// Runs `true` over this ssh line and returns why that did not work.
async fn refusal(sshd: &Sshd, ssh: &str) -> RemoteError {
    run(&doors_to(ssh, options(sshd)), "far", "true").await.0.expect_err(ssh)
}

#[tokio::test]
async fn each_reason_is_told_apart() {
    let sshd = Sshd::start();
    let line = sshd.ssh_line();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("-p {}", sshd.port());
    let table = [
        (line.replace(&port, &format!("-p {closed}")), "refused", "refuses the connection"),
        (
            format!(
                "{} -o ConnectTimeout=1",
                line.replace(&port, &format!("-p {}", silent.local_addr().unwrap().port()))
            ),
            "timed-out",
            "does not answer",
        ),
        (line.replace("@127.0.0.1", "@no-such-host.invalid"), "no-host", "`no-such-host.invalid`"),
        (line.replace("/user", "/host"), "no-login", "does not let `"),
        (format!("{line} -F /no/such/config"), "other", "`/no/such/config`: No such file"),
        (format!("{line} -o NoSuchOption=1"), "other", "Bad configuration option: nosuchoption"),
    ];
    for (ssh, code, says) in table {
        let error = refusal(&sshd, &ssh).await;
        assert_eq!(error.code(), code, "{ssh}: {error}");
        assert!(error.to_string().contains(says), "{error}\ndoes not say: {says}");
    }
    assert!(
        refusal(&sshd, &line.replace("/user", "/host")).await.to_string().ends_with("denied (publickey)")
    );
}

#[tokio::test]
async fn a_changed_host_key_is_refused_until_the_person_accepts_it() {
    let mut sshd = Sshd::start();
    assert_eq!(run(&doors(&sshd), "far", "true").await.0, Ok(Exit(0)), "a new key is accepted");
    sshd.rekey();
    let error = refusal(&sshd, &sshd.ssh_line()).await;
    let (code, help) = (error.code(), error.help().unwrap());
    assert_eq!(code, "host-key-changed");
    let key = std::process::Command::new("ssh-keygen")
        .arg("-lf")
        .arg(sshd.dir().join("host.pub"))
        .output()
        .unwrap();
    let print = String::from_utf8(key.stdout).unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(error.to_string().ends_with(&format!("its host key has changed (now {print})")), "{error}");
    let command = help.split_once("accept the new one: ").unwrap().1;
    let known = sshd.dir().join("known_hosts");
    assert_eq!(command, format!("ssh-keygen -f {} -R '[127.0.0.1]:{}'", known.display(), sshd.port()));
    assert!(std::process::Command::new("bash").args(["-c", command]).output().unwrap().status.success());
    assert_eq!(run(&doors(&sshd), "far", "true").await.0, Ok(Exit(0)));
}

#[tokio::test]
async fn the_users_own_host_key_policy_holds() {
    let sshd = Sshd::start();
    let config = sshd.dir().join("ssh config");
    std::fs::write(&config, "Host *\n  StrictHostKeyChecking yes\n").unwrap();
    std::fs::set_permissions(&config, PermissionsExt::from_mode(0o666)).unwrap();
    let ssh = format!("ssh -F '{}' {}", config.display(), sshd.options());
    let error = refusal(&sshd, &ssh).await;
    assert_eq!(error.code(), "host-key-unknown", "{error}");
    let help = error.help().unwrap();
    assert!(help.contains(": ssh -o 'StrictHostKeyChecking=ask' -F '"), "{help}");
    std::fs::write(
        &config,
        format!("Host *\n  User nobody\nHost alias\n  HostName 127.0.0.1\n  Port {}\n", sshd.port()),
    )
    .unwrap();
    let options = sshd.options();
    let (options, _) = options.rsplit_once(' ').unwrap();
    let ssh = format!(
        "ssh -F '{}' {} alias",
        config.display(),
        options.replace(&format!("-p {}", sshd.port()), "")
    );
    assert_eq!(refusal(&sshd, &ssh).await.to_string(), "alias: This account is currently not available.");
}

#[tokio::test]
async fn pods_without_bash_or_without_commands_say_so() {
    let table = [
        ("exec dash -c 'exec bash-is-missing'", "no-bash"),
        ("echo \"Error: Your SSH client doesn't support PTY\"; exit 1", "no-plain-commands"),
        ("echo This account is currently not available.; exit 1", "other"),
        ("exit 0", "login-script"),
    ];
    for (command, code) in table {
        let sshd = Sshd::with(&format!("ForceCommand {command}"));
        let error = refusal(&sshd, &sshd.ssh_line()).await;
        assert_eq!(error.code(), code, "{command}: {error}");
    }
}

#[tokio::test]
async fn one_pods_trouble_is_not_anothers() {
    let sshd = Sshd::start();
    let bad = Options { sockets: Some("/proc/no".into()), ..options(&sshd) };
    let doors = doors_to(&sshd.ssh_line(), bad);
    assert_eq!(run(&doors, "far", "true").await.0.unwrap_err().code(), "bad-socket-dir");
    assert_eq!(run(&doors, "near", "true").await.0, Ok(Exit(0)));
    assert_eq!(run(&doors, "none", "true").await.0.unwrap_err().to_string(), "none: no such pod");
}

#[test]
fn the_users_config_is_found_in_their_home() {
    let sshd = Sshd::start();
    let (home, dir) = (sshd.dir().join("my home"), sshd.dir().display());
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    let config = format!(
        "Host gpu\n  HostName 127.0.0.1\n  Port {}\n  User {}\n  IdentityFile {dir}/user\n  IdentitiesOnly yes\n  \
         UserKnownHostsFile {dir}/known_hosts\n  RemoteCommand echo theirs\n  ControlMaster auto\n  LogLevel QUIET\n  \
         LocalForward {} localhost:1\n",
        sshd.port(),
        crate::sshd::user(),
        sshd.port() // taken: as pi does not ask for it, it does no harm
    );
    std::fs::write(home.join(".ssh/config"), config).unwrap();
    std::fs::set_permissions(home.join(".ssh/config"), PermissionsExt::from_mode(0o600)).unwrap();
    let pi = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "door::refusals::a_pi_with_another_home"])
        .env("HOME", home)
        .env("PI_IT_SOCKETS", sshd.sockets())
        .output()
        .unwrap();
    assert!(pi.status.success(), "{}", String::from_utf8_lossy(&pi.stdout));
    assert_eq!(sshd.connections(), 1);
}

#[tokio::test]
#[ignore = "the other half of the test above, which starts it in a process of its own"]
async fn a_pi_with_another_home() {
    let Some(sockets) = std::env::var_os("PI_IT_SOCKETS") else { return };
    let doors = doors_to("ssh gpu", Options { sockets: Some(sockets.into()), ..Options::default() });
    assert_eq!(run(&doors, "far", "echo ours; exit 3").await, (Ok(Exit(3)), vec!["ours".to_owned()]));
}

#[tokio::test]
async fn a_jump_host_that_does_not_open_never_asks() {
    let (sshd, jump) = (Sshd::start(), Sshd::start());
    // the jump host takes only its own key
    let ssh = format!("{} -J {}@127.0.0.1:{}", sshd.ssh_line(), crate::sshd::user(), jump.port());
    let error = refusal(&sshd, &ssh).await;
    assert!(
        error.to_string().contains(": no way through its jump host or proxy; to see why: ssh -F none"),
        "{error}"
    );
}

//! `pi env`: what is printed is right, for a shell that evaluates it.

use super::{Site, free_port};
use crate::workplace::{KEY, Workplace};
use std::fs;
use std::process::Command;

/// What a shell has in these variables after evaluating the text.
fn evaluated(text: &str) -> String {
    let script = "eval \"$1\"; printf '%s %s %s' \"$OPENAI_BASE_URL\" \"$OPENAI_API_KEY\" \"$OPENAI_MODEL\"";
    let output = Command::new("sh").args(["-c", script, "sh", text]).env_clear().output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_shell_evaluates_url_key_and_model() {
    let site = Site::running("0.0.0.0", "what/it is called");
    // it shows the key: that is what it is for
    let ran = site.place.pi("env echo");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let expected = format!("http://127.0.0.1:{}/v1 {KEY} what/it is called", site.port);
    assert_eq!(evaluated(&ran.out), expected);
    let json: serde_json::Value = serde_json::from_str(&site.place.pi("env echo --json").out).unwrap();
    assert_eq!(json["OPENAI_API_KEY"], KEY);
    assert!(
        site.place.pi("env echo --shell fish").out.starts_with("set -gx OPENAI_BASE_URL 'http://127.0.0.1:")
    );

    // nothing remembered: the pod is looked at
    fs::remove_dir_all(site.place.path().join("home/.pi")).unwrap();
    assert_eq!(evaluated(&site.place.pi("env echo").out), expected);

    // a machine without the key says so, and exports nothing
    let mut command = site.place.command("env echo");
    let ran: crate::workplace::Ran = command.env_remove("PI_API_KEY").output().unwrap().into();
    assert!(ran.out.is_empty(), "{}", ran.out);
    ran.exits(1).says("needs the API key").says("PI_API_KEY");
}

#[test]
fn a_server_that_is_gone_is_not_exported() {
    let site = Site::running("0.0.0.0", "m");
    let pid = fs::read_to_string(site.place.pod().join("servers/echo/current/pid")).unwrap();
    let pid = pid.split(' ').next().unwrap().parse().unwrap();
    crate::sshd::kill("KILL", pid);
    crate::sshd::eventually("its port is closed", || {
        std::net::TcpStream::connect(("127.0.0.1", site.port)).is_err()
    });
    let ran = site.place.pi("env echo").exits(1).says("its process on far is gone").says("pi logs echo");
    assert!(ran.out.is_empty(), "{}", ran.out);
}

#[test]
fn a_server_on_the_pods_loopback_gets_a_tunnel_for_as_long_as_the_shell_lives() {
    let site = Site::running("127.0.0.1", "m");
    // a shell of a terminal leads a session; its pipes are not those of the tunnel, or this would never end
    let script = r#"
        eval "$(pi env echo)"
        address=${OPENAI_BASE_URL#http://} address=${address%/v1}
        exec 3<>"/dev/tcp/${address%:*}/${address#*:}" && printf 'GET /health HTTP/1.0\r\n\r\n' >&3 && read -r _ status _ <&3
        pi env echo >/dev/null
        pi tunnel echo --background
        printf '%s %s' "$OPENAI_BASE_URL" "$status""#;
    let ran: crate::workplace::Ran =
        site.place.command_of("setsid", &["--wait", "bash", "-c", script]).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let url = ran.out.strip_suffix(" 200").unwrap_or_else(|| panic!("{ran:?}")).to_owned();
    ran.says("it listens on 127.0.0.1 of far alone")
        .says("until this shell ends, or `pi tunnel echo --close`")
        .says("that is open on this machine")
        .says("a tunnel to `echo` is open")
        .says(&url);
    let address = url.trim_start_matches("http://").trim_end_matches("/v1");
    crate::sshd::eventually("the tunnel ends with the shell", || {
        std::net::TcpStream::connect(address).is_err()
    });
}

#[test]
fn a_tunnel_in_the_background_is_closed_on_demand() {
    let site = Site::running("127.0.0.1", "m");
    let ran = site.place.pi("tunnel echo --background").exits(0).says("--close");
    let address = ran.out.trim().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok(), "{ran:?}");
    assert!(site.place.pi("env echo").out.contains(&address), "env does not find it");
    site.place.pi("tunnel echo --close").exits(0).says("is closed");
    assert!(std::net::TcpStream::connect(&address).is_err(), "it still listens");
    site.place.pi("tunnel echo --close").exits(0).says("No tunnel to `echo` is open");
    // what goes wrong is said here, not in the background
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    site.place.pi(&format!("tunnel echo --background --port {port}")).exits(64).says("cannot listen");
}

#[test]
fn names_that_mean_nothing_are_64_and_pods_that_are_away_69() {
    let place = Workplace::with(&format!(
        "[pods.far]\nssh = \"ssh -F none -p {} root@127.0.0.1\"\n[models.qwen]\nmodel = \"/m\"\n\
         engine = \"command\"\ncommand = [\"true\"]\n",
        free_port()
    ));
    place.pi("env").exits(64);
    place.pi("env qwn").exits(64).says("did you mean `qwen`?");
    place.pi("env qwen --pod fra").exits(64).says("did you mean `far`?");
    place.pi("env qwen --shell tcsh").exits(64).says("fish");
    place.pi("env qwen").exits(69).says("refuses the connection");
}

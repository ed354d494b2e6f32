//! `-v`: everything that scripts and engines print, for who wants to see it.

use crate::workplace::Workplace;
use std::fs;
use std::net::TcpListener;

const SERVER: &str = r#"
[pods.here]
ssh = "local"
pi_path = "{dir}/pod"

[models.echo]
model = "{dir}/pi.toml"
engine = "command"
port = PORT
command = ["bash", "-c", "echo the engine speaks; exec python3 -m http.server -d {dir}/web {port}"]
"#;

#[test]
fn what_scripts_and_engines_print_is_shown_to_who_asks() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Workplace::with(&SERVER.replace("PORT", &port.to_string()));
    fs::create_dir(place.path().join("web")).unwrap();
    fs::write(place.path().join("web/health"), "").unwrap();
    place.pi("plan -v").exits(0).says("start_server.sh");
    let ran = place.pi("-v apply --yes").exits(0);
    assert!(ran.err.contains("here  the engine speaks"), "{}", ran.err);
    place.pi("destroy --yes").exits(0);
    let ran = place.pi("apply --yes").exits(0);
    assert!(!ran.err.contains("the engine speaks"), "{}", ran.err);
    place.pi("destroy --yes").exits(0);
}

//! Terminals that are closed and readers that go, at every moment of every command: `pi` ends as any Unix command
//! does, never by a panic, and what it did is as after Ctrl-C. `tests/terminal/die.py` takes the terminal away.

use crate::sshd::{eventually, kill, processes_with};
use crate::workplace::Workplace;
use serde_json::Value;
use std::process::Command;

/// What became of a command.
struct Died {
    /// Negative: the signal that killed it.
    code: i64,
    shown: String,
}

fn die(place: &Workplace, way: &str, (moment, keys): (&str, &str), args: &str) -> Died {
    let pi = place.command("");
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/die.py")).args([way, moment, keys]);
    python.arg(pi.get_program()).args(args.split_whitespace()).current_dir(place.path()).env_clear();
    python.envs(pi.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    let output = python.output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{args}: {}", String::from_utf8_lossy(&output.stderr)));
    let shown = told["shown"].as_str().unwrap().to_owned();
    let scene = format!("{way} at `{moment}`: pi {args}: {shown}");
    assert_eq!(told["came"], true, "the moment never came: {scene}");
    assert_eq!(told["late"], false, "it did not end: {scene}");
    assert!(!shown.contains("panicked") && !shown.contains("has a bug"), "{scene}");
    Died { code: told["code"].as_i64().unwrap(), shown }
}

/// A server that never answers, which a wait is interrupted at; each test has its own number.
fn starting(number: u32) -> Workplace {
    Workplace::with(&format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/pi.toml\"\n\
         engine = \"command\"\ncommand = [\"sleep\", \"{number}\"]\n"
    ))
}

#[test]
fn commands_that_look_end_with_their_terminal_and_their_reader() {
    let place = starting(47_160);
    let table = [
        // HUP ends what has not begun to heed it
        ("terminal", "", "plan", -1),
        ("terminal", "/pi.toml", "list --watch", -1),
        ("terminal", "echo", "list --watch", 0),
        ("silent", "echo", "list --watch", 130),
        ("silent", "", "plan", 130),
        ("silent", "", "check", 130),
        ("stdout", "", "plan", 141),
        ("stdout", "", "--help", 141),
        ("stdout", "echo", "list --watch", 141),
        ("stdout", "echo", "list --watch --json", 141),
        ("both", "", "plan", 141),
        ("stderr", "", "plan", 0),
        ("stderr", "", "plan --target nobody", 141),
        ("full", "", "plan", 0),
        ("full", "", "plan --target nobody", 64),
        ("out-full", "", "plan", 1),
        ("out-full", "", "--help", 1),
    ];
    for (way, moment, args, code) in table {
        let moment = if moment.starts_with('/') {
            place.path().display().to_string() + moment
        } else {
            moment.to_owned()
        };
        let died = die(&place, way, (&moment, ""), args);
        let ends = match code {
            // the moment before or after it heeds signals
            -1 | 0 if way == "terminal" => [-1, 0, 130].contains(&died.code),
            code => died.code == code,
        };
        assert!(ends, "{way} at `{moment}`: pi {args}: {}: {}", died.code, died.shown);
    }
}

#[test]
fn at_the_question_nothing_has_begun() {
    let place = starting(47_161);
    for (way, codes) in [("terminal", &[-1, 130][..]), ("silent", &[130])] {
        let died = die(&place, way, ("Only `yes` will do", ""), "apply");
        assert!(codes.contains(&died.code), "{way}: {}: {}", died.code, died.shown);
        assert!(!place.pod().join("servers").exists(), "{way}");
    }
}

#[test]
fn an_apply_accounts_for_every_step_whatever_closes() {
    let log = "servers/echo/runs/1/server.log";
    let table = [
        ("terminal", "lock", "apply --yes", 130),
        ("terminal", log, "apply --yes", 130),
        ("silent", log, "apply --yes", 130),
        ("terminal", log, "apply --yes -v", 130),
        ("silent", log, "apply --yes --json", 130),
        ("stderr", log, "apply --yes", 141),
        ("stdout", log, "apply --yes --json", 141),
        ("both", log, "apply --yes", 141),
        ("both", "lock", "apply --yes -v", 141),
    ];
    for (number, (way, moment, args, code)) in (47_170..).zip(table) {
        let place = starting(number);
        let moment = place.pod().join(moment).display().to_string();
        let died = die(&place, way, (&moment, ""), args);
        assert_eq!(died.code, code, "{way} at `{moment}`: pi {args}: {}", died.shown);
        let scene = format!("{way} at `{moment}`: pi {args}");
        assert!(!place.pod().join("lock").exists(), "the lock is left: {scene}");
        eventually("nothing runs on", || processes_with(&format!("sleep {number}")).is_empty());
        place.pi("plan --detailed-exitcode").exits(2).says("server     echo");
        place.pi("destroy --yes").exits(0);
    }
}

#[test]
fn a_conversation_ends_with_its_terminal() {
    let place = Workplace::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let args =
        format!("prompt -i --no-tools --model m --base-url http://{}/v1", listener.local_addr().unwrap());
    for (way, keys, codes) in [
        ("terminal", "", &[-1, 130][..]),
        ("terminal", "hello\\r", &[-1, 130]),
        ("silent", "", &[130]),
        ("silent", "hello\\r", &[130]),
    ] {
        let died = die(&place, way, ("leaves.", keys), &args);
        assert!(codes.contains(&died.code), "{way} {keys}: {}: {}", died.code, died.shown);
    }
}

#[test]
fn a_log_that_is_followed_ends_with_its_reader() {
    let place = starting(47_162);
    let mut apply = place.command("apply --yes").spawn().unwrap();
    let log = place.pod().join("servers/echo/runs/1/server.log");
    eventually("it has started", || log.exists());
    for (way, code) in [("terminal", 130), ("silent", 130), ("stdout", 141), ("both", 141)] {
        std::fs::write(&log, "one\n").unwrap();
        let died = die(&place, way, ("one", ""), "logs echo");
        assert_eq!(died.code, code, "{way}: {}", died.shown);
    }
    kill("INT", apply.id());
    assert_eq!(apply.wait().unwrap().code(), Some(130));
    place.pi("destroy --yes").exits(0);
}

#[test]
fn under_nohup_an_apply_goes_on_and_a_full_standard_error_stops_nothing() {
    let serve = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/podlab/serve.py");
    let server = format!(
        "[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n[models.echo]\nmodel = \"{{dir}}/pi.toml\"\n\
         engine = \"command\"\nlisten = \"127.0.0.1\"\ngpus = 0\nport = 8162\n\
         command = [\"python3\", \"{serve}\", \"--port\", \"{{port}}\", \"--model\", \"{{model}}\"]\n"
    );
    let place = Workplace::with(&server);
    let died = die(&place, "full", ("", ""), "apply --yes");
    assert_eq!(died.code, 0, "{}", died.shown);
    place.pi("destroy --yes").exits(0);
    // `nohup` writes to nohup.out and has HUP ignored, which the shell of a closed terminal sends all the same
    let nohup = place.command_of("nohup", &[env!("CARGO_BIN_EXE_pi"), "apply", "--yes"]).spawn().unwrap();
    let log = place.pod().join("servers/echo/runs/1/server.log");
    eventually("it has started", || log.exists());
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", nohup.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core dump: {core}");
    kill("HUP", nohup.id());
    let ran: crate::workplace::Ran = nohup.wait_with_output().unwrap().into();
    ran.exits(0);
    place.pi("destroy --yes").exits(0);
}

#[test]
fn a_long_plan_ends_with_its_terminal_and_its_reader() {
    let place = starting(47_192);
    let models: String = (0..1500)
        .map(|number| {
            format!(
                "[models.m{number}]\nmodel = \"{{dir}}/pi.toml\"\nengine = \"command\"\ncommand = [\"sleep\", \"47192\"]\n"
            )
        })
        .collect();
    place.write(&format!("[pods.here]\nssh = \"local\"\npi_path = \"{{dir}}/pod\"\n{models}"));
    let table = [
        ("terminal", "plan", &[-1, 130][..]),
        ("silent", "plan", &[130]),
        ("stdout", "plan", &[141]),
        ("stdout", "plan --json", &[141]),
        ("both", "plan", &[141]),
        ("stderr", "apply --yes", &[141]),
        ("terminal", "apply --yes", &[-1, 130]),
    ];
    for (way, args, codes) in table {
        let died = die(&place, way, ("m1", ""), args);
        assert!(codes.contains(&died.code), "{way}: pi {args}: {}", died.code);
    }
    assert!(!place.pod().join("servers").exists(), "nothing was begun");
}

//! `pi import`: what runs without pi, and what the older pi knew.

use crate::json;
use crate::sshd::eventually;
use crate::workplace::Workplace;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const MANIFEST: &str = "# ours\n[pods.here]\nssh = \"local\"\npi_path = \"{dir}/pod\"\n";

/// A process that looks and listens like `vllm serve`.
struct Stranger {
    process: Child,
    port: u16,
    _turn: File,
}

/// One test at a time: a pod on this machine sees the strangers of all tests.
fn turn() -> File {
    let file = File::create("/tmp/pi-it-strangers.lock").unwrap();
    file.lock().unwrap();
    file
}

impl Stranger {
    fn start(place: &Workplace, more: &str) -> Self {
        let turn = turn();
        let program = place.path().join("vllm");
        fs::write(
            &program,
            "import socket, sys, time\ns = socket.create_server(('127.0.0.1', int(sys.argv[3])))\ntime.sleep(600)\n",
        )
        .unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("python3");
        command.arg(&program).args(["serve", "--port", &port.to_string()]);
        command.args(["--model", "Qwen/Qwen3-8B"]).args(more.split_whitespace());
        let process = command.stdin(Stdio::null()).spawn().unwrap();
        eventually("it listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, port, _turn: turn }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn a_server_that_runs_becomes_an_entry_once_and_its_key_stays_out() {
    let place = Workplace::with(MANIFEST);
    let stranger = Stranger::start(&place, "--max-model-len 8192 --api-key sesame");
    let before = place.manifest();
    let shown = place.pi("import").exits(64).says("+ [models.qwen3-8b]").says("--yes");
    assert_eq!(place.manifest(), before);
    let written = place.pi("import --yes").exits(0).says("kill").says("--api-key");
    for text in [&shown.out, &shown.err, &written.out, &written.err] {
        assert!(!text.contains("sesame"), "{text}");
    }
    let entry = format!(
        "\n[models.qwen3-8b]\nmodel = \"Qwen/Qwen3-8B\"\npod = \"here\"\ngpus = 1\ncontext = \"8k\"\nport = {}\nlisten = \"127.0.0.1\"\n",
        stranger.port
    );
    assert_eq!(place.manifest(), before + &entry);
    place.pi("import --yes").exits(0).says("Nothing to add");
}

#[test]
fn machines_are_told_what_was_found_and_what_it_makes_of_pi_toml() {
    let place =
        Workplace::with(&format!("{MANIFEST}\n[models.qwen3-8b]\nmodel = \"a/b\"\nstate = \"stopped\"\n"));
    let stranger = Stranger::start(&place, "--api-key sesame");
    let (dir, before) = (place.path().to_str().unwrap(), place.manifest());
    let asked = place.pi("import --json").exits(64).says("--yes");
    assert_eq!(json::kinds(&json::events(&asked)), ["found", "manifest"]);
    assert_eq!(place.manifest(), before);
    let ran = place.pi("import --json --yes").exits(0);
    assert!(!ran.out.contains("sesame"), "{}", ran.out);
    let (port, pid) = (stranger.port.to_string(), stranger.process.id().to_string());
    let names = [(dir, "{dir}"), (port.as_str(), "{port}"), (pid.as_str(), "{pid}")];
    let mut told = json::events(&ran);
    // what else runs on this machine may look like an engine
    told[0]["notes"].as_array_mut().unwrap().retain(|note| note.as_str().unwrap().contains(&pid));
    json::events_written_down("import.jsonl", &told, &names);
    // what was told is what was written
    for line in told[1]["new"].as_array().unwrap() {
        let at = usize::try_from(line["line"].as_u64().unwrap()).unwrap();
        assert_eq!(place.manifest().lines().nth(at - 1), line["text"].as_str(), "{line}");
    }
    let again = json::events(&place.pi("import --json --yes").exits(0).says("Nothing to add"));
    assert_eq!((json::kinds(&again), &again[0]["models"]), (vec!["found"], &serde_json::json!([])));
    fs::write(place.path().join("bad.json"), "{}").unwrap();
    assert_eq!(place.pi("import --json --from bad.json").exits(64).says("not of the older pi").out, "");
}

#[test]
fn nothing_runs_and_nothing_is_written() {
    let _turn = turn();
    let place = Workplace::with(MANIFEST);
    let before = place.manifest();
    place.pi("import --yes").exits(0).says("Nothing to add");
    assert_eq!(place.manifest(), before);
    place.write("");
    place.pi("import").exits(64).says("pi pods setup");
}

#[test]
fn the_older_pis_file_is_taken_over_and_put_away() {
    let place = Workplace::with(MANIFEST);
    let config = place.path().join("home/.pi");
    fs::create_dir(&config).unwrap();
    let older = r#"{"pods": {"prime": {"ssh": "ssh root@192.0.2.1", "gpus": [], "modelsPath": "/mnt/hf", "vllmVersion": "release",
        "models": {"qwen": {"model": "Qwen/Qwen3-8B", "port": 8001, "gpu": [0], "pid": 99}}}}, "active": "prime"}"#;
    fs::write(config.join("pods.json"), older).unwrap();
    place.pi("plan").exits(1).says("pi import");
    place.pi("import --yes").exits(0).says("pods.older.json");
    let text = place.manifest();
    assert!(text.contains("# ours\n") && text.contains("[pods.prime]\n"), "{text}");
    assert!(text.contains("[models.qwen]\nmodel = \"Qwen/Qwen3-8B\"\npod = \"prime\"\n"), "{text}");
    assert_eq!(fs::read_to_string(config.join("pods.older.json")).unwrap(), older);
    place.pi("pods").exits(0).says("*  prime");
    // also where pi.toml has it all already: the advice to import comes once
    fs::write(config.join("pods.json"), older).unwrap();
    place.pi("import --yes").exits(0).says("Nothing to add").says("pods.older.2.json");
    place.pi("pods").exits(0);
}

#[test]
fn what_is_no_such_file_is_told() {
    let place = Workplace::with(MANIFEST);
    place.pi("import --from none.json").exits(1).says("none.json");
    fs::write(place.path().join("new.json"), "{\"format\": 1, \"pods\": {}}").unwrap();
    place.pi("import --from new.json").exits(64).says("not of the older pi");
    fs::write(place.path().join("bad.json"), "{\"pods\": {\"a\": {}}}").unwrap();
    place.pi("import --from bad.json").exits(64).says("bad.json cannot be read");
}
